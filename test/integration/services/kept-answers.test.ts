import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { catalogAccess } from '../../../src/catalog/unit-of-work.js';
import { forgetAnswers } from '../../../src/services/sweeps.js';
import { freshDatabase, type TestDatabase } from '../../support/database.js';

let database: TestDatabase;
beforeAll(async () => {
  database = await freshDatabase();
});
afterAll(() => database.drop());

it('forgets answers that are older than 90 days, however many, and no others', async () => {
  const { answers } = catalogAccess(database.catalog);
  await database.catalog.pool.query(
    `INSERT INTO idempotent_answers (operation, idempotency_key, body_sha256, answer, created_at)
     SELECT 'op', i::text, 'x', '{}', now() - interval '90 days' - interval '1 minute' FROM generate_series(1, 2500) i`,
  );
  await database.catalog.pool.query(
    `INSERT INTO idempotent_answers (operation, idempotency_key, body_sha256, answer, created_at)
     VALUES ('op', 'young', 'x', '{}', now() - interval '90 days' + interval '1 minute')`,
  );
  await forgetAnswers(answers);
  const { rows } = await database.catalog.pool.query('SELECT idempotency_key FROM idempotent_answers');
  expect(rows).toEqual([{ idempotency_key: 'young' }]);
});
