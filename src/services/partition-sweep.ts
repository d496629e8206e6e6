import type { Log } from './log.js';
import { startWakeLoop, type WakeLoop } from './wake-loop.js';

const LOOK_MS = 3_600_000;
const DAY_MS = 86_400_000;

export interface PartitionSweepDeps {
  /** Makes the partitions of the months around a day; see `ensurePartitions` of the catalog. */
  ensure: (day: Date) => Promise<boolean>;
  clock: () => number;
  log: Log;
}

/**
 * Makes the months of partitioned tables ahead, once a day: a process that runs for a year must not end in the default
 * partition. Looks every hour, so that a day that failed, or that a sleeping machine missed, is made up for.
 */
export class PartitionSweep {
  readonly #deps: PartitionSweepDeps;
  #madeOn: number | undefined;
  #loop: WakeLoop | undefined;

  constructor(deps: PartitionSweepDeps) {
    this.#deps = deps;
  }

  /** Sweeps until `stop`. */
  start(): void {
    this.#loop ??= startWakeLoop({
      work: async () => {
        await this.sweep();
        return LOOK_MS;
      },
      onError: (error) => this.#deps.log.warn({ err: error }, 'the partitions of next months wait for an hour'),
      errorPauseMs: LOOK_MS,
    });
  }

  async stop(): Promise<void> {
    await this.#loop?.stop();
  }

  /** Makes partitions unless that was done on this day (UTC). @throws XynFault `db_unavailable` */
  async sweep(): Promise<void> {
    const now = this.#deps.clock();
    const day = Math.floor(now / DAY_MS);
    if (day === this.#madeOn) return;
    const ready = await this.#deps.ensure(new Date(now));
    this.#madeOn = day;
    if (!ready) {
      this.#deps.log.warn({}, 'a month has no partition of its own, since its rows lie in the default one already');
    }
  }
}
