import type { RunDto } from '../../domain/dtos.js';
import type { Html } from '../html.js';
import type { Parts } from '../parts/parts.js';
import { template } from '../template.js';

/** What a person reads before cancelling a run. */
export interface CancelView {
  run: RunDto;
  /** Steps that are done and stay done, and that run now. */
  done: number;
  running: readonly string[];
  openGates: number;
  csrf: string;
  reason: string;
  problem: string | null;
}

/** Asks whether to cancel a run; works as a page and as a dialog. */
export const cancelMain: (view: CancelView, ui: Parts) => Html = template<CancelView>(import.meta.url, './cancel.eta');
