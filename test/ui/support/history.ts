import pg from 'pg';
import type { Catalog } from '../../../src/catalog/connect.js';
import type { TestDatabase } from '../../support/database.js';

/** What is older than all that `seed` writes: days before now. */
const FROM_DAYS = 3;
const SPAN_DAYS = 25;
const AT = `now() - interval '1 day' * (${FROM_DAYS} + ${SPAN_DAYS} * (1 - n::float8 / $1))`;

/** Events of weeks before, with a verdict each. Before `seed`, so that they are the oldest of the log. */
export async function seedOldEvents({ pool }: Pick<Catalog, 'pool'>, count: number): Promise<void> {
  await pool.query(
    `INSERT INTO events (event_id, event_name, occurred_at, env_id, actor, correlation_id, data, matched_at, dispatched_at, txid)
     SELECT md5('old-event' || n)::uuid, 'git.push', t, 'env-1', 'checkmk', 'old-' || n,
       jsonb_build_object('ref', 'refs/heads/main', 'number', n), t, t, n - $1
     FROM (SELECT n, ${AT} AS t FROM generate_series(1, $1::int) n) old`,
    [count],
  );
  await pool.query(
    `INSERT INTO event_verdicts (event_id, blueprint_id, verdict)
     SELECT md5('old-event' || n)::uuid, 'bp.ci.build', 'filter_false' FROM generate_series(1, $1::int) n`,
    [count],
  );
}

/** Runs of weeks before that have ended, so that counts end at their cap. After `seed`, which brings their blueprint. */
export async function seedOldRuns(
  { catalog: { pool }, ownerUrl }: Pick<TestDatabase, 'catalog' | 'ownerUrl'>,
  count: number,
): Promise<void> {
  await pool.query(
    `INSERT INTO runs (run_id, name, blueprint_id, blueprint_version, digest, status, trigger, inputs, actor, correlation_id,
       env_id, env, created_at, dispatched_at, started_at, completed_at, seq, last_progress_at)
     SELECT md5('old-run' || n)::uuid, 'Build api #' || n, v.blueprint_id, v.version, v.digest,
       CASE WHEN n % 50 = 7 THEN 'failed' ELSE 'completed' END, 'git.push', '{}', 'kwame', 'old-' || n, 'env-1', '{}',
       t, t, t, t + interval '1 s' * (20 + n % 60), 4, t + interval '1 s' * (20 + n % 60)
     FROM (SELECT n, ${AT} AS t FROM generate_series(1, $1::int) n) old
     JOIN blueprint_versions v ON v.blueprint_id = 'bp.ci.build'`,
    [count],
  );
  // What the planner knows of the tables comes with time; only their owner can hurry it.
  const owner = new pg.Client({ connectionString: ownerUrl });
  await owner.connect();
  await owner.query('ANALYZE');
  await owner.end();
}
