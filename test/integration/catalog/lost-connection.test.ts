import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { asAdmin, freshDatabase, type TestDatabase } from '../../support/database.js';
import { until } from '../../support/until.js';

let database: TestDatabase;

beforeAll(async () => {
  database = await freshDatabase();
});

afterAll(async () => {
  await (database as TestDatabase | undefined)?.drop();
});

it('a connection that is lost between two statements of a transaction fails the next one, not the process', async () => {
  const client = await database.catalog.pool.connect();
  let ended = false;
  try {
    // Not `error`: whoever listens to that hides what the test is about.
    client.on('end', () => (ended = true));
    const { rows } = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
    await client.query('BEGIN');
    await asAdmin(database.ownerUrl, [`SELECT pg_terminate_backend(${rows[0]?.pid})`]);
    await until('the connection has ended', () => ended, 5_000);
    await expect(client.query('SELECT 1')).rejects.toThrow();
  } finally {
    client.release(true);
  }
  expect((await database.catalog.pool.query<{ one: number }>('SELECT 1 AS one')).rows).toEqual([{ one: 1 }]);
});
