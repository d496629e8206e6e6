import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { XynFault } from '../../src/domain/fault.js';
import { freshDatabase, type TestDatabase } from '../support/database.js';
import { caller, testNode, type TestNode } from '../support/node.js';
import { describeWith } from '../support/parts.js';
import { action, planOf, transform } from '../support/plans.js';
import { testTemporal } from '../support/temporal.js';
import { until } from '../support/until.js';
import { testLock, testWorker } from '../support/worker.js';

const RUNS = 500;

let database: TestDatabase;
let node: TestNode;
let worker: Awaited<ReturnType<typeof testWorker>>;

beforeAll(async () => {
  database = await freshDatabase();
  const { address } = await testTemporal();
  const parts = { catalog: database.catalog, address, taskQueue: `many-${randomUUID()}` };
  node = testNode(parts);
  worker = await testWorker(parts);
});

afterAll(async () => {
  await (worker as typeof worker | undefined)?.stop();
  await (node as TestNode | undefined)?.close();
  await (database as TestDatabase | undefined)?.drop();
});

describeWith('temporal')('many runs', () => {
  it(`completes ${RUNS} runs started at once, with full records`, async () => {
    const plan = planOf(
      [
        transform('t', [['x', 1]]),
        action('a', { action: 't.echo', with: { n: 1 } }),
        action('b', { action: 't.echo' }),
      ],
      {
        id: 'bp.many',
        actions: testLock,
        triggers: [{ kind: 'event', event: 'many.start' }],
      },
    );
    await node.blueprints.savePlan(caller(), { plan, source: 'test', debug: {} });
    await Promise.all(Array.from({ length: RUNS }, (_, ix) => emit(ix)));
    await until(
      'all runs completed',
      async () => (await countOf("SELECT count(*) FROM runs WHERE status = 'completed'")) === RUNS,
      240_000,
    );
    await until(
      'all records written',
      async () => (await countOf('SELECT count(*) FROM runs WHERE needs_repair')) === 0,
      30_000,
    );
    expect(await countOf("SELECT count(*) FROM steps WHERE status = 'completed'")).toBe(3 * RUNS);
    // Where the machine is so busy that a worker is silent for seconds, its attempt counts as lost and is made again.
    expect(await countOf("SELECT count(DISTINCT step_id) FROM step_attempts WHERE status = 'completed'")).toBe(
      2 * RUNS,
    );
    const attempts = await countOf('SELECT count(*) FROM step_attempts');
    expect(await countOf("SELECT count(*) FROM footprints WHERE metric = 'run.count'")).toBe(RUNS);
    expect(await countOf("SELECT count(*) FROM footprints WHERE metric = 'step.count'")).toBe(3 * RUNS);
    expect(await countOf("SELECT count(*) FROM events WHERE event_name = 'xyn.run.completed'")).toBe(RUNS);
    expect(await countOf("SELECT count(*) FROM audit_log WHERE action = 'step.effect'")).toBe(attempts);
    expect(await countOf("SELECT count(*) FROM audit_log WHERE action = 'run.end'")).toBe(RUNS);
  }, 300_000);
});

/** As a client does: told to try again, it sends the same event with the same key. */
async function emit(ix: number): Promise<void> {
  const request = { event_name: 'many.start', data: { ix }, idempotencyKey: `many-${ix}` };
  for (let tries = 1; ; tries += 1) {
    try {
      await node.events.emit(caller(), request);
      return;
    } catch (error) {
      if (!(error instanceof XynFault && error.retryable) || tries === 5) throw error;
    }
  }
}

async function countOf(sql: string): Promise<number> {
  const { rows } = await database.catalog.pool.query<{ count: string }>(sql);
  return Number(rows[0]?.count);
}
