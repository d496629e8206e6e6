import { afterAll, beforeAll, expect, it, jest } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import pg from 'pg';
import type { EventTrigger, Trigger } from '../../../src/domain/plan.js';
import { describeWith } from '../../support/parts.js';
import { action, gate, planOf, transform } from '../../support/plans.js';
import { freshDatabase, type TestDatabase } from '../../support/database.js';
import { caller, testNode, type TestNode } from '../../support/node.js';
import { testTemporal } from '../../support/temporal.js';
import { until } from '../../support/until.js';
import { testLock, testWorker } from '../../support/worker.js';

let database: TestDatabase;
let address: string;
let node: TestNode;
let worker: Awaited<ReturnType<typeof testWorker>>;
const taskQueue = `events-${randomUUID()}`;

beforeAll(async () => {
  ({ address } = await testTemporal());
  database = await freshDatabase({ poolSize: 20 });
  node = testNode({ catalog: database.catalog, address, taskQueue });
  worker = await testWorker({ catalog: database.catalog, address, taskQueue });
});

afterAll(async () => {
  await node.close();
  await worker.stop();
  await database.drop();
});

const on = (event: string, more: Partial<EventTrigger> = {}): Trigger => ({ kind: 'event', event, ...more });
const save = (id: string, triggers: Trigger[], more: Parameters<typeof planOf>[1] = {}) =>
  node.blueprints.savePlan(caller(), {
    plan: planOf([transform('note', [['seen', true]])], { id, triggers, ...more }),
    source: `id: ${id}`,
    debug: {},
  });
const count = async (table: 'events' | 'runs' | 'audit_log', where: string, value: string): Promise<number> => {
  const result = await database.catalog.pool.query(`SELECT count(*)::int AS n FROM ${table} WHERE ${where} = $1`, [
    value,
  ]);
  return (result.rows[0] as { n: number }).n;
};

describeWith('temporal')('emit', () => {
  it('is one event and one run however often the same key arrives, also in parallel', async () => {
    await save('bp.once', [on('once.more')]);
    const emit = () =>
      node.events.emit(caller(), { event_name: 'once.more', data: { a: 1 }, idempotencyKey: 'delivery-1' });
    const events = await Promise.all(Array.from({ length: 50 }, emit));
    const ids = new Set(events.map((event) => event.event_id));
    expect(ids.size).toBe(1);
    const [eventId] = [...ids] as [string];
    expect(await count('events', 'event_name', 'once.more')).toBe(1);
    expect(await count('runs', 'blueprint_id', 'bp.once')).toBe(1);
    expect(await count('audit_log', 'key', `event/${eventId}`)).toBe(1);
    expect((await node.events.get(eventId)).verdicts).toMatchObject([{ verdict: 'started', blueprint_id: 'bp.once' }]);
    await expect(
      node.events.emit(caller(), { event_name: 'once.more', data: { a: 2 }, idempotencyKey: 'delivery-1' }),
    ).rejects.toMatchObject({ code: 'idempotency_mismatch' });
  });

  it('is written in five statements, of which none is planned anew', async () => {
    await save('bp.few', [on('few.statements')]);
    const emit = () => node.events.emit(caller(), { event_name: 'few.statements', data: {} });
    await emit();
    const query = jest.spyOn(pg.Client.prototype, 'query');
    try {
      expect((await emit()).verdicts).toMatchObject([{ verdict: 'started' }]);
      const sent = query.mock.calls.map(([given], ix) => {
        const { text, name } = given as unknown as { text: string; name?: string };
        return { client: query.mock.contexts[ix], text, isKept: (name ?? '') !== '' };
      });
      const accepted = sent.findIndex(({ text }) => text.includes(' is_new'));
      const own = sent.slice(accepted).filter(({ client }) => client === sent[accepted]?.client);
      const end = own.findIndex(({ text }) => text === 'COMMIT');
      expect(own.slice(0, end).map(({ isKept }) => isKept)).toEqual([true, true, true]);
    } finally {
      query.mockRestore();
    }
  });

  it('stores a verdict for every candidate and says why nothing started', async () => {
    const state = ['.', ['.', ['v', 'event'], 'data'], 'state'] as const;
    const isDown = ['==', [...state], 'down'] as Trigger['filter'];
    await save('bp.starts', [on('mon.alert.raised', { filter: isDown! })]);
    await save('bp.star', [on('mon.alert.*')]);
    await save('bp.stars', [on('mon.**')]);
    await save('bp.other', [on('mon.*'), on('mon.alert')]);
    await save('bp.false', [on('mon.alert.raised', { filter: ['==', [...state], 'up'] })]);
    await save('bp.error', [on('mon.alert.raised', { filter: ['.', ['.', ['v', 'event'], 'data'], 'nope'] })]);
    await save('bp.off', [on('mon.alert.raised', { disabled: true })]);
    await save('bp.second', [on('mon.alert.raised', { filter: false }), on('mon.**')]);
    const inputs = { type: 'object', properties: { port: { type: 'integer' } }, required: ['port'] };
    await save('bp.missing', [on('mon.alert.raised')], { inputs });
    await save('bp.rendered', [on('mon.alert.raised', { inputs: { port: { $: ['v', 'nothing'] } } })], { inputs });
    const event = await node.events.emit(caller(), { event_name: 'mon.alert.raised', data: { state: 'down' } });
    const verdicts = Object.fromEntries(event.verdicts.map((one) => [one.blueprint_id, one.verdict]));
    expect(verdicts).toEqual({
      'bp.starts': 'started',
      'bp.star': 'started',
      'bp.stars': 'started',
      'bp.false': 'filter_false',
      'bp.error': 'filter_error',
      'bp.off': 'disabled',
      'bp.second': 'started',
      'bp.missing': 'input_invalid',
      'bp.rendered': 'filter_error',
    });
    const missing = event.verdicts.find((one) => one.blueprint_id === 'bp.missing');
    expect(missing?.detail).toMatchObject({ code: 'input_missing', problems: [{ path: '/port' }] });
  });

  it('gives a run its inputs with defaults, and null for what is optional', async () => {
    const inputs = {
      type: 'object',
      additionalProperties: false,
      required: ['host'],
      properties: {
        host: { type: 'string' },
        port: { type: 'integer', default: 22 },
        note: { type: ['string', 'null'] },
        token: { type: 'string', 'x-secret': true },
      },
    };
    await save('bp.inputs', [on('inputs.given')], { inputs });
    const event = await node.events.emit(caller(), {
      event_name: 'inputs.given',
      data: { host: 'web-1', token: 'from outside', more: 1 },
    });
    const run = await node.runs.get(event.verdicts[0]?.run_id ?? '');
    expect(run.inputs).toEqual({ host: 'web-1', port: 22, note: null, token: null });
  });

  it('refuses names of the engine, malformed names and texts that cannot be stored', async () => {
    const emit = (event_name: string, data = {}) => node.events.emit(caller(), { event_name, data });
    await expect(emit('xyn.run.completed')).rejects.toMatchObject({ code: 'event_name_reserved' });
    await expect(emit('Checkmk Alert')).rejects.toMatchObject({ code: 'event_name_format' });
    await expect(emit('alert')).rejects.toMatchObject({ code: 'event_name_format' });
    await expect(emit('a.b', { text: 'x\u0000' })).rejects.toMatchObject({ code: 'request_invalid' });
    await expect(emit('a.b', { text: '\ud800' })).rejects.toMatchObject({ code: 'request_invalid' });
    await expect(emit('xyn.cicd.test.passed')).resolves.toMatchObject({ event_name: 'xyn.cicd.test.passed' });
  });

  it('commits nothing when the audit trail cannot be written', async () => {
    const { default: pg } = await import('pg');
    const owner = new pg.Client({ connectionString: database.ownerUrl });
    await owner.connect();
    try {
      await owner.query('ALTER TABLE audit_log ADD CONSTRAINT refuse CHECK (false) NOT VALID');
      const emit = node.events.emit(caller(), { event_name: 'never.seen', data: {} });
      await expect(emit).rejects.toMatchObject({ code: 'audit_unavailable' });
      expect(await count('events', 'event_name', 'never.seen')).toBe(0);
    } finally {
      await owner.query('ALTER TABLE audit_log DROP CONSTRAINT IF EXISTS refuse');
      await owner.end();
    }
  });

  it('matches what workers write, and ends a chain of runs that cause each other', async () => {
    await save('bp.chain', [
      on('chain.begin'),
      on('xyn.run.completed', {
        filter: ['==', ['.', ['.', ['v', 'event'], 'data'], 'blueprint_id'], 'bp.chain'] as Trigger['filter'] & {},
      }),
    ]);
    await node.events.emit(caller(), { event_name: 'chain.begin', data: {} });
    await until('the loop is cut', async () => {
      const { rows } = await database.catalog.pool.query(
        "SELECT 1 FROM event_verdicts WHERE blueprint_id = 'bp.chain' AND verdict = 'loop'",
      );
      return rows.length > 0;
    });
    expect(await count('runs', 'blueprint_id', 'bp.chain')).toBe(9);
  }, 60_000);

  it('runs through to the end with a gate, decided once', async () => {
    const plan = planOf([gate('ok'), action('fix', { action: 't.echo', with: { n: 1 } })], {
      id: 'bp.gated',
      triggers: [on('gated.run')],
      actions: testLock,
    });
    await node.blueprints.savePlan(caller(), { plan, source: '', debug: {} });
    const event = await node.events.emit(caller(), { event_name: 'gated.run', data: {} });
    const runId = event.verdicts[0]?.run_id ?? '';
    const open = await until('the gate opens', async () => {
      const page = await node.gates.list({ run_id: runId, status: 'open', limit: 10 });
      return page.items[0];
    });
    expect((await node.runs.get(runId)).waiting_on).toMatchObject([{ kind: 'gate', path: 'ok', require: 1 }]);
    expect(await node.gates.decide(caller('bob'), open.gate_id, { decision: 'approve' })).toMatchObject({
      status: 'applied',
      gate: { status: 'approved' },
    });
    await until('the run ends', async () => (await node.runs.get(runId)).status === 'completed');
    const steps = (await node.runs.steps(runId, { limit: 500 })).items;
    expect(steps.map((step) => [step.path, step.status])).toEqual([
      ['ok', 'completed'],
      ['fix', 'completed'],
    ]);
  }, 60_000);
});
