import type { RunProgress, RunSurroundings, StepPanelRow, UsualTimes } from '../domain/run-page.js';
import type { Catalog } from './connect.js';
import { poolRows } from './pool-rows.js';
import {
  detailPaths,
  failedItems,
  ITEM_DETAILS,
  PROGRESS,
  readProgress,
  type DetailRow,
  type ProgressRow,
} from './run-progress.js';

const MOST_ARTIFACTS = 20;
/** Runs of a chain of reruns, in either direction. */
const MOST_RERUNS = 20;
const MOST_AUDIT = 20;
/** Retries that are drawn; more are counted only. */
const MOST_ATTEMPTS = 1_000;
/** Over how many completed runs times are taken, and among how many of the newest they are looked for. */
const SAMPLE = { completed: 20, looked_at: 200 };

/** What a run's page reads: a fixed number of queries for any run, each starting from the run's id. */
export class RunPageStore {
  readonly #catalog: Catalog;

  constructor(catalog: Catalog) {
    this.#catalog = catalog;
  }

  /** Steps, and event, attempts, gates, audit, footprints and artifacts. @throws XynFault `db_unavailable` */
  async load(runId: string): Promise<RunProgress & RunSurroundings> {
    const [row] = await this.#read<ProgressRow & RunSurroundings>('run_load', LOAD, [runId]);
    if (row === undefined) throw new Error('a query of aggregates gave no row');
    const { steps, items, ...surroundings } = row;
    const { worst, ...progress } = readProgress({ steps, items });
    const paths = detailPaths(worst);
    const details = paths.length === 0 ? [] : await this.#read<DetailRow>('run_items', ITEM_DETAILS, [runId, paths]);
    return { failed: failedItems(worst, details), ...progress, ...surroundings };
  }

  /** The same without the steps. @throws XynFault `db_unavailable` */
  async surroundings(runId: string): Promise<RunSurroundings> {
    const [row] = await this.#read<RunSurroundings>('run_surroundings', SURROUNDINGS, [runId]);
    if (row === undefined) throw new Error('a query of aggregates gave no row');
    return row;
  }

  /** @throws XynFault `db_unavailable` */
  async usual(blueprintId: string): Promise<UsualTimes> {
    const [row] = await this.#read<UsualTimes>('run_usual', USUAL, [blueprintId]);
    return row ?? { runs: 0, run_ms: null, run_p95_ms: null, steps: [] };
  }

  /** The step at a path of a run; undefined when it has no record. @throws XynFault `db_unavailable` */
  async step(runId: string, path: string): Promise<StepPanelRow | undefined> {
    const [row] = await this.#read<StepPanelRow>('run_step', STEP, [runId, path]);
    return row;
  }

  #read<T extends object>(name: string, text: string, values: unknown[]): Promise<T[]> {
    return poolRows<T>(this.#catalog, { text, values }, name);
  }
}

const ARTIFACT_FIELDS = 'artifact_id, name, kind, content_type, byte_length::float8 AS byte_length, sha256, step_id';

const SURROUNDINGS = `
WITH RECURSIVE earlier AS (
  SELECT rerun_of AS run_id, 1 AS generation FROM runs WHERE run_id = $1 AND rerun_of IS NOT NULL
  UNION ALL
  SELECT r.rerun_of, e.generation + 1 FROM earlier e JOIN runs r ON r.run_id = e.run_id
  WHERE r.rerun_of IS NOT NULL AND e.generation < ${MOST_RERUNS}
), related AS (
  SELECT run_id FROM earlier
  UNION ALL
  (SELECT run_id FROM runs WHERE rerun_of = $1 ORDER BY created_at DESC LIMIT ${MOST_RERUNS})
)
SELECT
  (SELECT coalesce(json_agg(c ORDER BY c.created_at), '[]') FROM (
    SELECT run_id, status, created_at, rerun_from FROM runs
    WHERE run_id IN (SELECT run_id FROM related UNION ALL SELECT $1 WHERE EXISTS (SELECT 1 FROM related))) c) AS chain,
  (SELECT json_build_object('actor', cancel_by, 'reason', nullif(cancel_reason, ''), 'at', cancel_requested_at)
    FROM runs WHERE run_id = $1 AND cancel_by IS NOT NULL AND cancel_requested_at IS NOT NULL) AS cancel,
  (SELECT row_to_json(e) FROM (SELECT event_id, event_name, actor, occurred_at FROM events
    WHERE event_id = (SELECT event_id FROM runs WHERE run_id = $1)) e) AS event,
  (SELECT coalesce(json_agg(a), '[]') FROM (
    SELECT t.step_id, t.attempt, t.status, t.started_at, t.ended_at, t.next_retry_at
    FROM steps s JOIN step_attempts t ON t.step_id = s.step_id
    WHERE s.run_id = $1 AND t.run_id = $1 AND position('[' IN s.path) = 0
      AND (s.attempts > 1 OR t.next_retry_at IS NOT NULL)
    ORDER BY t.started_at LIMIT ${MOST_ATTEMPTS}) a) AS attempts,
  (SELECT coalesce(json_agg(g), '[]') FROM (
    SELECT gate_id, path, purpose, status, message, require, opened_at, expires_at,
      (SELECT coalesce(json_agg(d ORDER BY d.at), '[]') FROM (
        SELECT actor, min(created_at) AS at FROM gate_decisions
        WHERE gate_id = gates.gate_id AND status = 'applied' AND decision = 'approve' GROUP BY actor) d) AS approvals
    FROM gates WHERE run_id = $1 ORDER BY seq LIMIT 500) g) AS gates,
  (SELECT coalesce(json_agg(e), '[]') FROM (
    SELECT a.audit_id::text, a.at, a.actor, a.action, coalesce(a.after ->> 'path', s.path) AS path
    FROM (SELECT * FROM audit_log WHERE run_id = $1 ORDER BY audit_id DESC LIMIT ${MOST_AUDIT}) a
    LEFT JOIN steps s ON s.step_id = a.step_id ORDER BY a.audit_id DESC) e) AS audit_entries,
  (SELECT json_build_object('entries', count(*), 'unlinked', count(p.audit_id))
    FROM audit_log a LEFT JOIN audit_pending p ON p.audit_id = a.audit_id WHERE a.run_id = $1) AS audit,
  (SELECT coalesce(json_agg(f), '[]') FROM (
    SELECT metric, unit, sum(quantity)::float8 AS quantity FROM footprints WHERE run_id = $1
    GROUP BY metric, unit ORDER BY metric LIMIT 50) f) AS footprints,
  (SELECT coalesce(json_agg(a), '[]') FROM (
    SELECT ${ARTIFACT_FIELDS} FROM artifacts WHERE run_id = $1 ORDER BY created_at DESC LIMIT ${MOST_ARTIFACTS}) a) AS artifacts,
  (SELECT count(*)::int FROM (SELECT 1 FROM artifacts WHERE run_id = $1 LIMIT 10001) c) AS artifact_count`;

const LOAD = `SELECT * FROM (${PROGRESS}) progress, (${SURROUNDINGS}) surroundings`;

const USUAL = `
WITH earlier AS MATERIALIZED (
  SELECT run_id, extract(epoch FROM completed_at - started_at) * 1000 AS ms FROM (
    SELECT run_id, status, started_at, completed_at FROM runs WHERE blueprint_id = $1
    ORDER BY created_at DESC LIMIT ${SAMPLE.looked_at}) newest
  WHERE status = 'completed' AND started_at IS NOT NULL LIMIT ${SAMPLE.completed}
)
SELECT (SELECT count(*)::int FROM earlier) AS runs,
  (SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY ms)::float8 FROM earlier) AS run_ms,
  (SELECT percentile_cont(0.95) WITHIN GROUP (ORDER BY ms)::float8 FROM earlier) AS run_p95_ms,
  (SELECT coalesce(json_agg(s), '[]') FROM (
    SELECT node_id, count(*)::int AS samples,
      percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM completed_at - started_at) * 1000)::float8 AS median_ms
    FROM steps WHERE run_id IN (SELECT run_id FROM earlier) AND status = 'completed' AND started_at IS NOT NULL
      AND position('[' IN path) = 0
    GROUP BY node_id) s) AS steps`;

const STEP = `
SELECT step_id, path, node_id, kind, name, status, skip_reason, attempts, to_json(started_at) #>> '{}' AS started_at,
  to_json(completed_at) #>> '{}' AS completed_at, inputs, outputs, error, logs_artifact_id,
  CASE WHEN reused_from_run IS NOT NULL THEN json_build_object('run_id', reused_from_run, 'path', coalesce(
    (SELECT r.entries -> steps.path ->> 'path' FROM run_reuses r WHERE r.run_id = steps.run_id), path)) END AS reused_from,
  (SELECT json_build_object('counted', t.counted, 'lines', t.lines) FROM step_tails t
    WHERE t.step_id = steps.step_id AND steps.status = 'running') AS tail,
  (SELECT coalesce(json_agg(a), '[]') FROM (
    SELECT attempt, status, worker, pack, error, started_at, ended_at FROM step_attempts
    WHERE step_id = steps.step_id ORDER BY attempt DESC LIMIT 50) a) AS attempt_log,
  (SELECT coalesce(json_agg(a), '[]') FROM (
    SELECT ${ARTIFACT_FIELDS} FROM artifacts WHERE run_id = $1 AND step_id = steps.step_id
    ORDER BY created_at LIMIT ${MOST_ARTIFACTS}) a) AS artifacts
FROM steps WHERE run_id = $1 AND path = $2`;
