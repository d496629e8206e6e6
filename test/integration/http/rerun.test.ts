import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createReplayCheck } from '../../../src/main/replay-process.js';
import { ReplayCheck } from '../../../src/services/replay-check.js';
import { startApi, type ApiRig } from '../../support/api-rig.js';
import { freshDatabase, type TestDatabase } from '../../support/database.js';
import { caller } from '../../support/node.js';
import { describeWith } from '../../support/parts.js';
import { action, planOf, transform } from '../../support/plans.js';
import { testTemporal } from '../../support/temporal.js';
import { until } from '../../support/until.js';
import { testLock, testWorker } from '../../support/worker.js';

let rig: ApiRig;
let database: TestDatabase;
let worker: Awaited<ReturnType<typeof testWorker>>;
let runId: string;

interface Answer {
  status: number;
  location: string | null;
  body: never;
}

async function post(path: string, body: object = {}, headers: Record<string, string> = {}): Promise<Answer> {
  const answer = await fetch(`${rig.server.url}/api/v1${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  });
  return { status: answer.status, location: answer.headers.get('location'), body: (await answer.json()) as never };
}

beforeAll(async () => {
  const { address } = await testTemporal();
  database = await freshDatabase({ poolSize: 20 });
  const place = { address, taskQueue: `http-rerun-${randomUUID()}` };
  rig = await startApi({ database, ...place });
  worker = await testWorker({ catalog: database.catalog, ...place });
  const broken = transform('check', [], { assert: [{ that: false, message: 'It is not so.' }] });
  const plan = planOf([action('say', { action: 't.echo' }), broken], { id: 'bp.checked', actions: testLock });
  await rig.node.blueprints.savePlan(caller(), { plan, source: '', debug: {} });
  runId = (await rig.node.runs.create(caller(), { blueprint_ref: 'bp.checked' })).run_id;
  await until('the run and its step end', async () => {
    const run = await rig.node.runs.get(runId);
    const { items } = await rig.node.runs.steps(runId, { limit: 10 });
    return run.status === 'failed' && items.some(({ path, status }) => path === 'say' && status === 'completed');
  });
});

afterAll(async () => {
  await rig.close();
  await worker.stop();
  await database.drop();
});

describeWith('temporal')('POST /runs/{run_id}/rerun', () => {
  it('refuses steps that are not there', async () => {
    expect(await post(`/runs/${runId}/rerun`, { from: 'nope' })).toMatchObject({
      status: 404,
      body: { error: { code: 'step_not_found' } },
    });
  });

  it('tells what it would do, does it once for a key, and both runs name each other', async () => {
    expect(await post(`/runs/${runId}/rerun`, { dry_run: true })).toMatchObject({
      status: 200,
      body: { run: null, reused: ['say'], anew: [] },
    });
    const headers = { 'idempotency-key': randomUUID() };
    const made = await post(`/runs/${runId}/rerun`, { from: 'say' }, headers);
    const { run } = made.body as { run: { run_id: string; rerun_of: string } };
    expect(made).toMatchObject({ status: 201, location: `/api/v1/runs/${run.run_id}`, body: { reused: [] } });
    expect(run.rerun_of).toBe(runId);
    expect(await post(`/runs/${runId}/rerun`, { from: 'say' }, headers)).toMatchObject({ status: 201, body: { run } });
    expect((await post(`/runs/${runId}/rerun`, {}, headers)).status).toBe(422);
    const list = await fetch(`${rig.server.url}/api/v1/runs?rerun_of=${runId}`);
    expect(await list.json()).toMatchObject({ items: [{ run_id: run.run_id }] });
  });
});

describeWith('temporal')('POST /runs/{run_id}/replay-check', () => {
  it('runs a history through the code of today, in a process of its own', async () => {
    expect(await post(`/runs/${runId}/replay-check`)).toMatchObject({
      status: 200,
      body: { fits: true, difference: null, events: expect.any(Number) },
    });
    expect((await post(`/runs/${randomUUID()}/replay-check`)).status).toBe(404);
  });

  it('is made one at a time, and is ended when it takes too long', async () => {
    const { access, gateway } = rig.node;
    let release: (() => void) | undefined;
    const held = new Promise<void>((resolve) => (release = resolve));
    const slow = new ReplayCheck({
      catalog: access,
      gateway,
      replay: async () => {
        await held;
        return { fits: false, difference: 'another step' };
      },
    });
    const first = slow.check(runId);
    await until('the first check has begun', async () => {
      const code = await slow.check(runId).catch((error: unknown) => (error as { code: string }).code);
      return code === 'replay_busy';
    });
    release?.();
    expect(await first).toMatchObject({ fits: false, difference: 'another step' });
    const dir = await mkdtemp(path.join(tmpdir(), 'xyn-replay-'));
    const main = path.join(dir, 'silent.mjs');
    await writeFile(main, 'setInterval(() => undefined, 1_000);');
    const silent = createReplayCheck(main, { catalog: access, gateway, timeoutMs: 1_000 });
    await expect(silent.check(runId)).rejects.toMatchObject({ code: 'replay_timeout' });
    await writeFile(main, 'throw new Error("no such bundle");');
    const broken = createReplayCheck(main, { catalog: access, gateway });
    await expect(broken.check(runId)).rejects.toThrow(/without a verdict.*no such bundle/s);
    await rm(dir, { recursive: true });
  });
});
