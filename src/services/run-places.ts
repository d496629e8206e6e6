import type { CatalogAccess, UnitOfWork } from '../catalog/unit-of-work.js';
import type { RunRow } from '../catalog/start-rows.js';
import type { EventDto } from '../domain/dtos.js';
import type { Lane, Rails } from './rails.js';

/** A new run, with the lane that it is in. */
export interface PlannedRun {
  row: RunRow;
  lane?: Lane | undefined;
  /** What starts it; absent: a person. */
  event?: EventDto;
}

/**
 * Gives new runs of a lane a place or queues them, inside the transaction that creates them.
 * @returns the ids of those that wait.
 */
export async function takePlaces(
  unit: UnitOfWork,
  rails: Rails | undefined,
  runs: readonly PlannedRun[],
): Promise<ReadonlySet<string>> {
  const waiting = new Set<string>();
  if (rails === undefined) return waiting;
  for (const lane of [...new Set(runs.flatMap((run) => run.lane ?? []))].sort()) {
    await unit.places.lock(lane);
    const { running, waiting: queue } = await unit.places.counts(lane);
    // Nobody passes those who wait already.
    const free = queue > 0 ? 0 : Math.max(0, rails.places[lane] - running);
    const own = runs.filter((run) => run.lane === lane).map(({ row }) => row);
    for (const row of own.slice(free)) waiting.add(row.run_id);
    await unit.places.insert(
      own.map(({ run_id, priority }) => ({ run_id, lane, priority, admitted: !waiting.has(run_id) })),
    );
  }
  return waiting;
}

/** Lets waiting runs in when others have ended. */
export class RunPlaces {
  readonly #catalog: CatalogAccess;
  readonly #rails: Rails;

  constructor(catalog: CatalogAccess, rails: Rails) {
    this.#catalog = catalog;
    this.#rails = rails;
  }

  async sweep(): Promise<void> {
    for (const lane of await this.#catalog.places.lanes()) await this.#admit(lane);
  }

  async #admit(lane: string): Promise<void> {
    await this.#catalog.urgentTransaction(async (unit) => {
      await unit.places.lock(lane);
      await unit.places.clear(lane);
      const { running } = await unit.places.counts(lane);
      // A lane of another version that is not known here is not held up.
      const places = Object.hasOwn(this.#rails.places, lane) ? this.#rails.places[lane as Lane] : Infinity;
      await unit.places.admit(lane, Math.min(Math.max(0, places - running), 1_000));
    });
  }
}
