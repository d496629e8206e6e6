import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { ensurePartitions } from '../../../src/catalog/partitions.js';
import { XynFault } from '../../../src/domain/fault.js';
import { PartitionSweep } from '../../../src/services/partition-sweep.js';
import { asAdmin, freshDatabase, type TestDatabase } from '../../support/database.js';
import { silentLog } from '../../support/node.js';

const DAY_MS = 86_400_000;

let database: TestDatabase;
beforeAll(async () => {
  database = await freshDatabase();
});
afterAll(async () => database.drop());

async function months(): Promise<string[]> {
  const { rows } = await database.catalog.pool.query<{ name: string }>(
    `SELECT c.relname AS name FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
     WHERE i.inhparent = 'footprints'::regclass AND c.relname <> 'footprints_default' ORDER BY 1`,
  );
  return rows.map(({ name }) => name);
}

const nameOf = (day: Date): string => `footprints_${day.toISOString().slice(0, 7).replace('-', '_')}`;
/** The month that many months after the one of a time. */
const monthAfter = (at: number, count: number): Date => {
  const day = new Date(at);
  return new Date(Date.UTC(day.getUTCFullYear(), day.getUTCMonth() + count, 1));
};

it('makes the months ahead once a day, however long the process runs', async () => {
  let now = Date.now();
  const days: Date[] = [];
  const sweep = new PartitionSweep({
    ensure: (day) => {
      days.push(day);
      return ensurePartitions(database.ownerUrl, day);
    },
    clock: () => now,
    log: silentLog,
  });
  await sweep.sweep();
  await sweep.sweep();
  expect(days).toHaveLength(1);
  const before = await months();
  // Half a year later, day by day.
  for (let day = 0; day < 180; day += 30) {
    now += 30 * DAY_MS;
    await sweep.sweep();
  }
  expect(days).toHaveLength(7);
  const after = await months();
  expect(after.length).toBeGreaterThan(before.length + 4);
  const at = monthAfter(now, 1);
  expect(after).toContain(nameOf(at));
  await database.catalog.pool.query(
    `INSERT INTO footprints (recorded_at, source_kind, source_ref, metric, run_id, quantity, unit)
     VALUES ($1, 'run', 'r', 'run.count', gen_random_uuid(), 1, 'count')`,
    [at],
  );
  const { rows } = await database.catalog.pool.query(`SELECT tableoid::regclass::text AS name FROM footprints`);
  expect(rows).toEqual([{ name: nameOf(at) }]);
});

it('tries again after an error, and does not wait for long behind others', async () => {
  const now = Date.now() + 1_000 * DAY_MS;
  const sweep = new PartitionSweep({
    ensure: (day) => ensurePartitions(database.ownerUrl, day),
    clock: () => now,
    log: silentLog,
  });
  const client = await database.catalog.pool.connect();
  await client.query('BEGIN');
  await client.query('SELECT count(*) FROM footprints');
  await expect(sweep.sweep()).rejects.toThrow(XynFault);
  await client.query('COMMIT');
  client.release();
  await sweep.sweep();
  expect(await months()).toContain(nameOf(monthAfter(now, 0)));
});

it('says that a month came too late', async () => {
  const now = Date.now() + 3_000 * DAY_MS;
  const warned: string[] = [];
  await asAdmin(database.ownerUrl, [
    `INSERT INTO footprints (recorded_at, source_kind, source_ref, metric, run_id, quantity, unit)
     VALUES ('${new Date(now).toISOString()}', 'run', 'r', 'run.count', gen_random_uuid(), 1, 'count')`,
  ]);
  const log = { ...silentLog, warn: (_facts: object, message: string) => void warned.push(message) };
  await new PartitionSweep({
    ensure: (day) => ensurePartitions(database.ownerUrl, day),
    clock: () => now,
    log,
  }).sweep();
  expect(warned).toHaveLength(1);
});
