import type { RunProgress, RunSurroundings, StepPanelRow, UsualTimes } from '../domain/run-page.js';
import type { Catalog } from './connect.js';
import { catalogFault } from './faults.js';

/** Failed items that are listed by name. */
const MOST_FAILED = 50;
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

  /** @throws XynFault `db_unavailable` */
  async progress(runId: string): Promise<RunProgress> {
    const [row] = await this.#read<RunProgress>(PROGRESS, [runId]);
    return row ?? { steps: [], loops: [], failed: [], completed: {} };
  }

  /** Event, attempts, gates, audit, footprints and artifacts. @throws XynFault `db_unavailable` */
  async surroundings(runId: string): Promise<RunSurroundings> {
    const [row] = await this.#read<RunSurroundings>(SURROUNDINGS, [runId]);
    if (row === undefined) throw new Error('a query without FROM gave no row');
    return row;
  }

  /** @throws XynFault `db_unavailable` */
  async usual(blueprintId: string): Promise<UsualTimes> {
    const [row] = await this.#read<UsualTimes>(USUAL, [blueprintId]);
    return row ?? { runs: 0, run_ms: null, run_p95_ms: null, steps: [] };
  }

  /** The step at a path of a run; undefined when it has no record. @throws XynFault `db_unavailable` */
  async step(runId: string, path: string): Promise<StepPanelRow | undefined> {
    const [row] = await this.#read<StepPanelRow>(STEP, [runId, path]);
    return row;
  }

  async #read<T extends object>(text: string, values: unknown[]): Promise<T[]> {
    try {
      const { rows } = await this.#catalog.pool.query<T>({ text, values });
      return rows;
    } catch (error) {
      throw catalogFault(error);
    }
  }
}

const ERROR_TEXT = `error ->> 'code' AS code, left(error ->> 'message', 500) AS message`;

/**
 * The first index of a path that is an item of a loop splits it into loop, index and rest; indexes of `~undo[0]` and the like
 * are none. Without a regular expression, which would cost thirty times as much as reading the steps.
 */
const PROGRESS = `
WITH all_steps AS MATERIALIZED (
  SELECT *, CASE WHEN is_item THEN head END AS loop, CASE WHEN is_item THEN number::int END AS index,
    CASE WHEN is_item THEN substr(path, length(head) + length(number) + 4) END AS rest
  FROM (
    SELECT *, ascii(number) BETWEEN 48 AND 57
      AND (position('~' IN head) = 0 OR position('~' IN split_part(head, '.', -1)) = 0) AS is_item
    FROM (
      SELECT step_id, path, node_id, kind, status, skip_reason, handled, attempts, seq, started_at, completed_at, error,
        reused_from_run,
        CASE WHEN kind IN ('switch', 'for_each') THEN outputs END AS outputs, split_part(path, '[', 1) AS head,
        split_part(split_part(path, '[', 2), ']', 1) AS number
      FROM steps WHERE run_id = $1 OFFSET 0) s
    OFFSET 0) s
), marked AS (
  -- The steps of the item's own list: what happened deeper shows in their status.
  SELECT *, translate(rest, '.~!#:', '') = rest AS direct FROM all_steps WHERE is_item
), items AS (
  -- Of all that is true of an item, what comes last here counts: nothing yet, done, failed in three ways, undone, running.
  SELECT loop, index, substr('rdfcqur', 1 + max(CASE
      WHEN status = 'running' THEN 6
      WHEN NOT direct THEN CASE WHEN status = 'completed' AND position('~undo' IN rest) > 0 THEN 5 ELSE 0 END
      WHEN status <> 'failed' OR handled THEN 1
      ELSE CASE error ->> 'code' WHEN 'outcome_unknown' THEN 4 WHEN 'cancelled' THEN 3 ELSE 2 END END), 1) AS letter
  FROM marked GROUP BY loop, index
), worst AS (
  SELECT loop, index, letter FROM items WHERE letter IN ('f', 'u', 'q') ORDER BY loop, index LIMIT ${MOST_FAILED}
), failed AS (
  SELECT DISTINCT ON (w.loop, w.index) w.loop, w.index, w.letter, s.path, s.attempts,
    (SELECT inputs ->> 'host' FROM steps WHERE step_id = s.step_id) AS label,
    s.started_at, s.completed_at, s.error ->> 'code' AS code, left(s.error ->> 'message', 500) AS message,
    (SELECT coalesce(json_agg(json_build_object('path', u.path, 'status', u.status, 'started_at', u.started_at,
        'completed_at', u.completed_at) ORDER BY u.seq), '[]')
      FROM marked u WHERE u.loop = w.loop AND u.index = w.index AND position('~undo' IN u.rest) > 0) AS undo
  FROM worst w JOIN marked s ON s.loop = w.loop AND s.index = w.index AND position('~undo' IN s.rest) = 0
  ORDER BY w.loop, w.index, s.status = 'failed' DESC, s.direct DESC, s.seq
)
SELECT
  (SELECT coalesce(json_agg(o), '[]') FROM (
    SELECT step_id, path, node_id, status, skip_reason, handled, attempts, started_at, completed_at, ${ERROR_TEXT},
      reused_from_run IS NOT NULL AS is_reused,
      CASE WHEN kind = 'switch' THEN outputs ->> 'case' END AS chosen,
      CASE WHEN kind = 'for_each' AND jsonb_typeof(outputs -> 'count') = 'number' THEN (outputs ->> 'count')::int END AS items
    FROM all_steps WHERE NOT is_item ORDER BY seq, path) o) AS steps,
  (SELECT coalesce(json_agg(l), '[]') FROM (
    SELECT loop AS path, string_agg(letter, '' ORDER BY index) AS states,
      CASE WHEN max(index) + 1 <> count(*) THEN array_agg(index ORDER BY index) END AS indexes
    FROM items GROUP BY loop) l) AS loops,
  (SELECT coalesce(json_agg(f), '[]') FROM failed f) AS failed,
  (SELECT coalesce(json_object_agg(node_id, n), '{}') FROM (
    SELECT node_id, count(*)::int AS n FROM all_steps WHERE status = 'completed' GROUP BY node_id) c) AS completed`;

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
