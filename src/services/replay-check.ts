import type { CatalogAccess } from '../catalog/unit-of-work.js';
import { XynFault } from '../domain/fault.js';
import type { ReplayCheckDto } from '../domain/rerun.js';
import type { RunGateway } from '../temporal/gateway.js';
import type { ReplayVerdict } from '../temporal/replay.js';

/** A history as the gateway fetches it. */
export type FetchedHistory = NonNullable<Awaited<ReturnType<RunGateway['history']>>>;

export interface ReplayCheckDeps {
  catalog: Pick<CatalogAccess, 'runs'>;
  gateway: Pick<RunGateway, 'history'>;
  /** Runs a history through the code of today; ends it when the signal aborts. */
  replay: (history: FetchedHistory, runId: string, signal: AbortSignal) => Promise<ReplayVerdict>;
  /** Default 30 s. */
  timeoutMs?: number;
}

const TIMEOUT_MS = 30_000;

/**
 * Whether what a run has done so far is what the code of today would do. Without any effect; one check at a time, since it
 * takes a processor for itself.
 */
export class ReplayCheck {
  readonly #deps: ReplayCheckDeps;
  #isBusy = false;

  constructor(deps: ReplayCheckDeps) {
    this.#deps = deps;
  }

  /** @throws XynFault `run_not_found`, `history_gone`, `replay_busy`, `replay_timeout`, `temporal_unavailable` */
  async check(runId: string): Promise<ReplayCheckDto> {
    const { catalog, gateway, replay, timeoutMs = TIMEOUT_MS } = this.#deps;
    if ((await catalog.runs.get(runId)) === undefined) throw new XynFault('run_not_found', 'No run has that id.');
    if (this.#isBusy) throw new XynFault('replay_busy', 'Another replay check is running; try again in half a minute.');
    this.#isBusy = true;
    const signal = AbortSignal.timeout(timeoutMs);
    try {
      const history = await gateway.history(runId);
      if (history === undefined) {
        throw new XynFault('history_gone', 'Temporal holds no history of this run, or not any more.');
      }
      const { fits, difference } = await replay(history, runId, signal);
      return { fits, difference: difference ?? null, events: history.events?.length ?? 0 };
    } catch (error) {
      if (!signal.aborted || error instanceof XynFault) throw error;
      const message = `The replay took longer than ${timeoutMs / 1_000} s; \`xynctl replay\` has no such bound.`;
      throw new XynFault('replay_timeout', message, { cause: error });
    } finally {
      this.#isBusy = false;
    }
  }
}
