import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { OverviewStore } from '../../../src/catalog/overview-store.js';
import { freshDatabase, type TestDatabase } from '../../support/database.js';
import { insertRun } from '../../support/records.js';

let db: TestDatabase;
beforeAll(async () => {
  db = await freshDatabase();
});
afterAll(async () => db.drop());

/** A run whose steps ended one after the other in these states. */
async function runOf(steps: readonly [path: string, status: string][]): Promise<string> {
  const run = await insertRun(db.catalog);
  for (const [seq, [path, status]] of steps.entries()) {
    await db.catalog.pool.query(
      `INSERT INTO steps (step_id, run_id, path, node_id, kind, name, status, seq) VALUES ($1, $2, $3, $3, 'action_task', $3, $4, $5)`,
      [randomUUID(), run, path, status, seq],
    );
  }
  return run;
}
const steps = (from: number, to: number, status: string): [string, string][] =>
  Array.from({ length: to - from + 1 }, (_, n) => [`s${from + n}`, status]);
const stripOf = async (run: string) => (await new OverviewStore(db.catalog).stepStrips([run], 48))[0];

describe('the strip of a run', () => {
  it('has all its steps as long as they are few', async () => {
    const run = await runOf([...steps(1, 47, 'completed'), ['s48', 'running']]);
    expect(await stripOf(run)).toMatchObject({ marks: `${'c'.repeat(47)}r`, at: { name: 's48' }, newest: null });
  });

  it('has the first ones and the last one that it reached', async () => {
    const run = await runOf([...steps(1, 59, 'completed'), ['s60', 'running']]);
    const newest = { mark: 'r', path: 's60' };
    expect(await stripOf(run)).toMatchObject({ marks: 'c'.repeat(48), at: { name: 's60' }, newest });
  });

  it('ends with the step that failed, not with those that were left out, nor with last steps', async () => {
    const after: [string, string][] = [...steps(61, 80, 'skipped'), ['~finally.bye', 'completed']];
    const run = await runOf([...steps(1, 59, 'completed'), ['s60', 'failed'], ...after]);
    expect(await stripOf(run)).toMatchObject({ newest: { mark: 'f', path: 's60' } });
  });

  it('is no longer than the run came when it failed early', async () => {
    const run = await runOf([...steps(1, 2, 'completed'), ['s3', 'failed'], ...steps(4, 80, 'skipped')]);
    expect(await stripOf(run)).toMatchObject({ marks: `ccf${'-'.repeat(45)}`, newest: null });
  });
});
