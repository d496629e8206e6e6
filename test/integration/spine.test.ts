import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { NativeConnection, Worker } from '@temporalio/worker';
import { randomUUID } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createActivities } from '../../activities/index.js';
import { catalogApprovals } from '../../src/catalog/approvals.js';
import { pausedMs } from '../../src/catalog/attempts.js';
import { recordWriter } from '../../src/catalog/records.js';
import type { Plan } from '../../src/domain/plan.js';
import { createCore, type Core } from '../../src/main/core.js';
import { testResources } from '../support/action-resources.js';
import { PACKS } from '../../src/registry/packs.js';
import { ActionRegistry } from '../../src/registry/registry.js';
import type { Caller } from '../../src/services/caller.js';
import { RecordBuffer } from '../../src/services/record-buffer.js';
import { RunGateway } from '../../src/temporal/gateway.js';
import { freshDatabase } from '../support/database.js';
import { describeWith } from '../support/parts.js';
import { silentLog } from '../support/node.js';
import { action, gate, planOf, transform } from '../support/plans.js';
import { testTemporal } from '../support/temporal.js';
import { workflowBundle } from '../support/worker.js';

const caller = (actor = 'ann'): Caller => ({ actor, proven: false, correlationId: randomUUID(), source: 'api' });
const registry = new ActionRegistry(PACKS);
const lock = { 'http.call': { pack: 'core@0.1.0', contract: registry.find('http.call')?.contract ?? '' } };

const closers: (() => Promise<unknown>)[] = [];
const received: { key: string | undefined; body: string }[] = [];
let core: Core;
let target: Server;
let targetUrl: string;
let pool: Awaited<ReturnType<typeof freshDatabase>>['catalog']['pool'];

beforeAll(async () => {
  const database = await freshDatabase();
  pool = database.catalog.pool;
  const { address } = await testTemporal();
  const taskQueue = `spine-${randomUUID()}`;
  const gateway = new RunGateway({ address, namespace: 'default', taskQueue, log: silentLog });
  core = createCore({
    catalog: database.catalog,
    gateway,
    env: { id: 'local', name: 'local', stage: 'dev', vars: {} },
    log: silentLog,
  });
  core.startBackground({ onClose: (_name: string, close: () => Promise<void>) => closers.unshift(close) } as never);
  const records = new RecordBuffer({ writer: recordWriter(database.catalog), log: silentLog });
  const native = await NativeConnection.connect({ address });
  const worker = await Worker.create({
    connection: native,
    taskQueue,
    maxHeartbeatThrottleInterval: 2_000,
    workflowBundle: await workflowBundle(),
    activities: createActivities({
      records,
      approvals: catalogApprovals(database.catalog),
      actions: registry,
      resources: testResources(),
      agents: { ask: () => Promise.resolve({ outputs: { text: 'x' }, footprints: [] }) },
      pausedMs: (runId, path) => pausedMs(database.catalog, runId, path),
      worker: 'test/1',
    }),
  });
  const running = worker.run();
  target = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => {
      received.push({ key: request.headers['idempotency-key'] as string | undefined, body });
      response.setHeader('content-type', 'application/json').end('{"ok":true}');
    });
  });
  await new Promise<void>((resolve) => target.listen(0, '127.0.0.1', resolve));
  targetUrl = `http://127.0.0.1:${(target.address() as AddressInfo).port}/`;
  closers.unshift(
    () => new Promise((resolve) => target.close(resolve)),
    async () => {
      worker.shutdown();
      await running;
    },
  );
  closers.push(
    () => records.close(),
    () => native.close(),
    () => gateway.close(),
    () => database.drop(),
  );
});

afterAll(async () => {
  for (const close of closers) await close();
});

const ref = (...keys: string[]): never =>
  ({ $: keys.slice(1).reduce<unknown>((tree, key) => ['.', tree, key], ['v', keys[0]]) }) as never;

function keyedPlan(id: string): Plan {
  return planOf(
    [
      transform('facts', [['label', ref('inputs', 'host')]]),
      gate('ok', { message: 'Go?' }),
      action('fix', {
        with: {
          url: targetUrl,
          method: 'POST',
          idempotency_header: 'Idempotency-Key',
          body: ref('steps', 'facts', 'outputs'),
        },
      }),
    ],
    {
      id,
      actions: lock,
      triggers: [{ kind: 'event', event: 'checkmk.alert' }],
      inputs: { type: 'object', properties: { host: {} }, required: ['host'], additionalProperties: false },
      outputs: { status: ref('steps', 'fix', 'outputs', 'status') },
    },
  );
}

async function until<T>(probe: () => Promise<T | undefined>, timeoutMs = 20_000): Promise<T> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const found = await probe();
    if (found !== undefined) return found;
    if (Date.now() > deadline) throw new Error('the condition did not come true');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

const ended = (runId: string) =>
  until(async () => {
    const run = await core.runs.get(runId);
    return ['completed', 'failed', 'cancelled'].includes(run.status) ? run : undefined;
  });
const openGate = (runId: string) =>
  until(async () => (await core.gates.list({ run_id: runId, status: 'open', limit: 1 })).items[0]);

describeWith('temporal')('the spine', () => {
  it('turns an event into an approved, recorded, audited run', async () => {
    await core.blueprints.savePlan(caller(), { plan: keyedPlan('bp.spine'), source: 'test', debug: {} });
    const event = await core.events.emit(caller(), { event_name: 'checkmk.alert', data: { host: 'web-1' } });
    const verdict = event.verdicts.find((one) => one.blueprint_id === 'bp.spine');
    expect(verdict).toMatchObject({ verdict: 'started' });
    const runId = verdict?.run_id ?? '';
    const open = await openGate(runId);
    expect(open).toMatchObject({ path: 'ok', message: 'Go?', status: 'open' });
    const answer = await core.gates.decide(caller('bob'), open.gate_id, { decision: 'approve', reason: 'fine' });
    expect(answer.status).toBe('applied');
    const run = await ended(runId);
    expect(run).toMatchObject({ status: 'completed', outputs: { status: 200 }, error: null });
    expect(received).toMatchObject([{ body: '{"label":"web-1"}' }]);

    const steps = await until(async () => {
      const rows = (await core.runs.steps(runId, { limit: 500 })).items;
      return rows.every((row) => row.status === 'completed') && rows.length === 3 ? rows : undefined;
    });
    expect(steps.map((row) => row.path).sort()).toEqual(['facts', 'fix', 'ok']);
    const names = (
      await pool.query<{ event_name: string }>('SELECT event_name FROM events WHERE run_id = $1 ORDER BY seq', [runId])
    ).rows.map((row) => row.event_name);
    for (const name of [
      'xyn.run.created',
      'xyn.run.started',
      'xyn.gate.opened',
      'xyn.gate.decided',
      'xyn.step.completed',
      'xyn.footprint.recorded',
      'xyn.run.completed',
    ])
      expect(names).toContain(name);
    const audit = (
      await pool.query<{ action: string; actor: string }>(
        'SELECT action, actor FROM audit_log WHERE run_id = $1 ORDER BY audit_id',
        [runId],
      )
    ).rows;
    expect(audit.length).toBeGreaterThanOrEqual(4);
    const footprints = (
      await pool.query<{ metric: string }>('SELECT metric FROM footprints WHERE run_id = $1', [runId])
    ).rows.map((row) => row.metric);
    expect(footprints).toEqual(expect.arrayContaining(['run.count', 'step.count', 'wall_ms']));
    expect(
      (await pool.query<{ needs_repair: boolean }>('SELECT needs_repair FROM runs WHERE run_id = $1', [runId])).rows[0]
        ?.needs_repair,
    ).toBe(false);
  });

  it('starts one run for one event, however often it is delivered', async () => {
    const request = { event_name: 'checkmk.alert', data: { host: 'web-2' }, idempotencyKey: randomUUID() };
    const events = await Promise.all(Array.from({ length: 20 }, () => core.events.emit(caller(), request)));
    expect(new Set(events.map((one) => one.event_id)).size).toBe(1);
    const { rows } = await pool.query('SELECT run_id FROM runs WHERE event_id = $1', [events[0]?.event_id]);
    expect(rows).toHaveLength(1);
  });

  it('cancels a run that waits at a gate', async () => {
    const run = await core.runs.create(caller(), {
      name: 'by hand',
      blueprint_ref: 'bp.spine',
      inputs: { host: 'web-3' },
    });
    await openGate(run.run_id);
    await core.runs.cancel(caller(), run.run_id, 'not today');
    expect(await ended(run.run_id)).toMatchObject({ status: 'cancelled', error: { code: 'cancelled' } });
  });
});
