import { randomUUID } from 'node:crypto';
import type { Catalog } from '../../src/catalog/connect.js';
import type { RecordBatch } from '../../src/catalog/records.js';
import type { Transition } from '../../src/domain/engine/state.js';
import type { AttemptEnd, AttemptStart } from '../../src/domain/records.js';

/** A moment in a month that has a partition, as records give it. */
export const t0 = Date.now() - (Date.now() % 1000) - 60_000;

/** Inserts a run as the services leave it before the workflow starts. */
export async function insertRun(catalog: Pick<Catalog, 'pool'>, runId = randomUUID()): Promise<string> {
  await catalog.pool.query(
    `INSERT INTO runs (run_id, name, blueprint_id, digest, trigger, inputs, actor, correlation_id, env_id, env, cause_depth)
     VALUES ($1, 'test', 'bp.test', 'sha256:0', 'manual', '{}', 'ada', 'corr-1', 'local', '{}', 2)`,
    [runId],
  );
  return runId;
}

/** The start of an attempt of step `fix`, of transition number 3. */
export function startOf(runId: string, over: Partial<AttemptStart> = {}): AttemptStart {
  return {
    run_id: runId,
    path: 'fix',
    id: 'fix',
    name: 'Fix it',
    kind: 'action_task',
    action: 'http.call',
    effect: 'write',
    seq: 3,
    attempt: 1,
    input: { url: 'http://target' },
    key: 'key-of-fix',
    worker: 'host/1',
    pack: 'core@1',
    started_at: t0,
    ...over,
  };
}

/** The end of such an attempt, 250 ms later. */
export function endOf(runId: string, over: Partial<AttemptEnd> = {}): AttemptEnd {
  const start = startOf(runId, over);
  return {
    ...start,
    ended_at: start.started_at + 250,
    status: 'completed',
    outputs: { code: 200 },
    footprints: [],
    ...over,
  };
}

/** A batch with what is given and nothing else. */
export function batchOf(parts: Partial<RecordBatch>): RecordBatch {
  return { transitions: [], begins: [], runnings: [], ends: [], ...parts };
}

/** A batch of one run's transitions. */
export function transitionsOf(runId: string, ...transitions: Transition[]): RecordBatch {
  return batchOf({ transitions: [{ run_id: runId, transitions }] });
}

/** All rows about a run, without what differs between two writings: generated numbers and times of the database. */
export async function rowsOfRun(catalog: Pick<Catalog, 'pool'>, runId: string): Promise<Record<string, unknown[]>> {
  const queries = {
    runs: `SELECT run_id, status, phase, outputs, error, started_at, completed_at, seq, needs_repair FROM runs WHERE run_id = $1`,
    steps: `SELECT * FROM steps WHERE run_id = $1 ORDER BY path`,
    attempts: `SELECT * FROM step_attempts WHERE run_id = $1 ORDER BY step_id, attempt`,
    gates: `SELECT * FROM gates WHERE run_id = $1 ORDER BY path`,
    decisions: `SELECT * FROM gate_decisions WHERE run_id = $1 ORDER BY decision_id`,
    events: `SELECT event_id, event_name, occurred_at, actor, correlation_id, env_id, step_id, resource, data, cause_depth
      FROM events WHERE run_id = $1 ORDER BY event_id`,
    audit: `SELECT key, at, actor, action, resource_type, resource_id, reason, after, step_id, correlation_id, env_id
      FROM audit_log WHERE run_id = $1 ORDER BY key`,
    footprints: `SELECT * FROM footprints WHERE run_id = $1 ORDER BY source_ref, metric`,
  };
  const all: Record<string, unknown[]> = {};
  for (const [table, sql] of Object.entries(queries)) {
    all[table] = (await catalog.pool.query<Record<string, unknown>>(sql, [runId])).rows;
  }
  return all;
}
