import type { ScheduleTicks } from '../../activities/dependencies.js';
import type { CatalogPool } from '../catalog/pool.js';
import type { CatalogAccess } from '../catalog/unit-of-work.js';
import type { LoopChunks } from '../domain/artifacts.js';
import { ScheduleTickService } from '../services/schedule-ticks.js';
import type { StepArtifactStores } from '../services/step-artifacts.js';

/** The stores over a pool. Their client, Prisma, is an eighth of a worker's start, and most steps never need it. */
export class StoresOnFirstUse {
  readonly #pool: CatalogPool;
  #access: Promise<CatalogAccess> | undefined;

  constructor(pool: CatalogPool) {
    this.#pool = pool;
  }

  /** Loads them, once. */
  access(): Promise<CatalogAccess> {
    this.#access ??= this.#load();
    return this.#access;
  }

  /** Those of step artifacts. */
  forArtifacts(): StepArtifactStores {
    return {
      artifacts: {
        get: async (id) => (await this.access()).artifacts.get(id),
        insert: async (row) => (await this.access()).artifacts.insert(row),
      },
      reruns: { repeats: async (runId, other) => (await this.access()).reruns.repeats(runId, other) },
      tails: {
        write: async (...tail) => (await this.access()).tails.write(...tail),
        drop: async (...step) => (await this.access()).tails.drop(...step),
      },
    };
  }

  /** Lists of loops. */
  forLoops(): LoopChunks {
    return {
      add: async (chunk, results) => (await this.access()).chunks.add(chunk, results),
      all: async (loop, chunks) => (await this.access()).chunks.all(loop, chunks),
    };
  }

  /** What the workflows of schedules do. */
  forSchedules(envId: string): ScheduleTicks {
    const ticks = async (): Promise<ScheduleTicks> =>
      new ScheduleTickService({ catalog: await this.access(), envId, clock: Date.now });
    return {
      fire: async (task) => (await ticks()).fire(task),
      stateOf: async (fired) => (await ticks()).stateOf(fired),
      cancel: async (fired) => (await ticks()).cancel(fired),
    };
  }

  async #load(): Promise<CatalogAccess> {
    const [{ catalogOver }, { catalogAccess }] = await Promise.all([
      import('../catalog/connect.js'),
      import('../catalog/unit-of-work.js'),
    ]);
    return catalogAccess(catalogOver(this.#pool));
  }
}
