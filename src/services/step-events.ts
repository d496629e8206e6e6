import type { CatalogAccess } from '../catalog/unit-of-work.js';
import type { AskingStep } from '../domain/asking-step.js';
import type { EventActions, StepEvent } from '../domain/emitting.js';
import { uuidV5 } from '../domain/hash.js';
import type { Json } from '../domain/json.js';
import { emitEntry, requireEmittable } from './emitted-event.js';
import { engineEvent } from './engine-events.js';
import { stepCaller } from './step-caller.js';

export interface StepEventDeps {
  catalog: Pick<CatalogAccess, 'runs' | 'events' | 'transaction'>;
  envId: string;
  /** Milliseconds since the epoch. */
  clock: () => number;
  /** Masks secrets. */
  scrub: <T extends Json>(value: T) => T;
}

/** Name space of events whose id comes from the key of a step. */
const KEYED = '0e0f5f5c-4f0a-5f0e-9d53-7d0c2f3f6a11';

/** Events of steps: written by the worker, and matched by a dispatcher after the commit. */
export class StepEvents implements EventActions {
  readonly #deps: StepEventDeps;

  constructor(deps: StepEventDeps) {
    this.#deps = deps;
  }

  async emit(step: AskingStep, event: StepEvent): Promise<{ event_id: string }> {
    requireEmittable(event);
    const { catalog, envId, scrub } = this.#deps;
    const caller = await stepCaller(catalog, step);
    const { event_name, data, resource } = event;
    // An author's key may be the same at steps that emit different events.
    const eventId = uuidV5(KEYED, `${envId}/${event_name}/${step.key}`);
    const row = {
      ...engineEvent(caller, this.#deps, { event_name, data: scrub(data), resource: resource ?? null }),
      event_id: eventId,
    };
    await catalog.transaction(async (unit) => {
      if ((await unit.events.insert([row])) > 0) await unit.audit([emitEntry(caller, row)]);
    });
    return { event_id: eventId };
  }
}
