import pg from 'pg';
import type { Catalog } from '../../src/catalog/connect.js';
import { catalogAccess } from '../../src/catalog/unit-of-work.js';
import type { Plan } from '../../src/domain/plan.js';
import { BlueprintService } from '../../src/services/blueprints.js';
import { action, forEach, planOf, treeOf } from './plans.js';

/** Steps of every run but the long one. */
const STEPS_PER_RUN = 10;
/** Steps of the one long run: a loop over as many items as design §8 asks for. */
const LONG_RUN_STEPS = 10_000;
/** Runs of the rare blueprint, actor, trigger and status: the oldest ones, which a walk from the newest on finds last. */
const RARE = 10;
/** Runs that have not ended, all with an open gate. */
const OPEN = 100;
/** Over how much time the runs are spread, days. */
const SPAN_DAYS = 28;
const BLUEPRINTS = 20;
/** The blueprint of the one long run. */
const LOOP = 'bench.loop';

/** An expression for the id of a thing. */
const id = (kind: string, number: string): string => `md5('${kind}' || ${number})::uuid`;

const CREATED = `now() - interval '${SPAN_DAYS} days' * (1 - i::float8 / $1)`;
const BLUEPRINT = `CASE WHEN i <= ${RARE} THEN 'bench.rare' WHEN i % 2 = 0 THEN 'bench.b0' ELSE 'bench.b' || (i % ${BLUEPRINTS}) END`;
const STATUS = `CASE WHEN i > $1 - ${OPEN} THEN 'running' WHEN i <= ${RARE} OR i % 100 = 0 THEN 'cancelled' WHEN i % 50 = 7 THEN 'failed' ELSE 'completed' END`;
const ACTOR = `CASE WHEN i <= ${RARE} THEN 'rare' ELSE 'person-' || (i % 50) END`;
const TRIGGER = `CASE WHEN i <= ${RARE} THEN 'rare.event' WHEN i % 3 = 0 THEN 'manual' ELSE 'bench.alert' END`;

/** Open runs seem to have just moved on, so that the reconciler, which would give them up, leaves them alone. */
const RUNS = `
INSERT INTO runs (run_id, name, blueprint_id, blueprint_version, digest, status, trigger, event_id, inputs, outputs, error, actor,
  correlation_id, env_id, env, created_at, dispatched_at, started_at, completed_at, seq, last_progress_at, log_kept_at)
SELECT ${id('run', 'i')}, 'Bench run ' || i, b, 1, v.digest, s, ${TRIGGER}, ${id('event', 'i')},
  jsonb_build_object('host', 'web-' || (i % 500), 'service', 'nginx'),
  CASE WHEN s = 'completed' THEN jsonb_build_object('result', 'done', 'number', i) END,
  CASE WHEN s = 'failed' THEN jsonb_build_object('code', 'action_failed', 'message', 'The host did not answer.') END,
  ${ACTOR}, 'correlation-' || i, 'local', '{"id": "local", "name": "local", "stage": "dev", "vars": {}}'::jsonb, c, c, c + interval '50 ms',
  CASE WHEN s <> 'running' THEN c + (1 + i % 60) * interval '1 s' END, 12,
  CASE WHEN s = 'running' THEN now() + interval '1 day' ELSE c + (1 + i % 60) * interval '1 s' END,
  CASE WHEN s <> 'running' THEN c + interval '2 minutes' END
FROM (SELECT i, ${BLUEPRINT} AS b, ${STATUS} AS s, ${CREATED} AS c FROM generate_series(1, $1) i) r
JOIN blueprint_versions v ON v.blueprint_id = b`;

const STEP_COLUMNS = `(step_id, run_id, path, node_id, kind, name, status, seq, attempts, inputs, outputs, started_at, completed_at)`;

/** Of a catalog with few steps: runs that have theirs, beside the newest ones. */
const FEW_STEPS = { newest: 10_000, every: 1_000 };
const HAS_FEW = `i > $1 - ${FEW_STEPS.newest} OR i % ${FEW_STEPS.every} = 0`;

const steps = (of: string): string => `
INSERT INTO steps ${STEP_COLUMNS}
SELECT ${id('step', `i || '/' || k`)}, ${id('run', 'i')}, 's' || k, 's' || k, 'action_task', 'Step ' || k, 'completed', k, 1,
  jsonb_build_object('host', 'web-' || (i % 500), 'command', jsonb_build_array('systemctl', 'restart', 'nginx')),
  jsonb_build_object('exit_code', 0, 'stdout', 'restarted', 'took_ms', k),
  c + k * interval '90 ms', c + (k + 1) * interval '90 ms'
FROM (SELECT i, ${CREATED} AS c FROM generate_series(1, $1) i WHERE ${of}) r CROSS JOIN generate_series(1, ${STEPS_PER_RUN}) k`;

/** The loop and its items; each five hundredth failed. */
const LONG_RUN = `
WITH run AS (
  INSERT INTO runs (run_id, name, blueprint_id, blueprint_version, digest, status, trigger, inputs, actor, correlation_id, env_id,
    env, created_at, dispatched_at, started_at, completed_at, seq, last_progress_at, log_kept_at)
  SELECT ${id('run', `'long'`)}, 'Long run', blueprint_id, version, digest, 'completed', 'manual', '{}', 'person-1',
    'long', 'local', '{"id": "local", "name": "local", "stage": "dev", "vars": {}}', at, at, at, at + interval '50 s',
    ${LONG_RUN_STEPS}, at, at
  FROM blueprint_versions, (SELECT now() - interval '1 hour' AS at) t WHERE blueprint_id = '${LOOP}' RETURNING run_id, started_at
), loop AS (
  INSERT INTO steps ${STEP_COLUMNS}
  SELECT ${id('step', `'long'`)}, run_id, 'each', 'each', 'for_each', 'Each host', 'completed', 0, 0, NULL,
    '{"count": ${LONG_RUN_STEPS}}', started_at, started_at + interval '50 s' FROM run
)
INSERT INTO steps (step_id, run_id, path, node_id, kind, name, status, seq, attempts, inputs, outputs, error, started_at, completed_at)
SELECT ${id('step', `'long/' || k`)}, run_id, 'each[' || k || '].s1', 's1', 'action_task', 'Item ' || k,
  CASE WHEN k % 500 = 7 THEN 'failed' ELSE 'completed' END, k + 1, 1, jsonb_build_object('host', 'web-' || k),
  CASE WHEN k % 500 <> 7 THEN '{"exit_code": 0}'::jsonb END,
  CASE WHEN k % 500 = 7 THEN '{"code": "action_failed", "message": "The host did not answer."}'::jsonb END,
  started_at + k * interval '5 ms', started_at + (k + 90) * interval '5 ms'
FROM run, generate_series(0, ${LONG_RUN_STEPS - 1}) k`;

/** One attempt for each tenth step: what lists read of them is bounded by their run. */
const ATTEMPTS = `
INSERT INTO step_attempts (step_id, attempt, run_id, status, worker, pack, started_at, ended_at)
SELECT ${id('step', `i || '/1'`)}, 1, ${id('run', 'i')}, 'completed', 'worker-' || (i % 4), 'core@0.1.0', ${CREATED}, ${CREATED}
FROM generate_series(1, $1) i`;

/**
 * One from outside, and three of Xyn itself, for each run. Those of one name have neighbouring numbers: a name that was frequent
 * and came no more is the hard case for lists.
 */
const EVENTS = `
INSERT INTO events (event_id, event_name, occurred_at, env_id, actor, correlation_id, run_id, data, matched_at, dispatched_at,
  txid)
SELECT CASE WHEN k = 0 THEN ${id('event', 'i')} ELSE ${id('event', `i || '/' || k`)} END,
  CASE WHEN i <= ${RARE} AND k = 0 THEN 'rare.event' ELSE (ARRAY['bench.alert', 'xyn.run.created', 'xyn.run.started', 'xyn.run.completed'])[k + 1] END,
  c + k * interval '1 s', 'local', ${ACTOR}, 'correlation-' || i, CASE WHEN k > 0 THEN ${id('run', 'i')} END,
  jsonb_build_object('host', 'web-' || (i % 500), 'blueprint_id', 'bench.b0'), c, c, i - $1
FROM (SELECT i, ${CREATED} AS c FROM generate_series(1, $1) i) r CROSS JOIN generate_series(0, 3) k
ORDER BY k, i`;

const VERDICTS = `
INSERT INTO event_verdicts (event_id, blueprint_id, verdict, run_id)
SELECT ${id('event', 'i')}, ${BLUEPRINT}, 'started', ${id('run', 'i')} FROM generate_series(1, $1) i`;

const GATES = `
WITH added AS (
  INSERT INTO gates (gate_id, run_id, step_id, path, purpose, message, approvers, require, reject, reason, status, binds, seq,
    opened_at, closed_at)
  SELECT ${id('gate', 'i')}, ${id('run', 'i')}, ${id('step', `i || '/5'`)}, 's5', 'approval', 'Restart nginx?', '["team:ops"]', 1, 1,
    'optional', CASE WHEN i > $1 - ${OPEN} THEN 'open' WHEN i <= ${RARE} THEN 'expired' ELSE 'approved' END, '[]', 5, c,
    CASE WHEN i <= $1 - ${OPEN} THEN c + interval '1 s' END
  FROM (SELECT i, ${CREATED} AS c FROM generate_series(1, $1) i WHERE i > $1 - ${OPEN} OR i <= ${RARE} OR i % 10 = 0) r
  RETURNING gate_id, run_id, status, opened_at
)
INSERT INTO gate_decisions (decision_id, gate_id, run_id, decision, actor, source, status, created_at, settled_at)
SELECT md5('decision' || gate_id)::uuid, gate_id, run_id, 'approve', 'person-1', 'api', 'applied', opened_at, opened_at
FROM added WHERE status = 'approved'`;

const ARTIFACTS = `
INSERT INTO artifacts (artifact_id, name, kind, content_type, byte_length, sha256, created_at, created_by, run_id)
SELECT ${id('artifact', 'i')}, 'run.jsonl', CASE WHEN i <= ${RARE} THEN 'rare' ELSE 'log' END, 'application/jsonl', 4096,
  md5('bytes' || i) || md5('more' || i), ${CREATED}, 'xyn', ${id('run', 'i')}
FROM generate_series(1, $1) i`;

const FOOTPRINTS = `
INSERT INTO footprints (recorded_at, source_kind, source_ref, metric, run_id, quantity, unit)
SELECT ${CREATED}, 'step', i || '/' || k, CASE k WHEN 1 THEN 'wall' ELSE 'requests' END, ${id('run', 'i')}, k * 1.5, CASE k WHEN 1 THEN 's' ELSE '1' END
FROM generate_series(1, $1) i CROSS JOIN generate_series(1, 2) k`;

/** As the application adds them up: runs, their steps, and the tokens of an agent, by day and blueprint. */
const FOOTPRINT_DAYS = `
INSERT INTO footprint_days (day, blueprint_id, source, name, metric, unit, quantity)
SELECT day, b, source, name, metric, unit, sum(of_one * n) FROM (
  SELECT ((${CREATED}) AT TIME ZONE 'UTC')::date AS day, ${BLUEPRINT} AS b, ${STATUS} AS status, count(*) AS n
  FROM generate_series(1, $1) i GROUP BY 1, 2, 3) ended,
  LATERAL (VALUES ('run', status, 'run.count', '1', 1), ('action', 'http.call', 'step.count', '1', ${STEPS_PER_RUN}),
    ('action', 'http.call', 'wall_ms', 'ms', 900), ('agent', 'bench-model', 'tokens_in', '1', 1200),
    ('agent', 'bench-model', 'tokens_out', '1', 300), ('agent', 'bench-model', 'request_count', '1', 1)
  ) AS used (source, name, metric, unit, of_one)
GROUP BY 1, 2, 3, 4, 5, 6`;

const AUDIT = `
INSERT INTO audit_log (key, at, actor, action, resource_type, resource_id, run_id, correlation_id, env_id, after)
SELECT 'bench/' || i || '/' || k, ${CREATED}, ${ACTOR},
  CASE WHEN i <= ${RARE} THEN 'rare.action' ELSE (ARRAY['run.create', 'step.execute', 'step.execute'])[k] END,
  CASE WHEN k = 1 THEN 'run' ELSE 'step' END, CASE WHEN k = 1 THEN ${id('run', 'i')} ELSE ${id('step', `i || '/' || k`)} END::text,
  ${id('run', 'i')}, 'correlation-' || i, 'local', jsonb_build_object('status', 'created', 'blueprint_id', 'bench.b0')
FROM generate_series(1, $1) i CROSS JOIN generate_series(1, 3) k`;

/** In this order. */
const fills = (stepsOf: string): [table: string, statement: string][] => [
  ['runs', RUNS],
  ['steps', steps(stepsOf)],
  ['step_attempts', ATTEMPTS],
  ['events', EVENTS],
  ['event_verdicts', VERDICTS],
  ['gates', GATES],
  ['artifacts', ARTIFACTS],
  ['footprints', FOOTPRINTS],
  ['footprint_days', FOOTPRINT_DAYS],
  ['audit_log', AUDIT],
];

const TABLES = [...fills('').map(([table]) => table), 'gate_decisions'];

/** The blueprints that the runs are of. */
function plans(): Plan[] {
  const ids = ['bench.rare', ...Array.from({ length: BLUEPRINTS }, (_, ix) => `bench.b${ix}`)];
  const nodes = Array.from({ length: STEPS_PER_RUN }, (_, ix) => action(`s${ix + 1}`, { name: `Step ${ix + 1}` }));
  const loop = forEach('each', LONG_RUN_STEPS, [action('s1')], { concurrency: 100, max_items: LONG_RUN_STEPS });
  return [...ids.map((one) => planOf(nodes, { id: one })), treeOf([loop], { id: LOOP })];
}

export interface FillOptions {
  /** As the application's role. */
  catalog: Catalog;
  ownerUrl: string;
  runs: number;
  /** `few`: only the newest 10 000 runs and each thousandth have steps, which makes a million a matter of two minutes. Default all. */
  steps?: 'all' | 'few';
  say: (line: string) => void;
}

interface IndexRow {
  drop: string;
  create: string;
}

/** Indexes and keys of the tables that are filled; those of partitioned tables stay. */
const INDEXES = `
SELECT CASE WHEN c.oid IS NULL THEN format('DROP INDEX %I', i.indexrelid::regclass::name)
    ELSE format('ALTER TABLE %I DROP CONSTRAINT %I', t.relname, c.conname) END AS drop,
  CASE WHEN c.oid IS NULL THEN pg_get_indexdef(i.indexrelid)
    ELSE format('ALTER TABLE %I ADD CONSTRAINT %I %s', t.relname, c.conname, pg_get_constraintdef(c.oid)) END AS create
FROM pg_index i JOIN pg_class t ON t.oid = i.indrelid LEFT JOIN pg_constraint c ON c.conindid = i.indexrelid
WHERE t.relname = ANY($1) AND t.relkind = 'r' ORDER BY t.relname, i.indexrelid`;

/**
 * Fills an empty, migrated catalog with runs over the last 28 days and what belongs to them: ten steps, four events, three audit
 * entries, two footprints, an artifact and an attempt for each run, a gate for each tenth, one run of 10 000 steps, and what was used
 * on each day. All of it is worked off: nothing is left to dispatch, link or repair. Ends with VACUUM ANALYZE.
 */
export async function fillCatalog({ catalog, ownerUrl, runs, steps: which = 'all', say }: FillOptions): Promise<void> {
  const blueprints = new BlueprintService({ catalog: catalogAccess(catalog), clock: Date.now, envId: 'local' });
  const caller = { actor: 'bench', proven: false, correlationId: 'bench', source: 'cli' } as const;
  for (const plan of plans()) await blueprints.savePlan(caller, { plan, source: `id: ${plan.id}`, debug: {} });
  const client = new pg.Client({ connectionString: ownerUrl });
  await client.connect();
  try {
    await client.query(`SET synchronous_commit = off; SET maintenance_work_mem = '256MB'; SET jit = off`);
    await client.query(`SELECT xyn_ensure_partitions((now() - interval '2 months')::date, 3)`);
    const { rows: indexes } = await client.query<IndexRow>(INDEXES, [TABLES]);
    for (const table of TABLES) await client.query(`ALTER TABLE ${table} DISABLE TRIGGER USER`);
    for (const { drop } of indexes) await client.query(drop);
    // First: later its rows would fill the gaps that others left all over the table.
    await client.query(LONG_RUN);
    for (const [table, statement] of fills(which === 'few' ? HAS_FEW : 'true')) {
      const { rowCount } = await client.query(statement.replaceAll('$1', String(runs)));
      say(`${table}: ${rowCount} rows`);
    }
    for (const { create } of indexes) await client.query(create);
    for (const table of TABLES) await client.query(`ALTER TABLE ${table} ENABLE TRIGGER USER`);
    say(`${indexes.length} indexes are built`);
    await client.query('VACUUM ANALYZE');
  } finally {
    await client.end();
  }
}
