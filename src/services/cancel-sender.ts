import type { PendingCancel } from '../catalog/run-store.js';
import type { CatalogAccess } from '../catalog/unit-of-work.js';
import type { RunGateway } from '../temporal/gateway.js';
import type { Log } from './log.js';

export interface CancelSenderDeps {
  catalog: Pick<CatalogAccess, 'runs'>;
  gateway: Pick<RunGateway, 'cancel'>;
  log: Log;
}

const SWEEP_BATCH = 50;

/** Brings wishes to cancel to the workflows. Sending one twice changes nothing. */
export class CancelSender {
  readonly #deps: CancelSenderDeps;

  constructor(deps: CancelSenderDeps) {
    this.#deps = deps;
  }

  /** Tries once; what fails is left to the sweep. Never throws. */
  async send({ run_id: runId, by, reason }: PendingCancel): Promise<void> {
    try {
      const outcome = await this.#deps.gateway.cancel(runId, { by, reason });
      // `closed` before the workflow was started means "too early": the wish is sent again after the start. Later it
      // means that the run's end is not recorded yet.
      if (outcome !== 'unavailable') await this.#deps.catalog.runs.markCancelSent(runId, outcome === 'closed');
    } catch (error) {
      this.#deps.log.warn({ run_id: runId, err: error }, 'a cancel could not be sent; it is tried again');
    }
  }

  /** Sends what is not known to have arrived, again where the run goes on all the same. */
  async sweep(): Promise<void> {
    const pending = await this.#deps.catalog.runs.pendingCancels(SWEEP_BATCH);
    await Promise.all(pending.map((one) => this.send(one)));
  }
}
