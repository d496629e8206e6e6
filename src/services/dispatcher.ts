import type { CatalogAccess } from '../catalog/unit-of-work.js';
import type { OutboxRow } from '../catalog/event-store.js';
import type { RunToStart } from '../catalog/run-store.js';
import { XynFault } from '../domain/fault.js';
import type { Log } from './log.js';
import type { ServiceObserver } from './observer.js';
import { matchAndCreate, RUN_CREATED, type RunCreationDeps } from './run-creation.js';
import type { RunStarter } from './run-starter.js';
import { startWakeLoop, type WakeLoop } from './wake-loop.js';

export interface DispatcherDeps extends RunCreationDeps {
  catalog: CatalogAccess;
  starter: RunStarter;
  log: Log;
  /** Connects to what tells of new outbox rows; gives the way to end it. */
  listen: (onNotice: () => void) => { close(): Promise<void> };
  observer?: ServiceObserver;
}

const BATCH = 100;
/** Claimed starts that one process holds, at most. */
const MAX_STARTS = 200;
/** With more starts under way than that, new runs go through the outbox, where many are taken together. */
const MAX_DIRECT = 20;
/** A start whose claim is older is taken over: its process died, or the server did not answer. */
const LEASE_MS = 3_000;
/** Safety net for notices that were lost. */
const POLL_MS = 1_000;
/** A notice right after a batch waits that long, so that a stream of small commits makes few batches. */
const GATHER_MS = 10;
/** So long the start of a leased run has the machine for itself: the notice of its commit finds nothing. */
const START_MS = 25;
const MAX_POISONED = 1_000;

/**
 * Drains the outbox: matches events that workers wrote, and starts the workflows of new runs. Any number of dispatchers
 * work side by side. Rows are claimed in a short transaction: matching is done in it, a start is leased and then made
 * outside of any transaction; a process that dies leaves rows that others take over.
 */
export class Dispatcher {
  readonly #deps: DispatcherDeps;
  readonly #poisoned = new Set<string>();
  #loop: WakeLoop | undefined;
  #listener: { close(): Promise<void> } | undefined;
  /** Claims that take one event each, to find the one that cannot be handled. */
  #singles = 0;
  /** Before that time, on the clock of `performance`, a notice is not followed at once. */
  #quietUntil = 0;
  #gathering: NodeJS.Timeout | undefined;

  constructor(deps: DispatcherDeps) {
    this.#deps = deps;
  }

  /** Begins to drain. */
  start(): void {
    this.#loop = startWakeLoop({
      work: () => this.#drain(),
      onError: (error) => this.#deps.log.warn({ err: error }, 'the outbox could not be read; it is tried again'),
      errorPauseMs: POLL_MS,
    });
    this.#listener = this.#deps.listen(() => this.#onNotice());
  }

  /**
   * Whether runs that this process is about to commit may be leased to it: it starts them before others have read the
   * outbox.
   */
  leases(): boolean {
    const { starter } = this.#deps;
    const isFree = this.#loop !== undefined && starter.pauseMs === 0 && starter.size < MAX_DIRECT;
    // The notice may be here before the answer to the commit.
    if (isFree) this.#quietUntil = performance.now() + START_MS;
    return isFree;
  }

  /**
   * There are new rows, committed by this process.
   * @param leased runs among them that were created with a lease: they are started at once.
   */
  wake(leased: readonly RunToStart[] = []): void {
    if (leased.length === 0) {
      this.#loop?.wake();
      return;
    }
    this.#quietUntil = performance.now() + START_MS;
    this.#deps.starter.addReady(leased);
  }

  /** Ends after the starts in flight. */
  async stop(): Promise<void> {
    clearTimeout(this.#gathering);
    await this.#listener?.close();
    await this.#loop?.stop();
    await this.#deps.starter.stop();
  }

  #onNotice(): void {
    const quietMs = this.#quietUntil - performance.now();
    if (quietMs <= 0) return this.wake();
    this.#gathering ??= setTimeout(() => {
      this.#gathering = undefined;
      this.wake();
    }, quietMs);
  }

  async #drain(): Promise<number> {
    const { starter } = this.#deps;
    const starts = starter.pauseMs === 0 && starter.size < MAX_STARTS;
    const claimed = await this.#claim(starts);
    this.#quietUntil = performance.now() + GATHER_MS;
    this.#observe(claimed);
    starter.add(claimed.flatMap((row) => (row.event_name === RUN_CREATED && row.run_id !== null ? [row.run_id] : [])));
    if (this.#singles > 0) {
      this.#singles -= 1;
      return 0;
    }
    if (claimed.length >= BATCH) return 0;
    if (starter.pauseMs > 0) return Math.min(starter.pauseMs, POLL_MS);
    return starter.size >= MAX_STARTS ? GATHER_MS : POLL_MS;
  }

  #observe(claimed: readonly OutboxRow[]): void {
    const { observer, clock } = this.#deps;
    if (observer === undefined) return;
    for (const row of claimed) if (!row.matched) observer.eventMatched(clock() - Date.parse(row.occurred_at));
  }

  async #claim(starts: boolean): Promise<OutboxRow[]> {
    const seen: OutboxRow[] = [];
    try {
      return await this.#deps.catalog.urgentTransaction(async (unit) => {
        seen.splice(0);
        const limit = this.#singles > 0 ? 1 : BATCH;
        const options = { limit, starts, leaseMs: LEASE_MS, except: [...this.#poisoned] };
        seen.push(...(await unit.events.claim(options)));
        const fresh = seen.filter((row) => !row.matched);
        await matchAndCreate(
          unit,
          this.#deps,
          fresh.map(({ matched: _matched, cause_depth: causeDepth, ...event }) => ({ event, causeDepth })),
        );
        await unit.events.markMatched(seen.map((row) => row.event_id));
        return seen;
      });
    } catch (error) {
      if (!(error instanceof XynFault) || error.retryable) throw error;
      return this.#isolate(seen, error);
    }
  }

  /** One event that cannot be handled must not hold up the others: find it, then leave it alone until a restart. */
  #isolate(seen: readonly OutboxRow[], error: XynFault): OutboxRow[] {
    const only = seen.length === 1 ? seen[0] : undefined;
    if (seen.length === 0 || this.#poisoned.size >= MAX_POISONED) throw error;
    if (only === undefined) this.#singles = seen.length;
    else {
      this.#poisoned.add(only.event_id);
      this.#deps.log.error({ event_id: only.event_id, err: error }, 'an event cannot be dispatched; it is set aside');
    }
    return [];
  }
}
