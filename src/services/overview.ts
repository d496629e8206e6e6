import type { OverviewStore } from '../catalog/overview-store.js';
import { cached } from './cached.js';

export interface OverviewDeps {
  store: Pick<OverviewStore, keyof OverviewStore>;
  clock: () => number;
}

/** Counts in the navigation and in chips may be that old: many pages ask, few things change. */
const COUNTS_MS = 2_000;

/** What the screens show across all runs and gates. */
export class OverviewService {
  readonly #deps: OverviewDeps;

  constructor(deps: OverviewDeps) {
    this.#deps = deps;
    this.counts = cached(COUNTS_MS, deps.clock, () => this.#deps.store.counts());
  }

  /** Open gates and open runs, capped at 10 001; at most two seconds old. @throws XynFault `db_unavailable` */
  readonly counts: () => Promise<{ gates: number; running: number }>;
}
