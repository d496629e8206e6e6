import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { asAdmin, freshDatabase, type TestDatabase } from '../../support/database.js';

let database: TestDatabase;

beforeAll(async () => {
  database = await freshDatabase();
});

afterAll(async () => {
  await (database as TestDatabase | undefined)?.drop();
});

it('a connection that is lost between two statements of a transaction fails the next one, not the process', async () => {
  const client = await database.catalog.pool.connect();
  // Not `error`: whoever listens to that hides what the test is about.
  const ended = new Promise<void>((resolve) => client.on('end', resolve));
  const { rows } = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
  await client.query('BEGIN');
  await asAdmin(database.ownerUrl, [`SELECT pg_terminate_backend(${rows[0]?.pid})`]);
  await ended;
  const failure: unknown = await client.query('SELECT 1').catch((error: unknown) => error);
  expect(failure).toBeInstanceOf(Error);
  client.release(failure as Error);
  expect((await database.catalog.pool.query<{ one: number }>('SELECT 1 AS one')).rows).toEqual([{ one: 1 }]);
});
