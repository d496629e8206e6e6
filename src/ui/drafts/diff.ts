import type { DraftDetailDto, DraftRevisionDto } from '../../domain/drafts.js';
import type { Html } from '../html.js';
import { changedLines } from '../parts/changed-lines.js';
import type { Parts } from '../parts/parts.js';
import { template } from '../template.js';

/** A draft's newest text against another one. */
export interface DraftDiffView {
  draft: DraftDetailDto;
  /** What it is compared with, in words and as text; null: nothing is there yet. */
  from: string | null;
  before: string;
  revisions: readonly DraftRevisionDto[];
}

const diffTemplate = template<Record<string, unknown>>(import.meta.url, './diff.eta');

/** What a draft changes. */
export function draftDiffMain(view: DraftDiffView, ui: Parts): Html {
  const lines = changedLines(view.before, view.draft.content.definition, ui);
  return diffTemplate({ ...view, to: `revision ${view.draft.revision}`, lines }, ui);
}
