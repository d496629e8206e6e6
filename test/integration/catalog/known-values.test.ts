import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { KnownValueStore } from '../../../src/catalog/known-value-store.js';
import { freshDatabase, type TestDatabase } from '../../support/database.js';
import { insertRun } from '../../support/records.js';

let db: TestDatabase;
let store: KnownValueStore;
beforeAll(async () => {
  db = await freshDatabase();
  store = new KnownValueStore(db.catalog);
  const ids = await Promise.all(Array.from({ length: 12 }, () => insertRun(db.catalog)));
  for (const [n, id] of ids.entries()) {
    const actor = ['ann', 'bob', "o'neil", 'an_drew'][n % 4];
    await db.catalog.pool.query('UPDATE runs SET actor = $2, trigger = $3 WHERE run_id = $1', [id, actor, `t${n}`]);
  }
});
afterAll(async () => db.drop());

it('gives each value of a field once, those that begin so', async () => {
  expect((await store.beginningWith('run.actor', '', 12)).sort()).toEqual(['an_drew', 'ann', 'bob', "o'neil"]);
  expect((await store.beginningWith('run.actor', 'an', 12)).sort()).toEqual(['an_drew', 'ann']);
  expect(await store.beginningWith('run.actor', 'a%', 12)).toEqual([]);
  expect(await store.beginningWith('run.actor', "o'", 12)).toEqual(["o'neil"]);
  expect(await store.beginningWith('run.trigger', 't', 5)).toHaveLength(5);
  expect(await store.beginningWith('artifact.kind', '', 12)).toEqual([]);
});

it('goes from value to value in an index of each field, whatever the number of rows', async () => {
  const fields = ['run.blueprint', 'run.actor', 'run.trigger', 'event.name', 'event.actor', 'audit.actor'] as const;
  for (const field of [...fields, 'audit.action', 'audit.type', 'artifact.kind'] as const) {
    await expect(store.beginningWith(field, 'x', 1)).resolves.toEqual([]);
  }
  const { rows } = await db.catalog.pool.query<{ leads: string }>(`
    SELECT DISTINCT c.relname || '.' || a.attname AS leads FROM pg_index i
    JOIN pg_class c ON c.oid = i.indrelid JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = i.indkey[0]
    WHERE i.indpred IS NULL AND c.relname IN ('runs', 'events', 'audit_log', 'artifacts')`);
  expect(rows.map(({ leads }) => leads)).toEqual(
    expect.arrayContaining([
      'runs.blueprint_id',
      'runs.actor',
      'runs.trigger',
      'events.event_name',
      'events.actor',
      'audit_log.actor',
      'audit_log.action',
      'audit_log.resource_type',
      'artifacts.kind',
    ]),
  );
});
