import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { Client, Connection } from '@temporalio/client';
import { randomUUID } from 'node:crypto';
import { workflowIdOf } from '../../../src/domain/ids.js';
import { describeWith } from '../../support/parts.js';
import { action, gate, planOf, transform } from '../../support/plans.js';
import { asAdmin, freshDatabase, type TestDatabase } from '../../support/database.js';
import { caller, testNode, type TestNode } from '../../support/node.js';
import { testTemporal } from '../../support/temporal.js';
import { until } from '../../support/until.js';
import { testLock, testWorker } from '../../support/worker.js';

let database: TestDatabase;
let address: string;
let node: TestNode;
let worker: Awaited<ReturnType<typeof testWorker>>;
const taskQueue = `reconciler-${randomUUID()}`;
const impatient = { incompleteMs: 0, quietMs: 0, lostMs: 0, attemptMs: 0 };

beforeAll(async () => {
  ({ address } = await testTemporal());
  database = await freshDatabase();
  node = testNode({ catalog: database.catalog, address, taskQueue });
  worker = await testWorker({ catalog: database.catalog, address, taskQueue });
  const steps = [
    transform('note', [['seen', true]]),
    action('one', { action: 't.echo', with: { n: 1 } }),
    action('two', { action: 't.echo', with: { n: 2 }, when: false }),
    action('three', { action: 't.echo', with: { n: 3 } }),
  ];
  const straight = planOf(steps, { id: 'bp.straight', actions: testLock });
  const waiting = planOf([gate('ok'), ...steps], { id: 'bp.waiting', actions: testLock });
  for (const plan of [straight, waiting]) await node.blueprints.savePlan(caller(), { plan, source: '', debug: {} });
});

afterAll(async () => {
  await node.close();
  await worker.stop();
  await database.drop();
});

const begin = async (blueprint: string): Promise<string> =>
  (await node.runs.create(caller(), { blueprint_ref: blueprint })).run_id;
const shape = async (runId: string): Promise<unknown> =>
  (await node.runs.steps(runId, { limit: 500 })).items.map((step) => [
    step.path,
    step.status,
    step.outputs,
    step.attempts,
  ]);
const repairsOf = async (runId: string): Promise<unknown[]> =>
  (
    await database.catalog.pool.query("SELECT after FROM audit_log WHERE run_id = $1 AND action = 'run.repair'", [
      runId,
    ])
  ).rows as unknown[];
const opened = (runId: string): Promise<unknown> =>
  until('the gate opens', async () => (await node.gates.list({ run_id: runId, status: 'open', limit: 1 })).items[0]);

describeWith('temporal')('reconciler', () => {
  it('rebuilds steps and attempts that were never recorded', async () => {
    const runId = await begin('bp.straight');
    await until('the run ends', async () => (await node.runs.get(runId)).status === 'completed');
    await worker.records.flush(30_000);
    const before = await shape(runId);
    expect(before).toHaveLength(4);
    await asAdmin(database.ownerUrl, [
      'ALTER TABLE step_attempts DISABLE TRIGGER USER',
      `DELETE FROM step_attempts WHERE run_id = '${runId}'`,
      'ALTER TABLE step_attempts ENABLE TRIGGER USER',
      `DELETE FROM steps WHERE run_id = '${runId}'`,
      `UPDATE runs SET needs_repair = true, last_progress_at = now() - interval '1 min' WHERE run_id = '${runId}'`,
    ]);
    await node.reconciler(impatient).pass();
    expect(await shape(runId)).toEqual(before);
    const [run] = (await database.catalog.pool.query('SELECT needs_repair FROM runs WHERE run_id = $1', [runId])).rows;
    expect(run).toEqual({ needs_repair: false });
    expect(await repairsOf(runId)).toHaveLength(1);
  });

  it('learns that a run was terminated in Temporal', async () => {
    const runId = await begin('bp.waiting');
    await opened(runId);
    const connection = await Connection.connect({ address });
    await new Client({ connection }).workflow.getHandle(workflowIdOf(runId)).terminate('by hand');
    await connection.close();
    await node.reconciler(impatient).pass();
    expect(await node.runs.get(runId)).toMatchObject({
      status: 'failed',
      error: { code: 'run_terminated', message: expect.stringContaining('by hand') },
    });
    expect((await node.gates.list({ run_id: runId, limit: 1 })).items[0]).toMatchObject({ status: 'cancelled' });
    expect((await node.runs.steps(runId, { limit: 500 })).items.every((step) => step.status !== 'running')).toBe(true);
    expect(await repairsOf(runId)).toHaveLength(1);
  });

  it('gives up a run that Temporal lost, after a second look, and leaves open ones alone', async () => {
    const open = await begin('bp.waiting');
    await opened(open);
    const lost = await begin('bp.waiting');
    await opened(lost);
    const forgets = {
      describe: async (runId: string) =>
        runId === lost ? { status: 'not_found' as const, pending: [], decision: null } : node.gateway.describe(runId),
    };
    const { Reconciler } = await import('../../../src/services/reconciler.js');
    const { silentLog } = await import('../../support/node.js');
    let now = Date.now();
    const reconciler = new Reconciler(
      { catalog: node.access, gateway: forgets, repair: node.repair, clock: () => now, log: silentLog },
      { ...impatient, lostMs: 60_000 },
    );
    await reconciler.pass();
    now += 30_000;
    await reconciler.pass();
    expect((await node.runs.get(lost)).status).toBe('running');
    now += 31_000;
    await reconciler.pass();
    expect(await node.runs.get(lost)).toMatchObject({ status: 'failed', error: { code: 'lost_execution' } });
    expect((await node.runs.get(open)).status).toBe('running');
    expect(await repairsOf(open)).toEqual([]);
  });

  it('marks attempts of ended runs as lost', async () => {
    const runId = await begin('bp.straight');
    await until('the run ends', async () => (await node.runs.get(runId)).status === 'completed');
    await worker.records.flush(30_000);
    await database.catalog.pool.query(
      "UPDATE step_attempts SET status = 'running', ended_at = NULL, started_at = now() - interval '2 min' WHERE run_id = $1",
      [runId],
    );
    await node.reconciler({ ...impatient, attemptMs: 60_000 }).pass();
    const { rows } = await database.catalog.pool.query('SELECT DISTINCT status FROM step_attempts WHERE run_id = $1', [
      runId,
    ]);
    expect(rows).toEqual([{ status: 'lost' }]);
    expect(await repairsOf(runId)).toEqual([{ after: { repaired: ['attempts lost: 2'] } }]);
  });
});
