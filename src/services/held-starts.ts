import type { CatalogAccess } from '../catalog/unit-of-work.js';
import type { Log } from './log.js';
import type { Rails } from './rails.js';
import { startReleased, type RunCreationDeps } from './run-creation.js';

export interface HeldStartsDeps extends RunCreationDeps {
  catalog: CatalogAccess;
  log: Log;
  rails: Rails;
}

/** Blueprints in one sweep, and starts of one in a transaction. */
const BATCH = 100;

/**
 * Lets held starts happen as soon as their blueprint may start again, oldest first, and gives up those that waited too
 * long. Any number of processes sweep side by side; what one had begun when it died is as it was.
 */
export class HeldStarts {
  readonly #deps: HeldStartsDeps;

  constructor(deps: HeldStartsDeps) {
    this.#deps = deps;
  }

  async sweep(): Promise<void> {
    for (const blueprintId of await this.#deps.catalog.holds.blueprints(BATCH)) {
      // One blueprint that cannot be started must not hold up the others.
      await this.#release(blueprintId).catch((error: unknown) => {
        this.#deps.log.warn({ blueprint_id: blueprintId, err: error }, 'held events could not be started yet');
      });
    }
  }

  async #release(blueprintId: string): Promise<void> {
    const { catalog, rails, log } = this.#deps;
    const done = await catalog.urgentTransaction(async (unit) => {
      await unit.holds.lock(blueprintId);
      const expired = await unit.holds.expire(blueprintId, BATCH);
      const { starts } = await unit.holds.recent(blueprintId, rails.startsPerMinute);
      const free = Math.min(rails.startsPerMinute - starts, BATCH);
      const released = free > 0 ? await unit.holds.release(blueprintId, free) : [];
      await startReleased(unit, this.#deps, blueprintId, released);
      return { expired, released: released.length };
    });
    if (done.expired.length > 0) {
      log.warn({ blueprint_id: blueprintId, events: done.expired }, 'held events were too old and start nothing');
    }
    if (done.released > 0) {
      log.info({ blueprint_id: blueprintId, starts: done.released }, 'held events start their runs');
    }
  }
}
