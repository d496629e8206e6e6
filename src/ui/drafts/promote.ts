import type { DraftDetailDto } from '../../domain/drafts.js';
import type { Html } from '../html.js';
import type { Parts } from '../parts/parts.js';
import { template } from '../template.js';

/** What a person reads before a draft becomes a version. */
export interface PromoteView {
  draft: DraftDetailDto;
  /** Why it cannot; null: it can. */
  why: string | null;
  /** The version that became active since the work on the draft began; null: none did. */
  over: number | null;
  csrf: string;
}

/** Asks whether to promote a draft; works as a page and as a dialog. */
export const promoteMain: (view: PromoteView, ui: Parts) => Html = template<PromoteView>(
  import.meta.url,
  './promote.eta',
);
