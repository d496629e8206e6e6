import type { JsonObject } from '../domain/json.js';
import type { Catalog } from './connect.js';
import type { Database } from './database.js';
import { catalogFault } from './faults.js';

/** One thing that happened in a run, as the catalog's rows tell it. */
export interface RunLogEntry {
  at: Date;
  /** What happened, e.g. `attempt.ended`. */
  event: string;
  step_id: string | null;
  /** Of the step; null for what belongs to the run as a whole. */
  path: string | null;
  facts: JsonObject;
}

/** An ended run without a log. */
export interface DueRunLog {
  run_id: string;
  correlation_id: string;
  env_id: string;
  completed_at: Date;
}

/** Keyset of the walk over runs without a log. */
export type RunLogCursor = Pick<DueRunLog, 'completed_at' | 'run_id'>;

/** How long a run is left to settle before its log is written, milliseconds. */
export interface SettlingTimes {
  /** After its end. */
  settledMs: number;
  /** After its end, although something of it is still open. */
  patienceMs: number;
}

/** Entries that one answer of the server carries. */
const PAGE = 1_000;
/** The first page waits until all entries are sorted: 100 000 took 5 s on a busy machine, the bound of all others. */
const FETCH_TIMEOUT_MS = 60_000;

/** Which runs have no log yet. */
export class RunLogQueue {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  /**
   * Ended runs without a log, oldest end first. Left out while records are still coming: an attempt that counts as running,
   * a decision on its way, a repair that is due.
   */
  async due({ settledMs, patienceMs }: SettlingTimes, limit: number, after?: RunLogCursor): Promise<DueRunLog[]> {
    const from = after?.completed_at ?? new Date(0);
    const id = after?.run_id ?? '00000000-0000-0000-0000-000000000000';
    return this.#db.$queryRaw<DueRunLog[]>`
      SELECT run_id, correlation_id, env_id, completed_at FROM runs r
      WHERE log_kept_at IS NULL AND status IN ('completed', 'failed', 'cancelled')
        AND completed_at < now() - ${settledMs} * interval '1 ms'
        AND (completed_at, run_id) > (${from}::timestamptz, ${id}::uuid)
        AND (completed_at < now() - ${patienceMs} * interval '1 ms' OR NOT (needs_repair
          OR EXISTS (SELECT 1 FROM step_attempts a WHERE a.run_id = r.run_id AND a.status = 'running')
          OR EXISTS (SELECT 1 FROM gate_decisions d JOIN gates g USING (gate_id)
                     WHERE g.run_id = r.run_id AND d.status = 'submitted')))
      ORDER BY completed_at, run_id LIMIT ${limit}`;
  }

  /** Notes that the log of a run is kept. */
  async kept(runId: string): Promise<void> {
    await this.#db.$executeRaw`
      UPDATE runs SET log_kept_at = now() WHERE run_id = ${runId}::uuid AND log_kept_at IS NULL`;
  }
}

/**
 * Everything that happened in a run, in order, in pages: one snapshot of the catalog, read with a cursor so that memory
 * does not grow with the run. Inputs and outputs are left out; they stay with the step's record.
 * @param logId artifact id of the log itself, which does not tell of itself: made again, it has the same bytes.
 * @throws XynFault `db_unavailable`.
 */
export async function* runLogEntries(
  { pool }: Pick<Catalog, 'pool'>,
  runId: string,
  logId: string,
): AsyncGenerator<RunLogEntry[]> {
  const client = await pool.connect().catch((error: unknown) => {
    throw catalogFault(error);
  });
  let failure: Error | undefined;
  let done = false;
  try {
    await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
    await client.query(`SET LOCAL statement_timeout = ${FETCH_TIMEOUT_MS}`);
    await client.query(`DECLARE entries NO SCROLL CURSOR FOR ${ENTRIES}`, [runId, logId]);
    for (;;) {
      // Known to the driver, not to its types: the pool's own bound is for short statements.
      const fetch = { text: `FETCH ${PAGE} FROM entries`, query_timeout: FETCH_TIMEOUT_MS };
      const { rows } = await client.query<RunLogEntry>(fetch);
      if (rows.length > 0) yield rows;
      if (rows.length < PAGE) break;
    }
    await client.query('COMMIT');
    done = true;
  } catch (error) {
    failure = error instanceof Error ? error : new Error(String(error));
    throw catalogFault(error);
  } finally {
    // Whoever stops reading half way leaves a transaction open: its connection is not given back.
    client.release(failure ?? !done);
  }
}

/** Duration in whole milliseconds. */
const ms = (from: string, to: string): string => `round(extract(epoch FROM ${to} - ${from}) * 1000)`;

/**
 * One part for each kind of entry. `seq` and `rank` order what happened in the same millisecond: by the engine's number
 * of the step, then a start before what it holds and an end after it.
 */
const ENTRIES = `
SELECT at, event, step_id, path, facts FROM (
  SELECT created_at AS at, -2 AS seq, 0 AS rank, '' AS key, 'run.created' AS event, NULL::uuid AS step_id, NULL::text AS path,
    jsonb_build_object('name', name, 'trigger', trigger, 'event_id', event_id, 'actor', actor, 'env_id', env_id,
      'blueprint_id', blueprint_id, 'blueprint_version', blueprint_version, 'digest', digest) AS facts
  FROM runs WHERE run_id = $1
  UNION ALL
  SELECT started_at, -1, 0, '', 'run.started', NULL, NULL, '{}' FROM runs WHERE run_id = $1 AND started_at IS NOT NULL
  UNION ALL
  SELECT cancel_requested_at, -1, 1, '', 'run.cancel_requested', NULL, NULL,
    jsonb_build_object('by', cancel_by, 'reason', cancel_reason)
  FROM runs WHERE run_id = $1 AND cancel_requested_at IS NOT NULL
  UNION ALL
  SELECT completed_at, 2147483647, 9, '', 'run.ended', NULL, NULL,
    jsonb_build_object('status', status, 'error', error, 'duration_ms', ${ms('created_at', 'completed_at')})
  FROM runs WHERE run_id = $1 AND completed_at IS NOT NULL
  UNION ALL
  SELECT started_at, seq, 0, path, 'step.started', step_id, path, jsonb_build_object('kind', kind, 'name', name)
  FROM steps WHERE run_id = $1 AND started_at IS NOT NULL
  UNION ALL
  SELECT coalesce(s.completed_at, r.completed_at, r.created_at), s.seq, 8, s.path,
    CASE s.status WHEN 'skipped' THEN 'step.skipped' ELSE 'step.ended' END, s.step_id, s.path,
    jsonb_build_object('kind', s.kind, 'name', s.name, 'status', s.status, 'skip_reason', s.skip_reason, 'error', s.error,
      'attempts', nullif(s.attempts, 0), 'logs_artifact_id', s.logs_artifact_id,
      'duration_ms', ${ms('s.started_at', 's.completed_at')})
  FROM steps s JOIN runs r USING (run_id) WHERE s.run_id = $1 AND s.status IN ('completed', 'failed', 'skipped')
  UNION ALL
  SELECT a.started_at, coalesce(s.seq, 0), 1, s.path || a.attempt, 'attempt.started', a.step_id, s.path,
    jsonb_build_object('attempt', a.attempt, 'worker', a.worker, 'pack', a.pack)
  FROM step_attempts a LEFT JOIN steps s USING (step_id) WHERE a.run_id = $1
  UNION ALL
  SELECT a.ended_at, coalesce(s.seq, 0), 4, s.path || a.attempt, 'attempt.ended', a.step_id, s.path,
    jsonb_build_object('attempt', a.attempt, 'worker', a.worker, 'status', a.status, 'error', a.error,
      'duration_ms', ${ms('a.started_at', 'a.ended_at')}, 'next_retry_at', a.next_retry_at)
  FROM step_attempts a LEFT JOIN steps s USING (step_id) WHERE a.run_id = $1 AND a.ended_at IS NOT NULL
  UNION ALL
  SELECT g.opened_at, coalesce(s.seq, g.seq), 2, g.path, 'gate.opened', g.step_id, g.path,
    jsonb_build_object('gate_id', g.gate_id, 'purpose', g.purpose, 'message', g.message, 'approvers', g.approvers,
      'require', g.require, 'reject', g.reject, 'expires_at', g.expires_at)
  FROM gates g LEFT JOIN steps s USING (step_id) WHERE g.run_id = $1
  UNION ALL
  SELECT d.created_at, coalesce(s.seq, g.seq), 5, d.decision_id::text, 'gate.decided', g.step_id, g.path,
    jsonb_build_object('gate_id', g.gate_id, 'decision', d.decision, 'actor', d.actor, 'reason', d.reason,
      'source', d.source, 'status', d.status, 'refusal', d.refusal, 'settled_at', d.settled_at)
  FROM gate_decisions d JOIN gates g USING (gate_id) LEFT JOIN steps s USING (step_id) WHERE g.run_id = $1
  UNION ALL
  SELECT g.closed_at, coalesce(s.seq, g.seq), 6, g.path, 'gate.closed', g.step_id, g.path,
    jsonb_build_object('gate_id', g.gate_id, 'purpose', g.purpose, 'status', g.status)
  FROM gates g LEFT JOIN steps s USING (step_id) WHERE g.run_id = $1 AND g.closed_at IS NOT NULL
  UNION ALL
  SELECT a.created_at, coalesce(s.seq, 0), 3, a.artifact_id::text, 'artifact.attached', a.step_id,
    coalesce(s.path, a.metadata->>'path'),
    jsonb_build_object('artifact_id', a.artifact_id, 'name', a.name, 'kind', a.kind, 'content_type', a.content_type,
      'byte_length', a.byte_length, 'sha256', a.sha256, 'actor', a.created_by)
  FROM artifacts a LEFT JOIN steps s USING (step_id) WHERE a.run_id = $1 AND a.artifact_id <> $2
  UNION ALL
  SELECT f.recorded_at, coalesce(s.seq, 2147483647), 7, f.source_ref || f.metric, 'footprint.recorded', f.step_id, s.path,
    jsonb_build_object('metric', f.metric, 'quantity', f.quantity, 'unit', f.unit, 'dims', f.dims_json)
  FROM footprints f LEFT JOIN steps s USING (step_id) WHERE f.run_id = $1
) entries
ORDER BY at, seq, rank, key COLLATE "C"`;
