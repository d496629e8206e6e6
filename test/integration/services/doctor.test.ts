import { Client, Connection } from '@temporalio/client';
import { NativeConnection, Worker } from '@temporalio/worker';
import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { ApiClient, type DoctorReport } from '../../../src/client/api-client.js';
import { startApi, type ApiRig } from '../../support/api-rig.js';
import { startCli } from '../../support/cli.js';
import { asAdmin, freshDatabase, type TestDatabase } from '../../support/database.js';
import { caller } from '../../support/node.js';
import { describeWith } from '../../support/parts.js';
import { action, gate, planOf } from '../../support/plans.js';
import { testTemporal } from '../../support/temporal.js';
import { until } from '../../support/until.js';
import { testLock, testWorker, workflowBundle } from '../../support/worker.js';

const MANY = 1_000;
/** One question to Temporal for each stuck run, eight at a time: 5 ms each on two busy cores, with room for a slower machine. */
const MOST_MS = 60_000;

let db: TestDatabase;
let address: string;
const closers: (() => Promise<unknown>)[] = [];

/** An API with a task queue of its own, on which nobody works yet. */
async function installation(): Promise<{ api: ApiRig; client: ApiClient; taskQueue: string }> {
  const taskQueue = `doctor-${randomUUID()}`;
  const api = await startApi({ database: db, address, taskQueue });
  closers.push(() => api.close());
  const plan = planOf([action('one', { action: 't.echo' }), gate('ok')], { id: 'bp.doctor', actions: testLock });
  await api.node.blueprints.savePlan(caller(), { plan, source: 'test', debug: {} });
  return { api, client: new ApiClient({ url: api.server.url, actor: 'ann' }), taskQueue };
}

/** A release with a defect: a plain error in workflow code only stops the task that decides. */
async function defectBundle(): Promise<string> {
  const bundle = await workflowBundle();
  const code = 'code' in bundle ? bundle.code : await readFile(bundle.codePath, 'utf8');
  const broken = `() => Promise.reject(new Error('the interpreter is broken'))`;
  const map = code.lastIndexOf('//# sourceMappingURL');
  const change = `__TEMPORAL__ = { ...__TEMPORAL__, importWorkflows: () => ({ runBlueprint: ${broken} }) };\n`;
  return `${code.slice(0, map)}${change}${code.slice(map)}`;
}

const start = async (client: ApiClient): Promise<string> =>
  (await client.startRun({ blueprint_ref: 'bp.doctor', inputs: {} })).run_id;

beforeEach(async () => {
  db = await freshDatabase();
  ({ address } = await testTemporal());
});
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
  await db.drop();
});

describeWith('temporal')('xynctl doctor', () => {
  it('finds that nobody works, names the runs and the next step, and is content when a worker is there', async () => {
    const { api, client, taskQueue } = await installation();
    const runId = await start(client);
    await until('the run is found', async () => (await client.doctor()).runs.length === 1);

    const doctor = startCli(api.server.url, ['doctor']);
    expect(await doctor.done).toBe(1);
    const lines = doctor.out().split('\n');
    expect(lines[0]).toMatch(/^error {2}No worker polls the task queue/);
    expect(lines[1]).toMatch(/^ {2}→ Start one: `xynctl up`/);
    expect(doctor.out()).toContain(`${runId.slice(0, 8)}  `);
    expect(doctor.out()).toContain(`no worker polls queue ${taskQueue}`);
    expect(doctor.out()).toMatch(/1 findings, 1 stuck; 1 open runs\.\n$/);

    const stuck = startCli(api.server.url, ['runs', 'list', '--stuck', '--json']);
    expect(await stuck.done).toBe(0);
    expect(JSON.parse(stuck.out())).toMatchObject({
      items: [{ run_id: runId, reasons: [{ kind: 'worker', pollers: 0 }] }],
    });

    const worker = await testWorker({ catalog: db.catalog, address, taskQueue });
    closers.push(() => worker.stop());
    await until('it waits at its gate', async () => (await client.getRun(runId)).phase === 'gate');
    await until('nothing is wrong', async () => (await client.doctor()).ok, 30_000);
    const content = startCli(api.server.url, ['doctor']);
    expect([await content.done, content.out()]).toEqual([0, 'Nothing is wrong; 1 open runs.\n']);
    const none = startCli(api.server.url, ['runs', 'list', '--stuck']);
    expect([await none.done, none.out(), none.err()]).toEqual([0, '', 'No run is stuck.\n']);
  });

  it('tells a defect of the interpreter from work, with its message', async () => {
    const { api, client, taskQueue } = await installation();
    const connection = await NativeConnection.connect({ address });
    const worker = await Worker.create({ connection, taskQueue, workflowBundle: { code: await defectBundle() } });
    const running = worker.run();
    closers.push(async () => {
      worker.shutdown();
      await running;
      await connection.close();
    });
    const runId = await start(client);
    await until(
      'the defect is found',
      async () => (await client.doctor()).runs.some(({ reasons }) => reasons.some(({ kind }) => kind === 'defect')),
      30_000,
    );
    const stuck = startCli(api.server.url, ['runs', 'list', '--stuck']);
    expect(await stuck.done).toBe(0);
    expect(stuck.out()).toContain('a defect of Xyn keeps it');
    expect(stuck.out()).toContain('the interpreter is broken');
    expect(stuck.out()).toContain(`xynctl replay ${runId.slice(0, 8)}`);
  });

  it('finds a run whose history is gone', async () => {
    const { api, client } = await installation();
    const runId = await start(client);
    const connection = await Connection.connect({ address });
    closers.push(() => connection.close());
    const temporal = new Client({ connection });
    await until('it is started', async () => (await api.node.gateway.describe(runId)).status === 'open');
    await temporal.workflowService.deleteWorkflowExecution({
      namespace: 'default',
      workflowExecution: { workflowId: `run/${runId}` },
    });
    await until('it is gone', async () => (await api.node.gateway.describe(runId)).status === 'not_found');
    // A run that Temporal worked on; one that was only handed over would be taken for one that starts.
    await asAdmin(db.ownerUrl, [`UPDATE runs SET status = 'running', started_at = now() - interval '10 s'`]);
    const found = await until('it is found', async () => (await client.doctor()).runs[0]);
    expect(found).toMatchObject({ run_id: runId, reasons: [{ kind: 'record', execution: 'not_found' }] });
    const doctor = startCli(api.server.url, ['doctor']);
    expect(await doctor.done).toBe(1);
    expect(doctor.out()).toContain('Temporal does not know the run');
  });

  it(`looks at ${MANY} open runs in bounded time, and covers each of them`, async () => {
    const { api, client } = await installation();
    // They stand at gates that nobody decides: the catalog has them open, and Temporal knows none of them.
    await asAdmin(db.ownerUrl, [
      `INSERT INTO runs (run_id, name, blueprint_id, digest, status, trigger, inputs, actor, correlation_id, env_id, env,
         created_at, started_at, dispatched_at, last_progress_at)
       SELECT md5(n::text)::uuid, 'run ' || n, 'bp.doctor', 'd', 'running', 'manual', '{}', 'ann', 'c', 'local', '{}',
         t, t, t, t FROM generate_series(1, ${MANY}) n, LATERAL (SELECT now() - n * interval '1 s' - interval '10 s' AS t) x`,
      'ANALYZE runs',
    ]);
    expect(await client.doctor()).toMatchObject({ open_runs: MANY, is_complete: false });
    const from = performance.now();
    const doctor = startCli(api.server.url, ['doctor', '--json']);
    expect(await doctor.done).toBe(1);
    const tookMs = Math.round(performance.now() - from);
    const { is_complete, checked_runs, runs } = JSON.parse(doctor.out()) as DoctorReport;
    expect({ is_complete, checked_runs }).toEqual({ is_complete: true, checked_runs: MANY });
    expect(new Set(runs.map((run) => run.run_id)).size).toBe(MANY);
    expect(tookMs).toBeLessThan(MOST_MS);
    process.stdout.write(`${JSON.stringify({ open_runs: MANY, took_ms: tookMs })}\n`);
  });
});
