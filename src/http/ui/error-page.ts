import { ERROR_CODES } from '../../domain/error-codes.js';
import type { XynFault } from '../../domain/fault.js';
import { errorMain } from '../../ui/shell/error-page.js';
import type { PageAnswer, UiCall } from './page.js';

const TITLES: Readonly<Record<number, string>> = {
  403: 'That is not allowed.',
  404: 'Nothing is here.',
  409: 'That is not possible now.',
  503: 'A part of Xyn does not answer.',
};

/** Exit codes from here on say that the same may go later: refused by a state or a rule, a part away, a defect of ours. */
const FIRST_PASSING_EXIT = 4;

/** A page that says what went wrong, with what is needed to look it up. @param again the page to open once more. */
export function errorPage(
  fault: XynFault,
  status: number,
  correlationId: string,
  call: UiCall,
  again: string,
): PageAnswer {
  const title = TITLES[status] ?? (status >= 500 ? 'Xyn made a mistake.' : 'That cannot be shown.');
  const view = {
    title,
    message: fault.message,
    code: fault.code,
    correlationId,
    retry:
      ERROR_CODES[fault.code].exit >= FIRST_PASSING_EXIT
        ? { href: again, label: again === call.here ? 'Try again' : 'Open the page again' }
        : null,
  };
  return { status, title, nav: null, crumb: 'Error', testId: 'page-error', main: errorMain(view, call.ui) };
}
