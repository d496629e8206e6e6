import type { OverviewStore } from '../catalog/overview-store.js';
import type { CatalogAccess } from '../catalog/unit-of-work.js';
import { XynFault } from '../domain/fault.js';
import { cached } from './cached.js';
import { gateFacts, type GateFacts } from './overview-gate.js';
import type { PlanCache } from './plan-cache.js';

export interface OverviewDeps {
  access: Pick<CatalogAccess, 'runs' | 'gates'>;
  store: Pick<OverviewStore, keyof OverviewStore>;
  plans: Pick<PlanCache, 'get'>;
  clock: () => number;
}

/** Counts in the navigation and in chips may be that old: many pages ask, few things change. */
const COUNTS_MS = 2_000;
/** More steps than these are not drawn one by one. */
const MOST_MARKS = 200;

/** What the screens show across all runs and gates. */
export class OverviewService {
  readonly #deps: OverviewDeps;

  constructor(deps: OverviewDeps) {
    this.#deps = deps;
    this.counts = cached(COUNTS_MS, deps.clock, () => this.#deps.store.counts());
  }

  /** Open gates and open runs, capped at 10 001; at most two seconds old. @throws XynFault `db_unavailable` */
  readonly counts: () => Promise<{ gates: number; running: number }>;

  /** A gate with all that a person needs to decide. @throws XynFault `gate_not_found`, `db_unavailable` */
  async gate(gateId: string): Promise<GateFacts> {
    const { access, store, plans } = this.#deps;
    const gate = await access.gates.get(gateId);
    if (gate === undefined) throw new XynFault('gate_not_found', 'No gate has that id.');
    const isRecovery = gate.purpose === 'recovery';
    const [run, steps, asked] = await Promise.all([
      access.runs.get(gate.run_id),
      store.stepMarks([gate.run_id], MOST_MARKS),
      isRecovery ? access.runs.step(gate.run_id, gate.step_id) : undefined,
    ]);
    if (run === undefined) throw new XynFault('gate_not_found', 'The gate belongs to no run.');
    const version = run.blueprint_version;
    const known = version === null ? undefined : await plans.get(run.blueprint_id, version);
    return gateFacts(gate, { run, steps, plan: known?.plan, asked });
  }
}
