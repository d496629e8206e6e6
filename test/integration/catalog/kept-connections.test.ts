import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { connectPool, type CatalogPool } from '../../../src/catalog/pool.js';
import { freshDatabase, type TestDatabase } from '../../support/database.js';
import { until } from '../../support/until.js';

let database: TestDatabase;
let catalog: CatalogPool;

beforeAll(async () => {
  database = await freshDatabase();
  catalog = connectPool({ url: database.url, applicationName: 'xyn-test' });
});

afterAll(async () => {
  await catalog.close();
  await database.drop();
});

it('closes idle connections but two', async () => {
  const { pool } = catalog;
  pool.options.idleTimeoutMillis = 10;
  const queries = Promise.all(Array.from({ length: 5 }, () => pool.query('SELECT pg_sleep(0.05)')));
  expect(pool.totalCount).toBe(5);
  await queries;
  await until('some are closed', () => Promise.resolve(pool.totalCount === 2));
  // Their timers are over as well: who is left stays.
  await pool.query('SELECT pg_sleep(0.05)');
  expect(pool.totalCount).toBe(2);
});
