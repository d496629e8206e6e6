import type { DraftDto } from '../../domain/drafts.js';
import type { Html } from '../html.js';
import type { Parts } from '../parts/parts.js';
import { statusOf, type Status } from '../status.js';
import { template } from '../template.js';

/** The list of drafts, and the form that begins one. */
export interface DraftsView {
  drafts: readonly DraftDto[];
  /** Where the next page is. */
  older: string | null;
  csrf: string;
  /** What was typed as a name, and what is wrong with it. */
  name: string;
  problem: string | null;
}

const listTemplate = template<Record<string, unknown>>(import.meta.url, './drafts.eta');

function lookOf({ status, is_valid: isValid }: DraftDto): Status {
  if (status === 'promoted') return statusOf('done', 'Promoted');
  if (status === 'validated') return statusOf('done', 'Valid');
  return isValid === false ? statusOf('fail', 'Has errors') : statusOf('todo', 'Draft');
}

/** Drafts, last changed first. */
export function draftsMain(view: DraftsView, ui: Parts): Html {
  const rows = view.drafts.map((draft) => ({ ...draft, look: lookOf(draft) }));
  const open = rows.filter(({ status }) => status !== 'promoted').length;
  return listTemplate({ ...view, rows, open }, ui);
}
