import type { PendingCancel, RunToStart } from '../catalog/run-store.js';
import type { CatalogAccess } from '../catalog/unit-of-work.js';
import type { EventFacts } from '../domain/engine/state.js';
import { XynFault } from '../domain/fault.js';
import { scheduledFacts } from '../domain/schedule.js';
import type { RunGateway, RunStart } from '../temporal/gateway.js';
import type { Log } from './log.js';
import type { ServiceObserver } from './observer.js';
import type { PlanCache } from './plan-cache.js';
import type { RunEndWriter } from './run-end.js';

export interface RunStarterDeps {
  catalog: Pick<CatalogAccess, 'runs'>;
  gateway: Pick<RunGateway, 'start'>;
  plans: PlanCache;
  ends: RunEndWriter;
  clock: () => number;
  log: Log;
  /** Told of wishes to cancel that came before the start. */
  onCancelled: (cancel: PendingCancel) => void;
  observer?: ServiceObserver;
}

/** Starts in flight at once: more only make them wait for each other at the server. */
const PARALLEL_STARTS = 20;
/**
 * Starts are noted that much later: server and worker have the machine until the first step, and others come along. Far
 * below the lease, after which a start that is not noted would be repeated.
 */
const NOTE_AFTER_MS = 25;
/** Pause after the server did not answer: doubled each time, between these. */
const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 5_000;

/**
 * Starts the workflows of claimed runs and notes it in batches. What fails stays in the outbox, whose lease makes it come
 * back; starting a run twice is harmless, since the workflow's id is the run's.
 */
export class RunStarter {
  readonly #deps: RunStarterDeps;
  readonly #queue: string[] = [];
  readonly #known = new Set<string>();
  /** What is known of runs that wait, so that it need not be read. */
  readonly #ready = new Map<string, RunToStart>();
  #active = 0;
  #started: string[] = [];
  #noting: Promise<void> | undefined;
  #pauseMs = 0;
  #pausedUntil = 0;

  constructor(deps: RunStarterDeps) {
    this.#deps = deps;
  }

  /** Runs that wait or are being started. */
  get size(): number {
    return this.#known.size;
  }

  /** Milliseconds until it makes sense to claim more; 0: now. */
  get pauseMs(): number {
    return Math.max(0, this.#pausedUntil - this.#deps.clock());
  }

  /** Takes claimed runs over; those it has already are passed over. */
  add(runIds: readonly string[]): void {
    for (const runId of runIds) {
      if (this.#known.has(runId)) continue;
      this.#known.add(runId);
      this.#queue.push(runId);
    }
    this.#pump();
  }

  /** Takes over runs that this process has just created with a lease. */
  addReady(rows: readonly RunToStart[]): void {
    for (const row of rows) this.#ready.set(row.run.run_id, row);
    this.add(rows.map(({ run }) => run.run_id));
  }

  /** Resolves when nothing is in flight any more; what still waited is left to the outbox. */
  async stop(): Promise<void> {
    for (const runId of this.#queue.splice(0)) this.#forget(runId);
    while (this.#active > 0 || this.#noting !== undefined) {
      await (this.#noting ?? new Promise((resolve) => setTimeout(resolve, 5)));
    }
  }

  #pump(): void {
    while (this.#active < PARALLEL_STARTS && this.#queue.length > 0) {
      // Several at a time share one read; a few lanes stay free for those that come later.
      const share = Math.max(1, Math.floor(this.#queue.length / PARALLEL_STARTS));
      const batch = this.#queue.splice(0, Math.min(share, 10));
      this.#active += 1;
      void this.#startAll(batch).finally(() => {
        this.#active -= 1;
        this.#pump();
      });
    }
  }

  async #startAll(runIds: readonly string[]): Promise<void> {
    try {
      const rows = await this.#rowsOf(runIds);
      for (const row of rows) {
        if (this.pauseMs > 0) break;
        if (await this.#start(row)) this.#note(row.run.run_id);
      }
    } catch (error) {
      this.#deps.log.warn({ err: error }, 'runs could not be started; they are tried again');
    } finally {
      for (const runId of runIds) this.#forget(runId);
    }
  }

  async #rowsOf(runIds: readonly string[]): Promise<RunToStart[]> {
    const ready = runIds.flatMap((runId) => this.#ready.get(runId) ?? []);
    const others = runIds.filter((runId) => !this.#ready.has(runId));
    return others.length === 0 ? ready : [...ready, ...(await this.#deps.catalog.runs.toStart(others))];
  }

  #forget(runId: string): void {
    this.#known.delete(runId);
    this.#ready.delete(runId);
  }

  /** Whether the run needs no start any more. */
  async #start(row: RunToStart): Promise<boolean> {
    const { run } = row;
    if (run.status !== 'created') return true;
    try {
      const known =
        run.blueprint_version === null
          ? undefined
          : await this.#deps.plans.get(run.blueprint_id, run.blueprint_version);
      if (known?.intact !== true || known.digest !== run.digest) {
        const message = 'The stored plan does not fit the digest that the run was made with.';
        await this.#fail(row, 'plan_digest_mismatch', message);
        return true;
      }
      await this.#deps.gateway.start(startOf(row, known.plan, this.#deps.clock()));
      this.#pauseMs = 0;
      this.#deps.observer?.runStarted(run, this.#deps.clock());
      return true;
    } catch (error) {
      return this.#afterFailure(row, error);
    }
  }

  async #afterFailure(row: RunToStart, error: unknown): Promise<boolean> {
    const runId = row.run.run_id;
    if (error instanceof XynFault && error.retryable) {
      if (error.code === 'temporal_unavailable' && this.pauseMs === 0) {
        this.#pauseMs = Math.min(Math.max(this.#pauseMs * 2, FIRST_PAUSE_MS), LONGEST_PAUSE_MS);
        this.#pausedUntil = this.#deps.clock() + this.#pauseMs;
      }
      this.#deps.log.warn(
        { run_id: runId, code: error.code, pause_ms: this.#pauseMs },
        'a run could not be started yet',
      );
      return false;
    }
    this.#deps.log.error({ run_id: runId, err: error }, 'the Temporal server refused to start a run');
    await this.#fail(row, 'start_refused', 'The Temporal server refused to start the run; the log has the details.');
    return true;
  }

  async #fail({ run, seq }: RunToStart, code: string, message: string): Promise<void> {
    await this.#deps.ends.fail({ runId: run.run_id, seq, code, message });
  }

  /** Notes starts together: while one statement waits or runs, the next collects. */
  #note(runId: string): void {
    this.#started.push(runId);
    this.#noting ??= this.#noteAll().finally(() => {
      this.#noting = undefined;
    });
  }

  async #noteAll(): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, NOTE_AFTER_MS));
    while (this.#started.length > 0) {
      const batch = this.#started.splice(0);
      try {
        for (const cancel of await this.#deps.catalog.runs.markDispatched(batch)) this.#deps.onCancelled(cancel);
      } catch (error) {
        // The lease ends, the start is repeated, and "already started" is noted then.
        this.#deps.log.warn({ err: error, runs: batch.length }, 'starts could not be noted; they are repeated');
      }
    }
  }
}

function startOf({ run, env, event, reuse }: RunToStart, plan: RunStart['plan'], now: number): RunStart {
  const version = String(run.blueprint_version);
  return {
    runId: run.run_id,
    plan,
    name: plan.name ?? plan.id,
    blueprintId: run.blueprint_id,
    version,
    envId: env.id,
    correlationId: run.correlation_id,
    start: {
      inputs: run.inputs,
      event: event as EventFacts,
      env,
      ...(reuse === undefined ? {} : { reuse }),
      run: {
        id: run.run_id,
        blueprint: run.blueprint_id,
        version,
        digest: run.digest,
        actor: run.actor,
        trigger: run.trigger,
        started_at: new Date(now).toISOString(),
        correlation_id: run.correlation_id,
        ...scheduledFacts(run.trigger, event as EventFacts),
      },
    },
  };
}
