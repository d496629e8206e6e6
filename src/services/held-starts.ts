import type { AuditEntry } from '../catalog/audit.js';
import type { ExpiredStart } from '../catalog/hold-store.js';
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
      await unit.audit(expired.map((start) => this.#expiredEntry(blueprintId, start)));
      const { starts } = await unit.holds.recent(blueprintId, rails.startsPerMinute);
      const free = Math.min(rails.startsPerMinute - starts, BATCH);
      const released = free > 0 ? await unit.holds.release(blueprintId, free) : [];
      await startReleased(unit, this.#deps, blueprintId, released);
      return { expired, released: released.length };
    });
    if (done.expired.length > 0) {
      const events = done.expired.map(({ event_id }) => event_id);
      log.warn({ blueprint_id: blueprintId, events }, 'held events were too old and start nothing');
    }
    if (done.released > 0) {
      log.info({ blueprint_id: blueprintId, starts: done.released }, 'held events start their runs');
    }
  }
  #expiredEntry(blueprintId: string, { event_id: eventId, correlation_id, held_at: heldAt }: ExpiredStart): AuditEntry {
    return {
      key: `held/${eventId}/${blueprintId}/expired`,
      at: new Date(this.#deps.clock()),
      actor: 'system',
      action: 'start.expire',
      resource_type: 'event',
      resource_id: eventId,
      after: { blueprint_id: blueprintId, held_at: heldAt.toISOString() },
      correlation_id,
      env_id: this.#deps.env.id,
    };
  }
}
