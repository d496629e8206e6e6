import { Memo } from '../domain/memo.js';
import type { AuditRow, DecisionRow, EventRow, FootprintRow } from './record-derived.js';
import type { AttemptRow, GateRow, RunRow, StepRow } from './record-rows.js';

/** All rows of a batch, one per key, ready for the statement. */
export interface RecordRows {
  runs: RunRow[];
  steps: StepRow[];
  attempts: AttemptRow[];
  gates: GateRow[];
  decisions: DecisionRow[];
  events: EventRow[];
  audit: AuditRow[];
  footprints: FootprintRow[];
}

/** A statement with its parameters. `name` is the same for the same text, so that the server keeps its plan. */
export interface Statement {
  name: string;
  text: string;
  values: unknown[];
}

/** Progress of a run is noted this often at most: the column is indexed, and the reconciler looks for far longer pauses. */
const PROGRESS_GRAIN = `interval '1 second'`;

const FINAL_RUN = `('completed', 'failed', 'cancelled')`;

const rankOfStep = (row: string): string =>
  `CASE WHEN ${row}.status IN ('completed', 'failed', 'skipped') THEN 2 WHEN ${row}.status = 'running' THEN 1 ELSE 0 END`;
const rankOfAttempt = (row: string): string => `CASE ${row}.status WHEN 'running' THEN 0 WHEN 'lost' THEN 1 ELSE 2 END`;

/**
 * A worker that died before Temporal heard of its attempt may have recorded it: the attempt that follows is the one whose
 * result the run goes on with.
 */
const placeOfStep = (row: string): string =>
  `(${row}.seq, ${rankOfStep(row)}, CASE WHEN ${row}.status = 'completed' THEN ${row}.attempts ELSE 0 END)`;

/** Whether the row that comes in is newer than the one of the table. */
const NEWER_STEP = `${placeOfStep('EXCLUDED')} > ${placeOfStep('t')}`;
const NEWER_GATE = 'EXCLUDED.seq > t.seq';
const REOPENED = `${NEWER_GATE} AND EXCLUDED.status = 'open'`;

/** What a statement is made for. Parts that have nothing to do are left out: each costs Postgres a tenth of a millisecond. */
interface Shape {
  /** The kinds of rows that are given, in the order of their parameters. */
  given: ReadonlySet<keyof RecordRows>;
  /** Some of the steps take over what another step had. */
  copies: boolean;
  /** Some of the attempts are not the first of their step. */
  retries: boolean;
}

const KINDS: readonly (keyof RecordRows)[] = [
  'runs',
  'steps',
  'attempts',
  'gates',
  'decisions',
  'events',
  'audit',
  'footprints',
];

/** Texts by the name of their statement: there are as many as shapes. */
const texts = new Memo<string, string>(1_024);

/**
 * One statement that writes the rows and what follows from them. Every part waits for `run_now`, which locks the runs in
 * the order of their ids: two workers that write about the same runs queue there instead of dead-locking further down.
 */
export function recordStatement(rows: RecordRows): Statement {
  const shape = shapeOf(rows);
  const name = nameOf(shape);
  return {
    name,
    text: texts.get(name, () => textOf(shape)),
    values: [...shape.given].map((kind) => jsonbOf(rows[kind])),
  };
}

function shapeOf(rows: RecordRows): Shape {
  return {
    given: new Set(KINDS.filter((kind) => rows[kind].length > 0)),
    copies: rows.steps.some((step) => step.source_step !== null),
    retries: rows.attempts.some(({ attempt }) => attempt > 1),
  };
}

function nameOf({ given, copies, retries }: Shape): string {
  const kinds = KINDS.map((kind) => Number(given.has(kind))).join('');
  return `xyn-records-${kinds}${copies ? '-copies' : ''}${retries ? '-retries' : ''}`;
}

function textOf({ given, copies, retries }: Shape): string {
  const parts: string[] = [];
  let parameters = 0;
  const include = (kind: keyof RecordRows, sql: (param: string) => string): void => {
    if (!given.has(kind)) return;
    parameters += 1;
    parts.push(sql(`$${parameters}::jsonb`));
  };
  const has = { steps: given.has('steps'), attempts: given.has('attempts') };
  include('runs', runsInput);
  include('steps', (param) => upsertSteps(param, copies));
  include('attempts', (param) => upsertAttempts(param, retries));
  include('gates', upsertGates);
  include('decisions', settleDecisions);
  include('events', (param) => insertEvents(param, has));
  include('audit', insertAudit);
  include('footprints', (param) => insertFootprints(param, has));
  parts.push(updateRuns(given.has('gates')));
  return `WITH ${parts.join(',\n')}\nSELECT count(*)::int AS runs FROM run_now`;
}

/**
 * Marks runs whose end is recorded while records of their steps are missing, and takes the mark from those that are
 * complete. A statement of its own, after the other one in the same transaction, since it must see what others committed
 * while that one waited.
 */
export function repairStatement(runs: readonly RunRow[]): Statement {
  return {
    name: 'xyn-records-repair',
    text: `
      WITH ended AS (
        SELECT i.run_id, EXISTS (
          SELECT 1 FROM jsonb_each_text(i.leaves) AS leaf
          LEFT JOIN steps s ON s.step_id = leaf.key::uuid
          WHERE s.status IS DISTINCT FROM leaf.value
        ) OR (i.ended > (SELECT count(*) FROM jsonb_object_keys(i.leaves)) AND i.ended > (
          SELECT count(*) FROM steps s WHERE s.run_id = i.run_id AND s.status IN ('completed', 'failed', 'skipped')
        )) AS missing
        FROM jsonb_to_recordset($1::jsonb) AS i(run_id uuid, end_seq int, leaves jsonb, ended int)
        JOIN runs r ON r.run_id = i.run_id AND i.end_seq >= r.seq
        WHERE i.end_seq IS NOT NULL
      )
      UPDATE runs r SET needs_repair = coalesce(e.missing, false)
      FROM ended e WHERE r.run_id = e.run_id AND r.needs_repair <> coalesce(e.missing, false)`,
    values: [jsonbOf(runs.filter((run) => run.end_seq !== null))],
  };
}

/**
 * JSON text that Postgres takes as jsonb: U+0000 and lone surrogates, which it refuses, become U+FFFD, so that what a
 * target printed cannot make a record unwritable.
 */
function jsonbOf(value: unknown): string {
  const text = JSON.stringify(value);
  return /\\u(0000|d[89a-f])/i.test(text) ? JSON.stringify(cleaned(value)) : text;
}

function cleaned(value: unknown): unknown {
  if (typeof value === 'string') return cleanText(value);
  if (Array.isArray(value)) return value.map(cleaned);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [cleanText(key), cleaned(member)]));
}

function cleanText(text: string): string {
  return text.replace(/\0|[\uD800-\uDBFF](?![\uDC00-\uDFFF])|(?<![\uD800-\uDBFF])[\uDC00-\uDFFF]/g, '\uFFFD');
}

function runsInput(param: string): string {
  return `
run_in AS MATERIALIZED (
  SELECT * FROM jsonb_to_recordset(${param}) AS x(run_id uuid, seq int, started_at timestamptz, gates boolean,
    end_seq int, end_status text, outputs jsonb, error jsonb, completed_at timestamptz)
),
run_now AS MATERIALIZED (
  SELECT run_id, status, seq, env_id, correlation_id, actor, layer, owner_org_id, blueprint_id, cause_depth
  FROM runs WHERE run_id IN (SELECT run_id FROM run_in) ORDER BY run_id FOR NO KEY UPDATE
),
locked AS MATERIALIZED (SELECT count(*) AS runs FROM run_now)`;
}

/** @param copies whether some of the steps take over what another step had. */
function upsertSteps(param: string, copies: boolean): string {
  const copied = (column: string): string => (copies ? `coalesce(i.${column}, s.${column})` : `i.${column}`);
  return `
step_up AS (
  INSERT INTO steps AS t (step_id, run_id, path, node_id, kind, name, status, skip_reason, handled, seq, attempts,
    inputs, outputs, error, idempotency_key, started_at, completed_at, logs_artifact_id, reused_from_run)
  SELECT i.step_id, i.run_id, i.path, i.node_id, i.kind, i.name, i.status, i.skip_reason, i.handled, i.seq, i.attempts,
    ${copied('inputs')}, ${copied('outputs')}, i.error, i.idempotency_key, i.started_at, i.completed_at,
    ${copied('logs_artifact_id')}, i.reused_from_run
  FROM locked, jsonb_to_recordset(${param}) AS i(step_id uuid, run_id uuid, path text, node_id text, kind text,
    name text, status text, skip_reason text, handled boolean, seq int, attempts int, inputs jsonb, outputs jsonb,
    error jsonb, idempotency_key text, started_at timestamptz, completed_at timestamptz, logs_artifact_id uuid,
    reused_from_run uuid, source_step uuid)
  ${copies ? 'LEFT JOIN steps s ON s.step_id = i.source_step' : ''}
  ORDER BY i.step_id
  ON CONFLICT (step_id) DO UPDATE SET
    status = CASE WHEN ${NEWER_STEP} THEN EXCLUDED.status ELSE t.status END,
    skip_reason = CASE WHEN ${NEWER_STEP} THEN EXCLUDED.skip_reason ELSE t.skip_reason END,
    handled = CASE WHEN ${NEWER_STEP} THEN EXCLUDED.handled ELSE t.handled END,
    error = CASE WHEN ${NEWER_STEP} THEN EXCLUDED.error ELSE t.error END,
    completed_at = CASE WHEN ${NEWER_STEP} THEN EXCLUDED.completed_at ELSE t.completed_at END,
    outputs = CASE
      WHEN NOT (${NEWER_STEP}) THEN CASE WHEN t.status = 'completed' THEN coalesce(t.outputs, EXCLUDED.outputs) ELSE t.outputs END
      WHEN EXCLUDED.status = 'completed' THEN coalesce(EXCLUDED.outputs, t.outputs)
      ELSE EXCLUDED.outputs END,
    seq = greatest(t.seq, EXCLUDED.seq),
    attempts = greatest(t.attempts, EXCLUDED.attempts),
    inputs = coalesce(t.inputs, EXCLUDED.inputs),
    idempotency_key = coalesce(t.idempotency_key, EXCLUDED.idempotency_key),
    logs_artifact_id = CASE WHEN EXCLUDED.attempts >= t.attempts
      THEN coalesce(EXCLUDED.logs_artifact_id, t.logs_artifact_id)
      ELSE coalesce(t.logs_artifact_id, EXCLUDED.logs_artifact_id) END,
    started_at = least(t.started_at, EXCLUDED.started_at),
    reused_from_run = coalesce(t.reused_from_run, EXCLUDED.reused_from_run)
  WHERE ${NEWER_STEP}
    OR EXCLUDED.attempts > t.attempts
    OR (t.inputs IS NULL AND EXCLUDED.inputs IS NOT NULL)
    OR (t.status = 'completed' AND t.outputs IS NULL AND EXCLUDED.outputs IS NOT NULL)
    OR EXCLUDED.started_at < coalesce(t.started_at, 'infinity')
    OR EXCLUDED.logs_artifact_id <> coalesce(t.logs_artifact_id, '00000000-0000-0000-0000-000000000000')
  RETURNING t.step_id, t.status
)`;
}

/** @param retries whether earlier attempts of these steps may still run in the table. */
function upsertAttempts(param: string, retries: boolean): string {
  return `
attempt_in AS MATERIALIZED (
  SELECT i.* FROM locked, jsonb_to_recordset(${param}) AS i(step_id uuid, attempt int, run_id uuid, status text,
    worker text, pack text, error jsonb, started_at timestamptz, ended_at timestamptz, next_retry_at timestamptz)
),
attempt_up AS (
  INSERT INTO step_attempts AS t (step_id, attempt, run_id, status, worker, pack, error, started_at, ended_at, next_retry_at)
  SELECT i.step_id, i.attempt, i.run_id, CASE WHEN later.began IS NULL THEN i.status ELSE 'lost' END, i.worker, i.pack,
    i.error, i.started_at, coalesce(i.ended_at, later.began), i.next_retry_at
  FROM attempt_in i
  LEFT JOIN LATERAL (
    SELECT min(n.started_at) AS began FROM step_attempts n
    WHERE i.status = 'running' AND n.step_id = i.step_id AND n.attempt > i.attempt
  ) AS later ON true
  ORDER BY i.step_id, i.attempt
  ON CONFLICT (step_id, attempt) DO UPDATE SET status = EXCLUDED.status, worker = EXCLUDED.worker, pack = EXCLUDED.pack,
    error = EXCLUDED.error, started_at = EXCLUDED.started_at, ended_at = EXCLUDED.ended_at,
    next_retry_at = EXCLUDED.next_retry_at
  WHERE ${rankOfAttempt('EXCLUDED')} > ${rankOfAttempt('t')}
  RETURNING t.step_id, t.attempt, t.status
)${retries ? `,\n${LOSE_EARLIER}` : ''}`;
}

const LOSE_EARLIER = `
attempt_lost AS (
  UPDATE step_attempts t SET status = 'lost', ended_at = n.started_at
  FROM (
    SELECT DISTINCT ON (step_id) step_id, attempt, started_at FROM attempt_in
    WHERE attempt > 1 ORDER BY step_id, attempt DESC
  ) AS n
  WHERE t.step_id = n.step_id AND t.attempt < n.attempt AND t.status = 'running'
    AND NOT EXISTS (SELECT 1 FROM attempt_in i WHERE i.step_id = t.step_id AND i.attempt = t.attempt)
)`;

function upsertGates(param: string): string {
  const fill = (column: string, isEmpty = `t.${column} IS NULL`): string =>
    `${column} = CASE WHEN ${REOPENED} OR (${isEmpty}) THEN coalesce(EXCLUDED.${column}, t.${column}) ELSE t.${column} END`;
  return `
gate_up AS (
  INSERT INTO gates AS t (gate_id, run_id, step_id, path, purpose, message, approvers, require, reject, reason, status,
    digest, binds, seq, opened_at, expires_at, closed_at)
  SELECT i.gate_id, i.run_id, i.step_id, i.path, i.purpose, i.message, coalesce(i.approvers, '[]'), i.require, i.reject,
    i.reason, i.status, i.digest, coalesce(i.binds, '[]'), i.seq, i.opened_at, i.expires_at, i.closed_at
  FROM locked, jsonb_to_recordset(${param}) AS i(gate_id uuid, run_id uuid, step_id uuid, path text, purpose text,
    message text, approvers jsonb, require int, reject int, reason text, status text, digest text, binds jsonb, seq int,
    opened_at timestamptz, expires_at timestamptz, closed_at timestamptz)
  ORDER BY i.gate_id
  ON CONFLICT (gate_id) DO UPDATE SET
    status = CASE WHEN ${NEWER_GATE} THEN EXCLUDED.status ELSE t.status END,
    closed_at = CASE WHEN ${NEWER_GATE} THEN EXCLUDED.closed_at ELSE t.closed_at END,
    opened_at = CASE WHEN ${REOPENED} THEN EXCLUDED.opened_at ELSE least(t.opened_at, EXCLUDED.opened_at) END,
    ${fill('message')},
    ${fill('approvers', `t.approvers = '[]'`)},
    ${fill('binds', `t.binds = '[]'`)},
    ${fill('digest')},
    ${fill('expires_at')},
    seq = greatest(t.seq, EXCLUDED.seq)
  WHERE ${NEWER_GATE} OR (EXCLUDED.status = 'open' AND EXCLUDED.opened_at < t.opened_at)
  RETURNING t.gate_id, t.run_id, t.status
)`;
}

function settleDecisions(param: string): string {
  return `
decision_in AS MATERIALIZED (
  SELECT i.* FROM locked, jsonb_to_recordset(${param}) AS i(decision_id uuid, gate_id uuid, run_id uuid, decision text,
    actor text, reason text, outputs jsonb, at timestamptz, "foreign" boolean)
),
decision_up AS (
  UPDATE gate_decisions t SET status = 'applied', refusal = NULL, settled_at = coalesce(t.settled_at, i.at)
  FROM decision_in i WHERE t.decision_id = i.decision_id AND t.status <> 'applied'
),
decision_new AS (
  INSERT INTO gate_decisions (decision_id, gate_id, run_id, decision, actor, reason, outputs, source, status, created_at, settled_at)
  SELECT decision_id, gate_id, run_id, decision, actor, reason, outputs, 'temporal-ui', 'applied', at, at
  FROM decision_in WHERE "foreign"
  ON CONFLICT (decision_id) DO NOTHING
)`;
}

interface Written {
  steps: boolean;
  attempts: boolean;
}

/** The conditions of derived rows, in terms of what this statement wrote. */
function conditions(has: Written): string {
  const steps = has.steps
    ? 'OR EXISTS (SELECT 1 FROM step_up u WHERE u.step_id = i.step_id AND u.status = i.if_step)'
    : '';
  const attempts = has.attempts
    ? `OR EXISTS (SELECT 1 FROM attempt_up u WHERE u.step_id = i.step_id AND u.attempt = i.if_attempt)`
    : '';
  return `(i.if_step IS NULL ${steps}) AND (i.if_attempt IS NULL ${attempts})
    AND (i.if_end IS NULL OR r.status NOT IN ${FINAL_RUN} OR i.if_end > r.seq)`;
}

function insertEvents(param: string, has: Written): string {
  return `
event_new AS (
  INSERT INTO events (event_id, event_name, occurred_at, env_id, actor, correlation_id, run_id, step_id, resource, data,
    cause_depth, layer, owner_org_id)
  SELECT i.event_id, i.event_name, i.occurred_at, r.env_id, r.actor, r.correlation_id, i.run_id, i.step_id, i.resource,
    CASE WHEN i.event_name = 'xyn.footprint.recorded' THEN i.data
      ELSE i.data || jsonb_build_object('blueprint_id', r.blueprint_id) END,
    r.cause_depth + 1, r.layer, r.owner_org_id
  FROM jsonb_to_recordset(${param}) AS i(event_id uuid, event_name text, occurred_at timestamptz, run_id uuid,
    step_id uuid, resource jsonb, data jsonb, if_step text, if_attempt int, if_end int, ordinal int)
  JOIN run_now r ON r.run_id = i.run_id
  WHERE ${conditions(has)}
  ORDER BY i.occurred_at, i.ordinal
  ON CONFLICT (event_id) DO NOTHING
)`;
}

/** Written for runs that the catalog does not know, too: an effect is never without its entry. */
function insertAudit(param: string): string {
  return `
audit_new AS (
  INSERT INTO audit_log (key, at, actor, action, resource_type, resource_id, reason, after, run_id, step_id,
    correlation_id, env_id, layer, owner_org_id)
  SELECT i.key, i.at, coalesce(i.actor, r.actor, 'system'), i.action, i.resource_type, i.resource_id, i.reason, i.after,
    i.run_id, i.step_id, r.correlation_id, coalesce(r.env_id, 'unknown'), coalesce(r.layer, 'operator'),
    coalesce(r.owner_org_id, 'local')
  FROM locked, jsonb_to_recordset(${param}) AS i(key text, at timestamptz, actor text, action text, resource_type text,
    resource_id text, reason text, after jsonb, run_id uuid, step_id uuid, if_end int)
  LEFT JOIN run_now r ON r.run_id = i.run_id
  WHERE i.if_end IS NULL OR r.status NOT IN ${FINAL_RUN} OR i.if_end > r.seq
  ORDER BY i.at, i.key
  ON CONFLICT (key) DO NOTHING
)`;
}

function insertFootprints(param: string, has: Written): string {
  return `
footprint_new AS (
  INSERT INTO footprints (recorded_at, source_kind, source_ref, metric, run_id, step_id, quantity, unit, dims_json)
  SELECT i.recorded_at, i.source_kind, i.source_ref, i.metric, i.run_id, i.step_id, i.quantity, i.unit, i.dims
  FROM locked, jsonb_to_recordset(${param}) AS i(recorded_at timestamptz, source_kind text, source_ref text, metric text,
    run_id uuid, step_id uuid, quantity double precision, unit text, dims jsonb, if_step text, if_attempt int, if_end int)
  LEFT JOIN run_now r ON r.run_id = i.run_id
  WHERE ${conditions(has)}
  ON CONFLICT DO NOTHING
)`;
}

function updateRuns(withGates: boolean): string {
  const ends = `(i.end_seq IS NOT NULL AND (r.status NOT IN ${FINAL_RUN} OR i.end_seq > r.seq))`;
  const open = withGates
    ? `EXISTS (SELECT 1 FROM gate_up u WHERE u.run_id = r.run_id AND u.status = 'open')
       OR EXISTS (SELECT 1 FROM gates g WHERE g.run_id = r.run_id AND g.status = 'open'
         AND NOT EXISTS (SELECT 1 FROM gate_up u WHERE u.gate_id = g.gate_id))`
    : 'false';
  const begins = `i.started_at IS NOT NULL AND (r.status = 'created' OR r.started_at IS NULL)`;
  return `
run_up AS (
  UPDATE runs r SET
    status = CASE WHEN ${ends} THEN i.end_status WHEN r.status = 'created' AND i.started_at IS NOT NULL THEN 'running' ELSE r.status END,
    started_at = coalesce(r.started_at, i.started_at),
    outputs = CASE WHEN ${ends} THEN i.outputs ELSE r.outputs END,
    error = CASE WHEN ${ends} THEN i.error ELSE r.error END,
    completed_at = CASE WHEN ${ends} THEN i.completed_at ELSE r.completed_at END,
    phase = CASE WHEN ${ends} OR r.status IN ${FINAL_RUN} THEN NULL WHEN NOT i.gates OR r.phase = 'cancel' THEN r.phase
      WHEN ${open} THEN 'gate' END,
    seq = greatest(r.seq, i.seq),
    last_progress_at = CASE WHEN r.last_progress_at < now() - ${PROGRESS_GRAIN} THEN now() ELSE r.last_progress_at END
  FROM run_in i JOIN run_now n ON n.run_id = i.run_id
  WHERE r.run_id = i.run_id
    AND (${ends} OR ${begins} OR i.gates OR i.seq > r.seq OR r.last_progress_at < now() - ${PROGRESS_GRAIN})
)`;
}
