import type { XynFault } from '../../domain/fault.js';
import { errorMain } from '../../ui/shell/error-page.js';
import type { PageAnswer, UiCall } from './page.js';

const TITLES: Readonly<Record<number, string>> = {
  403: 'That is not allowed.',
  404: 'Nothing is here.',
  409: 'That is not possible now.',
  503: 'A part of Xyn does not answer.',
};

/** Below 500: what may go the next time. */
const AGAIN: ReadonlySet<number> = new Set([403, 409, 429]);

/** A page that says what went wrong, with what is needed to look it up. */
export function errorPage(fault: XynFault, status: number, correlationId: string, call: UiCall): PageAnswer {
  const title = TITLES[status] ?? (status >= 500 ? 'Xyn made a mistake.' : 'That cannot be shown.');
  const view = {
    title,
    message: fault.message,
    code: fault.code,
    correlationId,
    retry: AGAIN.has(status) || status >= 500 ? call.here : null,
  };
  return { status, title, nav: null, crumb: 'Error', testId: 'page-error', main: errorMain(view, call.ui) };
}
