import type { AttemptDto, EventDto, RunDto, StepDetailDto, StepDto } from '../domain/dtos.js';
import type { EnvFacts, Reused, RunStatus, StepStatus } from '../domain/engine/state.js';
import type { Json, JsonObject } from '../domain/json.js';
import { eventDto } from './event-store.js';
import { Prisma } from './generated/client.js';
import type { eventModel } from './generated/models/event.js';
import type { runModel } from './generated/models/run.js';
import type { stepModel } from './generated/models/step.js';
import type { step_attemptModel } from './generated/models/step_attempt.js';
import type { Database } from './database.js';
import { OFTEN } from './often.js';
import { byOwnIndex } from './own-index.js';
import { insertRuns, type RunRow } from './start-rows.js';
import { timeRange } from './time-range.js';

/** An event that starts nothing where a run with its key is open, or began so recently. */
export interface KeyedStart {
  blueprint_id: string;
  key: string;
  open: boolean;
  window_ms: number;
  /** The run that it would start: itself it does not stand in the way of. */
  run_id: string;
}

export interface RunFilter {
  status?: RunStatus;
  blueprint_id?: string;
  /** `manual`, or the name of the event. */
  trigger?: string;
  actor?: string;
  correlation_id?: string;
  event_id?: string;
  /** Only reruns of this run. */
  rerun_of?: string;
  /** Created at this time or later. */
  created_from?: string;
  /** Created before this time. */
  created_to?: string;
}

/** Keyset of the listing: the last run shown. */
export interface RunCursor {
  created_at: string;
  run_id: string;
}

/** Keyset of the listing of a run's steps: the last step shown. */
export interface StepCursor {
  seq: number;
  path: string;
}

/** What the dispatcher needs to start a run. */
export interface RunToStart {
  run: RunDto;
  env: EnvFacts;
  event: EventDto | null;
  seq: number;
  /** Of a rerun: the results that it takes over. */
  reuse?: Record<string, Reused>;
}

/** A wish to cancel that the run's workflow may not have heard of. */
export interface PendingCancel {
  run_id: string;
  by: string;
  reason: string;
}

/** Runs, steps and attempts. */
export class RunStore {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  /**
   * Inserts runs; known ones are passed over.
   * @returns the ids of those that were new.
   */
  async insert(rows: readonly RunRow[]): Promise<string[]> {
    if (rows.length === 0) return [];
    const added = await this.#db.$queryRaw<{ run_id: string }[]>`${OFTEN}${insertRuns(rows)}`;
    return added.map((row) => row.run_id);
  }

  /**
   * The run that stands in the way of each start, in their order; undefined: none does. Says the truth about starts of
   * other transactions only where the starts of the blueprints are locked.
   */
  async standingBefore(starts: readonly KeyedStart[]): Promise<(string | undefined)[]> {
    const rows = await this.#db.$queryRaw<{ ix: number; run_id: string }[]>`
      SELECT w.ix::int AS ix, coalesce(now_open.run_id, recent.run_id) AS run_id
      FROM jsonb_to_recordset(${JSON.stringify(starts.map((start, ix) => ({ ...start, ix })))}::jsonb)
        AS w(ix int, blueprint_id text, key text, open boolean, window_ms bigint, run_id uuid)
      LEFT JOIN LATERAL (
        SELECT r.run_id FROM runs r WHERE w.open AND r.blueprint_id = w.blueprint_id AND r.dedupe_key = w.key
          AND r.run_id <> w.run_id AND r.status IN ('created', 'running') LIMIT 1
      ) AS now_open ON true
      LEFT JOIN LATERAL (
        SELECT r.run_id FROM runs r WHERE w.window_ms > 0 AND r.blueprint_id = w.blueprint_id AND r.dedupe_key = w.key
          AND r.run_id <> w.run_id AND r.created_at > now() - w.window_ms * interval '1 ms'
        ORDER BY r.created_at DESC LIMIT 1
      ) AS recent ON true
      WHERE coalesce(now_open.run_id, recent.run_id) IS NOT NULL`;
    const byIx = new Map(rows.map(({ ix, run_id }) => [ix, run_id]));
    return starts.map((_start, ix) => byIx.get(ix));
  }

  async get(runId: string): Promise<RunDto | undefined> {
    const row = await this.#db.run.findUnique({ where: { run_id: runId } });
    return row === null ? undefined : runDto(row);
  }

  /** What events and audit entries that a run causes carry on; undefined: no run has that id. */
  async lineage(runId: string): Promise<{ actor: string; correlation_id: string; cause_depth: number } | undefined> {
    const select = { actor: true, correlation_id: true, cause_depth: true };
    return (await this.#db.run.findUnique({ where: { run_id: runId }, select })) ?? undefined;
  }

  /** The run that an idempotency key made, and the digest of the request that brought it. */
  async byKey(key: string): Promise<{ run: RunDto; bodySha256: string | null } | undefined> {
    const row = await this.#db.run.findUnique({ where: { idempotency_key: key } });
    return row === null ? undefined : { run: runDto(row), bodySha256: row.body_sha256 };
  }

  /** Newest first; runs of one instant in order of their ids. */
  async list(filter: RunFilter, limit: number, cursor?: RunCursor): Promise<RunDto[]> {
    const { created_from: from, created_to: to, ...equal } = filter;
    const before = cursor && {
      OR: [
        { created_at: { lt: new Date(cursor.created_at) } },
        { created_at: new Date(cursor.created_at), run_id: { gt: cursor.run_id } },
      ],
      // Repeats what `OR` says in a form that the index can start from.
      created_at: { lte: new Date(cursor.created_at) },
    };
    const isFirstPage = cursor === undefined && from === undefined && to === undefined;
    const own = byOwnIndex(equal, 'asc', isFirstPage);
    const rows = await this.#db.run.findMany({
      where: { ...own.where, AND: [timeRange('created_at', from, to)], ...before },
      orderBy: [...own.orderBy, { created_at: 'desc' }, { run_id: 'asc' }],
      take: limit,
    });
    return rows.map(runDto);
  }

  /** Runs whose id begins with a text of hex digits and dashes, at most `limit`. */
  async withIdPrefix(prefix: string, limit: number): Promise<string[]> {
    const [low, high] = ['0', 'f'].map((fill) => {
      const digits = prefix.replaceAll('-', '').padEnd(32, fill);
      return digits.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
    });
    const rows = await this.#db.$queryRaw<{ run_id: string }[]>`
      SELECT run_id FROM runs WHERE run_id BETWEEN ${low}::uuid AND ${high}::uuid ORDER BY run_id LIMIT ${limit}`;
    return rows.map((row) => row.run_id);
  }

  /** In the order in which the engine reached them; steps of one transition in order of their paths. */
  async steps(runId: string, limit: number, cursor?: StepCursor): Promise<{ step: StepDto; seq: number }[]> {
    const after =
      cursor === undefined
        ? Prisma.empty
        : Prisma.sql`AND seq >= ${cursor.seq} AND (seq > ${cursor.seq} OR path > ${cursor.path})`;
    // Ordered by `seq` alone, so that the index serves: by `path` too, all that is left of a long run would be sorted.
    const rows = await this.#db.$queryRaw<stepModel[]>`
      SELECT * FROM (
        SELECT * FROM steps WHERE run_id = ${runId}::uuid ${after} ORDER BY seq FETCH FIRST (${limit}) ROWS WITH TIES) s
      ORDER BY seq, path LIMIT ${limit}`;
    return rows.map((row) => ({ step: stepDto(row), seq: row.seq }));
  }

  async step(runId: string, stepId: string): Promise<StepDetailDto | undefined> {
    const row = await this.#db.step.findFirst({ where: { run_id: runId, step_id: stepId } });
    if (row === null) return undefined;
    const attempts = await this.#db.step_attempt.findMany({ where: { step_id: stepId }, orderBy: { attempt: 'asc' } });
    return { ...stepDto(row), attempt_log: attempts.map(attemptDto) };
  }

  /** What it takes to start these runs; runs that are gone are left out. */
  async toStart(runIds: readonly string[]): Promise<RunToStart[]> {
    const rows = await this.#db.run.findMany({ where: { run_id: { in: [...runIds] } } });
    const eventIds = rows.flatMap((row) => row.event_id ?? []);
    const events =
      eventIds.length === 0 ? [] : await this.#db.event.findMany({ where: { event_id: { in: eventIds } } });
    const byId = new Map(events.map((event: eventModel) => [event.event_id, eventDto(event)]));
    const reuses = await this.#reusesOf(rows.filter((row) => row.rerun_of !== null).map((row) => row.run_id));
    return rows.map((row) => ({
      run: runDto(row),
      env: row.env as unknown as EnvFacts,
      event: byId.get(row.event_id ?? '') ?? null,
      seq: row.seq,
      ...reuses.get(row.run_id),
    }));
  }

  async #reusesOf(runIds: string[]): Promise<Map<string, Pick<RunToStart, 'reuse'>>> {
    if (runIds.length === 0) return new Map();
    const rows = await this.#db.run_reuse.findMany({ where: { run_id: { in: runIds } } });
    return new Map(rows.map((row) => [row.run_id, { reuse: row.entries as unknown as Record<string, Reused> }]));
  }

  /**
   * Notes that the workflows of these runs were started, and takes them out of the outbox.
   * @returns wishes to cancel that came before.
   */
  async markDispatched(runIds: readonly string[]): Promise<PendingCancel[]> {
    // Rows are locked in order of their ids, so that two writers of many runs cannot wait for each other.
    return this.#db.$queryRaw<PendingCancel[]>`
      WITH locked AS (
        SELECT run_id FROM runs WHERE run_id = ANY(${runIds}::uuid[]) ORDER BY run_id FOR NO KEY UPDATE
      ), started AS (
        UPDATE runs r SET dispatched_at = coalesce(r.dispatched_at, now()), last_progress_at = now()
        FROM locked l WHERE r.run_id = l.run_id
        RETURNING r.run_id, r.cancel_requested_at, r.cancel_sent_at, r.cancel_by, r.cancel_reason
      ), settled AS (
        UPDATE events e SET dispatched_at = now()
        WHERE e.run_id = ANY(${runIds}::uuid[]) AND e.event_name = 'xyn.run.created' AND e.dispatched_at IS NULL
      )
      SELECT run_id, coalesce(cancel_by, '') AS by, coalesce(cancel_reason, '') AS reason FROM started
      WHERE cancel_requested_at IS NOT NULL AND cancel_sent_at IS NULL`;
  }

  /**
   * Notes the wish to cancel an open run; the first one stands. Inside a transaction only.
   * @returns the run as it was before (`before`) and whether this call changed it; undefined when there is none.
   */
  async requestCancel(
    runId: string,
    by: string,
    reason: string,
  ): Promise<{ before: RunDto; changed: boolean } | undefined> {
    const rows = await this.#db.$queryRaw<runModel[]>`SELECT * FROM runs WHERE run_id = ${runId}::uuid FOR UPDATE`;
    const row = rows[0];
    if (row === undefined) return undefined;
    const before = runDto(row);
    if (row.cancel_requested_at !== null || isClosed(before.status)) return { before, changed: false };
    await this.#db.$executeRaw`
      UPDATE runs SET cancel_requested_at = now(), cancel_by = ${by}, cancel_reason = ${reason}
      WHERE run_id = ${runId}::uuid`;
    return { before, changed: true };
  }

  /** Notes that a wish to cancel needs no sending for now; with `startedOnly` only where the workflow was started. */
  async markCancelSent(runId: string, startedOnly = false): Promise<void> {
    await this.#db.$executeRaw`
      UPDATE runs SET cancel_sent_at = now()
      WHERE run_id = ${runId}::uuid AND (NOT ${startedOnly} OR dispatched_at IS NOT NULL)`;
  }

  /**
   * Wishes to cancel open, started runs that were not sent yet, or were sent and had no effect: those are sent again
   * after 5 s, then after as long as the wish is old, at most every 5 minutes.
   */
  async pendingCancels(limit: number): Promise<PendingCancel[]> {
    return this.#db.$queryRaw<PendingCancel[]>`
      SELECT run_id, coalesce(cancel_by, '') AS by, coalesce(cancel_reason, '') AS reason FROM runs
      WHERE status IN ('created', 'running') AND cancel_requested_at IS NOT NULL AND dispatched_at IS NOT NULL
        AND (cancel_sent_at IS NULL OR cancel_sent_at < now() - greatest(interval '5 s',
          least(cancel_sent_at - cancel_requested_at, interval '5 min')))
      ORDER BY cancel_requested_at LIMIT ${limit}`;
  }
}

/** Whether a run has ended. */
export function isClosed(status: RunStatus): boolean {
  return status === 'completed' || status === 'failed' || status === 'cancelled';
}

/** The columns that a `RunDto` is made of, for statements that have a name. */
export const RUN_FIELDS = [
  'run_id',
  'name',
  'status',
  'phase',
  'blueprint_id',
  'blueprint_version',
  'digest',
  'trigger',
  'event_id',
  'priority',
  'created_at',
  'started_at',
  'completed_at',
  'cancel_requested_at',
  'actor',
  'correlation_id',
  'inputs',
  'outputs',
  'error',
  'rerun_of',
  'rerun_from',
] as const satisfies readonly (keyof runModel)[];

export type RunFields = Pick<runModel, (typeof RUN_FIELDS)[number]>;

/** The run as the API shows it. */
export function runDto(row: RunFields): RunDto {
  return {
    run_id: row.run_id,
    name: row.name,
    status: row.status as RunStatus,
    phase: row.phase,
    blueprint_id: row.blueprint_id,
    blueprint_version: row.blueprint_version,
    digest: row.digest,
    trigger: row.trigger,
    event_id: row.event_id,
    priority: row.priority,
    created_at: row.created_at.toISOString(),
    started_at: iso(row.started_at),
    completed_at: iso(row.completed_at),
    cancel_requested_at: iso(row.cancel_requested_at),
    actor: row.actor,
    correlation_id: row.correlation_id,
    inputs: row.inputs as JsonObject,
    outputs: row.outputs as JsonObject | null,
    error: row.error as JsonObject | null,
    rerun_of: row.rerun_of,
    rerun_from: row.rerun_from,
  };
}

/** The step as the API shows it. */
export function stepDto(row: stepModel): StepDto {
  return {
    step_id: row.step_id,
    run_id: row.run_id,
    path: row.path,
    node_id: row.node_id,
    kind: row.kind,
    name: row.name,
    status: row.status as StepStatus,
    skip_reason: row.skip_reason,
    handled: row.handled,
    attempts: row.attempts,
    started_at: iso(row.started_at),
    completed_at: iso(row.completed_at),
    logs_artifact_id: row.logs_artifact_id,
    inputs: row.inputs as JsonObject | null,
    outputs: row.outputs as Json,
    error: row.error as JsonObject | null,
    reused_from_run: row.reused_from_run,
  };
}

function attemptDto(row: step_attemptModel): AttemptDto {
  return {
    attempt: row.attempt,
    status: row.status,
    worker: row.worker,
    pack: row.pack,
    error: row.error as JsonObject | null,
    started_at: row.started_at.toISOString(),
    ended_at: iso(row.ended_at),
    next_retry_at: iso(row.next_retry_at),
  };
}

/** RFC 3339 UTC of a time that may be absent. */
export function iso(time: Date | null): string | null {
  return time === null ? null : time.toISOString();
}
