import type { DraftDto } from '../../domain/drafts.js';
import { count, countWord } from '../format.js';
import type { Html } from '../html.js';
import type { Parts } from '../parts/parts.js';
import { statusOf, type Status } from '../status.js';
import { template } from '../template.js';

/** The list of drafts, and the form that begins one. */
export interface DraftsView {
  drafts: readonly DraftDto[];
  /** Where the next page is. */
  older: string | null;
  /** Newer drafts stand on other pages. */
  isLater: boolean;
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

/** How many of the drafts that are no version yet could become one now; of a part of the list that is said of this part. */
function headlineOf({ drafts, older, isLater }: DraftsView): string {
  const open = drafts.filter(({ status }) => status !== 'promoted').length;
  const ready = drafts.filter(({ status }) => status === 'validated').length;
  if (older !== null || isLater) {
    const ofThese = ready === 0 ? 'none is' : ready === 1 ? 'one is' : `${countWord(ready).toLowerCase()} are`;
    return `Of these ${count(drafts.length)} drafts ${ofThese} ready to promote.`;
  }
  if (drafts.length === 0) return 'No draft is here yet.';
  if (open === 0) return drafts.length === 1 ? 'The one draft was promoted.' : 'Every draft was promoted.';
  if (open === 1) return ready === 1 ? 'One draft is ready to promote.' : 'One draft is not ready to promote yet.';
  if (ready === 0) return `${countWord(open)} drafts, none ready to promote yet.`;
  if (ready === open) return `${countWord(open)} drafts are ready to promote.`;
  return `${countWord(ready)} of ${countWord(open).toLowerCase()} drafts ${ready === 1 ? 'is' : 'are'} ready to promote.`;
}

/** Drafts, last changed first. */
export function draftsMain(view: DraftsView, ui: Parts): Html {
  const rows = view.drafts.map((draft) => ({ ...draft, look: lookOf(draft) }));
  return listTemplate({ ...view, rows, headline: headlineOf(view) }, ui);
}
