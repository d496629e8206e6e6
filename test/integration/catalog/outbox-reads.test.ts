import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { readBacklog } from '../../../src/catalog/backlog.js';
import type { Database } from '../../../src/catalog/database.js';
import { EventStore } from '../../../src/catalog/event-store.js';
import { Prisma } from '../../../src/catalog/generated/client.js';
import { StuckRuns } from '../../../src/catalog/stuck-runs.js';
import { freshDatabase, type TestDatabase } from '../../support/database.js';

const EVENTS = 50_000;
/** Few among all, and too many for Postgres to fetch them one by one when it may as well meet one on its way. */
const ONCE_LEFT = 200;
/** Rows of events that this transaction has read, one after the other or by an index. */
const READ = Prisma.sql`SELECT (coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0))::int AS n
  FROM pg_stat_xact_user_tables WHERE relname = 'events'`;

let db: TestDatabase;
beforeAll(async () => {
  db = await freshDatabase();
  const owner = new pg.Client({ connectionString: db.ownerUrl });
  await owner.connect();
  await owner.query(
    `INSERT INTO events (event_id, event_name, occurred_at, env_id, actor, correlation_id, data, matched_at, dispatched_at, txid)
     SELECT gen_random_uuid(), 'git.push', now(), 'env-1', 'ann', 'c', '{}', now(),
       CASE WHEN n % ${EVENTS / ONCE_LEFT} <> 0 THEN now() END, n FROM generate_series(1, ${EVENTS}) n`,
  );
  // What Postgres knows is of a moment in which some events waited; it may believe that for hours.
  await owner.query('ANALYZE events');
  await owner.query('UPDATE events SET dispatched_at = now() WHERE dispatched_at IS NULL');
  await owner.end();
});
afterAll(async () => db.drop());

async function rowsReadBy(read: (tx: Database) => Promise<unknown>): Promise<number> {
  return db.catalog.prisma.$transaction(async (tx) => {
    await read(tx);
    const [row] = await tx.$queryRaw<{ n: number }[]>(READ);
    return row?.n ?? 0;
  });
}

describe('events that are left, where Postgres believes that there are some', () => {
  it('are found by what the doctor asks without a walk over all others', async () => {
    expect(await rowsReadBy((tx) => new StuckRuns(tx).facts())).toBeLessThan(2 * ONCE_LEFT);
  });

  it('are claimed without one', async () => {
    const claim = { limit: 100, starts: true, leaseMs: 3_000, except: [] };
    expect(await rowsReadBy((tx) => new EventStore(tx).claim(claim))).toBeLessThan(2 * ONCE_LEFT);
  });

  it('are counted for the metrics without one', async () => {
    const client = await db.catalog.pool.connect();
    await client.query('BEGIN');
    await readBacklog({ pool: client as unknown as pg.Pool });
    const { rows } = await client.query<{ n: number }>(READ.sql);
    await client.query('ROLLBACK');
    client.release();
    expect(rows[0]?.n).toBeLessThan(2 * ONCE_LEFT);
  });
});
