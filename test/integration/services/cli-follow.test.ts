import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { ApiClient } from '../../../src/client/api-client.js';
import { startApi, type ApiRig } from '../../support/api-rig.js';
import { startCli } from '../../support/cli.js';
import { freshDatabase, type TestDatabase } from '../../support/database.js';
import { caller } from '../../support/node.js';
import { describeWith } from '../../support/parts.js';
import { action, gate, planOf } from '../../support/plans.js';
import { tcpProxy, type TcpProxy } from '../../support/tcp-proxy.js';
import { testTemporal } from '../../support/temporal.js';
import { until } from '../../support/until.js';
import { testLock, testWorker } from '../../support/worker.js';

let db: TestDatabase;
let api: ApiRig;
let worker: Awaited<ReturnType<typeof testWorker>>;
let proxy: TcpProxy;
let client: ApiClient;
/** The API by a way that can be cut. */
let url: string;

beforeAll(async () => {
  db = await freshDatabase();
  const { address } = await testTemporal();
  const taskQueue = `cli-${randomUUID()}`;
  api = await startApi({ database: db, address, taskQueue });
  worker = await testWorker({ catalog: db.catalog, address, taskQueue });
  const plan = planOf([action('one', { action: 't.echo' }), gate('ok'), action('two', { action: 't.echo' })], {
    id: 'bp.follow',
    actions: testLock,
  });
  await api.node.blueprints.savePlan(caller(), { plan, source: 'test', debug: {} });
  client = new ApiClient({ url: api.server.url, actor: 'ann' });
  proxy = await tcpProxy({ host: '127.0.0.1', port: Number(new URL(api.server.url).port) });
  url = `http://127.0.0.1:${proxy.port}`;
});
afterAll(async () => {
  await proxy.close();
  await worker.stop();
  await api.close();
  await db.drop();
});

async function startedRun(): Promise<{ runId: string; gateId: string }> {
  const { run_id: runId } = await client.startRun({ blueprint_ref: 'bp.follow', inputs: {} });
  const gateId = await until('its gate is open', async () => {
    const { items } = await client.listGates({ run_id: runId, status: 'open' });
    return items[0]?.gate_id;
  });
  return { runId, gateId };
}

describeWith('temporal')('commands that follow streams', () => {
  it('runs watch goes on after a lost connection, without a gap or a repeat', async () => {
    const { runId, gateId } = await startedRun();
    const watch = startCli(url, ['runs', 'watch', runId, '--json']);
    await until('the gate is shown', () => watch.records().some(({ kind }) => kind === 'gate'));
    await proxy.cut();
    await until('the loss is told', () => watch.err().includes('Trying again for a minute'));
    await client.decideGate(gateId, { decision: 'approve' });
    await until('the run ended', async () => (await client.getRun(runId)).status === 'completed');
    await proxy.restore();
    expect(await watch.done).toBe(0);
    const shown = watch
      .records()
      .map(({ type, path, status }) => [type, path, status].filter((word) => typeof word === 'string').join(' '));
    for (const once of ['step one completed', 'step two completed', 'run running', 'run completed']) {
      expect(shown.filter((line) => line === once)).toEqual([once]);
    }
    expect(shown.at(-1)).toBe('run completed');
  });

  it('Ctrl-C leaves a run that is watched as it is', async () => {
    const { runId } = await startedRun();
    const watch = startCli(url, ['runs', 'watch', runId.slice(0, 8)]);
    await until('the gate is shown', () => watch.out().includes('waits for a decision'));
    expect(watch.interrupt()).toBe(true);
    expect(await watch.done).toBe(130);
    expect(watch.err()).toContain('the run goes on');
    expect(watch.interrupt()).toBe(false);
    expect((await client.getRun(runId)).status).toBe('running');
  });

  it('events tail prints each event once across a lost connection, until Ctrl-C', async () => {
    const emit = (n: number): Promise<unknown> => client.emitEvent({ event_name: 'follow.tick', data: { n } });
    const tail = startCli(url, ['events', 'tail', '--name', 'follow.*', '--json']);
    await until('it follows', () => tail.err().includes('Ctrl-C'));
    const seen = (): unknown[] => tail.records().map(({ data }) => (data as { n: number }).n);
    await emit(1);
    await until('the first is told', () => seen().length === 1);
    await client.emitEvent({ event_name: 'other.tick', data: {} });
    await proxy.cut();
    await until('the loss is told', () => tail.err().includes('Trying again for a minute'));
    await emit(2);
    await emit(3);
    await proxy.restore();
    await until('what came meanwhile is told', () => seen().length >= 3);
    await emit(4);
    await until('the last is told', () => seen().length >= 4);
    expect(seen()).toEqual([1, 2, 3, 4]);
    expect(tail.interrupt()).toBe(true);
    expect(await tail.done).toBe(0);
  });

  it('does not wait for a server that was never there', async () => {
    const tail = startCli('http://127.0.0.1:9', ['events', 'tail']);
    expect(await tail.done).toBe(5);
  });
});
