import type { QuietCursor, QuietRun } from '../catalog/repair-store.js';
import type { CatalogAccess } from '../catalog/unit-of-work.js';
import type { RunGateway } from '../temporal/gateway.js';
import type { Log } from './log.js';
import type { RunRepair } from './run-repair.js';
import { startWakeLoop, type WakeLoop } from './wake-loop.js';

export interface ReconcilerDeps {
  catalog: CatalogAccess;
  gateway: Pick<RunGateway, 'describe'>;
  repair: RunRepair;
  clock: () => number;
  log: Log;
}

/** How long things are left to sort themselves out. Milliseconds. */
export interface ReconcilerPatience {
  /** Between two passes; default 3 s. */
  passMs: number;
  /** For an ended run with missing records; default 3 s, far above the 50 ms that workers write behind. */
  incompleteMs: number;
  /** For an open run without news, before Temporal is asked; default 15 s. */
  quietMs: number;
  /** For an open run that Temporal does not know, before it is given up; default 60 s. */
  lostMs: number;
  /** For a running attempt of an ended run; default 60 s. */
  attemptMs: number;
}

const PATIENCE: ReconcilerPatience = {
  passMs: 3_000,
  incompleteMs: 3_000,
  quietMs: 15_000,
  lostMs: 60_000,
  attemptMs: 60_000,
};

const BATCH = 200;
const PARALLEL = 4;
/** Two looks at least this far apart must not find the run before it is given up. */
const SECOND_LOOK_MS = 5_000;
const LONGEST_PAUSE_MS = 300_000;
/** Until then a repair waits for a worker that holds the run's state. */
const GIVE_UP_AFTER_TRIES = 8;

interface Watch {
  nextAt: number;
  tries: number;
  missingSince?: number;
}

/** Finds runs whose records differ from what Temporal knows, and repairs them. Any number of them may run. */
export class Reconciler {
  readonly #deps: ReconcilerDeps;
  readonly #patience: ReconcilerPatience;
  readonly #watches = new Map<string, Watch>();
  #cursor: QuietCursor | undefined;
  #loop: WakeLoop | undefined;

  constructor(deps: ReconcilerDeps, patience: Partial<ReconcilerPatience> = {}) {
    this.#deps = deps;
    this.#patience = { ...PATIENCE, ...patience };
  }

  start(): void {
    this.#loop = startWakeLoop({
      work: async () => {
        await this.pass();
        return this.#patience.passMs;
      },
      onError: (error) => this.#deps.log.warn({ err: error }, 'a pass of the reconciler ended early; the next goes on'),
      errorPauseMs: this.#patience.passMs,
    });
  }

  async stop(): Promise<void> {
    await this.#loop?.stop();
  }

  /** Looks at everything that is due once. */
  async pass(): Promise<void> {
    const { repairs } = this.#deps.catalog;
    const incomplete = await repairs.incomplete(this.#patience.incompleteMs, BATCH);
    await this.#each(incomplete, (runId) => this.#repairIncomplete(runId));
    const quiet = await repairs.quiet(this.#patience.quietMs, BATCH, this.#cursor);
    const last = quiet.at(-1);
    this.#cursor = quiet.length < BATCH || last === undefined ? undefined : last;
    await this.#each(quiet, (run) => this.#lookAt(run));
    for (const { run_id: runId, count } of await repairs.loseAttempts(this.#patience.attemptMs, BATCH)) {
      const recorded = await repairs.recorded(runId);
      if (recorded !== undefined) await this.#deps.repair.audit(runId, recorded, [`attempts lost: ${count}`]);
    }
    this.#forget();
  }

  async #repairIncomplete(runId: string): Promise<void> {
    const watch = this.#due(runId);
    if (watch === undefined) return;
    const outcome = await this.#deps.repair.repair(runId);
    if (outcome === 'partial' && watch.tries < GIVE_UP_AFTER_TRIES) return;
    if (outcome !== 'complete') this.#deps.log.warn({ run_id: runId, outcome }, 'records of a run stay incomplete');
    await this.#deps.catalog.repairs.clearIncomplete(runId);
    this.#watches.delete(runId);
  }

  async #lookAt(run: QuietRun): Promise<void> {
    const watch = this.#due(run.run_id);
    if (watch === undefined) return;
    const { status } = await this.#deps.gateway.describe(run.run_id);
    if (status === 'open') {
      delete watch.missingSince;
      await this.#deps.repair.catchUp(run.run_id);
    } else if (status === 'not_found') await this.#afterMiss(run, watch);
    else if ((await this.#deps.repair.repair(run.run_id)) !== 'partial') this.#watches.delete(run.run_id);
  }

  async #afterMiss(run: QuietRun, watch: Watch): Promise<void> {
    const now = this.#deps.clock();
    watch.missingSince ??= now;
    watch.nextAt = now + SECOND_LOOK_MS;
    const quietFor = now - run.last_progress_at.getTime();
    if (now - watch.missingSince < SECOND_LOOK_MS || quietFor < this.#patience.lostMs) return;
    this.#deps.log.error({ run_id: run.run_id }, 'Temporal does not know an open run; it is given up');
    await this.#deps.repair.lose(run.run_id);
    this.#watches.delete(run.run_id);
  }

  /** The run's watch when it is time to look again; the pause until the time after that doubles. */
  #due(runId: string): Watch | undefined {
    const now = this.#deps.clock();
    const watch = this.#watches.get(runId) ?? { nextAt: 0, tries: 0 };
    if (watch.nextAt > now) return undefined;
    watch.nextAt = now + Math.min(this.#patience.passMs * 2 ** watch.tries, LONGEST_PAUSE_MS);
    watch.tries = Math.min(watch.tries + 1, 20);
    this.#watches.set(runId, watch);
    return watch;
  }

  /** Watches of runs that were not looked at for long are of runs that go well again. */
  #forget(): void {
    const limit = this.#deps.clock() - 2 * LONGEST_PAUSE_MS;
    for (const [runId, watch] of this.#watches) if (watch.nextAt < limit) this.#watches.delete(runId);
  }

  /** A few at a time; one that fails does not keep the others from their turn. */
  async #each<T>(items: readonly T[], look: (item: T) => Promise<void>): Promise<void> {
    const queue = [...items];
    const lane = async (): Promise<void> => {
      for (let item = queue.shift(); item !== undefined; item = queue.shift()) {
        try {
          await look(item);
        } catch (error) {
          this.#deps.log.warn({ err: error }, 'a run could not be reconciled; it is tried again');
        }
      }
    };
    await Promise.all(Array.from({ length: PARALLEL }, lane));
  }
}
