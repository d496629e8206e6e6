import { randomUUID } from 'node:crypto';
import { connect } from 'node:net';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { ApiClient } from '../../../src/client/api-client.js';
import { createApp } from '../../../src/http/app.js';
import { startHttpServer, type HttpServer } from '../../../src/http/server.js';
import type { LiveMessage } from '../../../src/services/live-feed.js';
import type { LiveReader } from '../../../src/services/live-reader.js';
import type { LiveStreams } from '../../../src/services/live-streams.js';
import { freshDatabase, type TestDatabase } from '../../support/database.js';
import { fakeServices } from '../../support/fake-services.js';
import { caller, silentLog, testNode, type TestNode } from '../../support/node.js';
import { startLive } from '../../support/live.js';
import { describeWith } from '../../support/parts.js';
import { action, gate, planOf } from '../../support/plans.js';
import { testTemporal } from '../../support/temporal.js';
import { until } from '../../support/until.js';
import { testLock, testWorker } from '../../support/worker.js';

type Message = { type: string; id: string; data: Record<string, unknown> };

let db: TestDatabase;
let node: TestNode;
let worker: Awaited<ReturnType<typeof testWorker>>;
const closers: (() => Promise<unknown>)[] = [];

/** An API process of its own over the same catalog. */
async function startApi(
  maxFollowers = 50,
): Promise<{ server: HttpServer; reader: LiveReader; live: LiveStreams; client: ApiClient }> {
  const { services, world } = fakeServices();
  const health = (): Promise<typeof world.health> => Promise.resolve(world.health);
  const { reader, live } = await startLive({ node, catalog: db.catalog, maxFollowers, health });
  const app = createApp({ ...services, live }, { log: silentLog, version: '1.0.0', allowedHosts: [], stallMs: 3_000 });
  const server = await startHttpServer(app, { host: '127.0.0.1', port: 0 });
  closers.unshift(async () => {
    await reader.stop();
    await server.close();
  });
  return { server, reader, live, client: new ApiClient({ url: server.url, actor: 'ann' }) };
}

beforeAll(async () => {
  db = await freshDatabase();
  const { address } = await testTemporal();
  const taskQueue = `live-${randomUUID()}`;
  node = testNode({ catalog: db.catalog, address, taskQueue });
  worker = await testWorker({ catalog: db.catalog, address, taskQueue });
  const plan = planOf([action('one', { action: 't.echo' }), gate('ok'), action('two', { action: 't.echo' })], {
    id: 'bp.live',
    actions: testLock,
  });
  await node.blueprints.savePlan(caller(), { plan, source: 'test', debug: {} });
});
afterAll(async () => {
  for (const close of closers) await close();
  await worker.stop();
  await node.close();
  await db.drop();
});

/** Reads a stream in the background and notes its messages. */
function follow(client: ApiClient, path: string, query: Record<string, string> = {}, after?: string) {
  const seen = { messages: [] as Message[], ended: false, error: undefined as unknown };
  const leaving = new AbortController();
  const { signal } = leaving;
  const messages = client.stream(path, query, after === undefined ? { signal } : { after, signal });
  void (async () => {
    for await (const message of messages) seen.messages.push(message as Message);
  })()
    .catch((error: unknown) => (seen.error = error))
    .finally(() => (seen.ended = true));
  return { seen, leave: () => leaving.abort() };
}

const start = async (): Promise<string> => (await node.runs.create(caller(), { blueprint_ref: 'bp.live' })).run_id;

async function approve(runId: string): Promise<void> {
  const open = await until('the gate is open', async () => (await node.access.gates.openOf(runId))[0]);
  await node.gates.decide(caller(), open.gate_id, { decision: 'approve' });
}

/** The last state of each thing that a run's stream told. */
function stateOf(messages: readonly Message[]) {
  const steps = new Map<unknown, unknown>();
  let status: unknown;
  for (const { type, data } of messages) {
    const run =
      type === 'snapshot' ? (data['run'] as Message['data']) : type === 'run' || type === 'end' ? data : undefined;
    status = run?.['status'] ?? status;
    const told = type === 'snapshot' ? (data['steps'] as Message['data'][]) : type === 'step' ? [data] : [];
    for (const step of told) steps.set(step['path'], step['status']);
  }
  return { status, steps: Object.fromEntries(steps) as Record<string, unknown> };
}

describeWith('temporal')('streams', () => {
  it('tell a run from a snapshot to its end', async () => {
    const { client } = await startApi();
    const runId = await start();
    const { seen } = follow(client, `/runs/${runId}/stream`);
    await until('the gate is told', () =>
      seen.messages.some(
        ({ type, data }) => type === 'gate' || (Array.isArray(data['gates']) && data['gates'].length > 0),
      ),
    );
    await approve(runId);
    await until('the stream ends', () => seen.ended);
    expect(seen.error).toBeUndefined();
    expect(seen.messages[0]).toMatchObject({ type: 'snapshot', data: { run: { run_id: runId } } });
    expect(seen.messages.at(-1)).toMatchObject({ type: 'end', data: { status: 'completed' } });
    expect(seen.messages.every(({ id }) => /^\d+-\d+$/.test(id))).toBe(true);
    expect(stateOf(seen.messages)).toEqual({
      status: 'completed',
      steps: { one: 'completed', ok: 'completed', two: 'completed' },
    });
    // A run that has ended is told and over.
    const late = follow(client, `/runs/${runId}/stream`);
    await until('it ends', () => late.seen.ended);
    expect(late.seen.messages.map(({ type }) => type)).toEqual(['snapshot', 'end']);
  });

  it('tell a run without a gap to a client that comes back to another process after every message', async () => {
    const apis = [await startApi(), await startApi()];
    const runId = await start();
    const all: Message[] = [];
    const approved = approve(runId);
    for (let turn = 0; all.at(-1)?.type !== 'end'; turn += 1) {
      const { seen, leave } = follow(apis[turn % 2]!.client, `/runs/${runId}/stream`, {}, all.at(-1)?.id);
      await until('a message', () => seen.messages.length > 0);
      leave();
      // The run as it is comes first in each connection; only one further message is taken.
      all.push(...seen.messages.slice(0, 2));
    }
    await approved;
    expect(all.filter(({ type }) => type === 'snapshot')).toHaveLength(1);
    expect(stateOf(all)).toEqual({
      status: 'completed',
      steps: { one: 'completed', ok: 'completed', two: 'completed' },
    });
  });

  it('tell every event that workers and this process write, once', async () => {
    const { client } = await startApi();
    const { seen, leave } = follow(client, '/events/stream');
    await until('it is ready', () => seen.messages[0]?.type === 'ready');
    const runId = await start();
    await approve(runId);
    const told = (): Message[] =>
      seen.messages.filter(({ type, data }) => type === 'event' && data['run_id'] === runId);
    await until('the run is told', () => told().some(({ data }) => data['event_name'] === 'xyn.run.completed'));
    await until('all of the run is told', async () => {
      const listed = await node.access.events.list({ run_id: runId }, 100);
      return told().length === listed.length;
    });
    const names = told().map(({ data }) => data['event_name']);
    expect(names[0]).toBe('xyn.run.created');
    expect(names).toEqual(expect.arrayContaining(['xyn.step.completed', 'xyn.gate.opened', 'xyn.gate.decided']));
    expect(new Set(told().map(({ data }) => data['event_id'])).size).toBe(told().length);

    // From the place of the third of them on, with a filter: what is left of the run, in the same order.
    const again = follow(client, '/events/stream', { run_id: runId, after: seen.messages[0]!.id }, told()[2]!.id);
    await until(
      'the rest',
      () => again.seen.messages.filter(({ type }) => type === 'event').length === names.length - 3,
    );
    expect(again.seen.messages.slice(1).map(({ data }) => data['event_name'])).toEqual(names.slice(3));
    leave();
    again.leave();
  });

  it('are refused where they cannot be had', async () => {
    const { client, server } = await startApi(1);
    const unknown = follow(client, `/runs/${randomUUID()}/stream`);
    await until('it ends', () => unknown.seen.ended);
    expect(unknown.seen.error).toMatchObject({ code: 'run_not_found' });
    const first = follow(client, '/events/stream');
    await until('it is open', () => first.seen.messages.length > 0);
    const second = follow(client, '/events/stream');
    await until('it ends', () => second.seen.ended);
    expect(second.seen.error).toMatchObject({ code: 'streams_exhausted' });
    first.leave();
    const wrong = await fetch(`${server.url}/api/v1/events/stream?after=x`);
    expect(wrong.status).toBe(422);
    // The place is free again as soon as the server saw that the client left.
    await until('a stream is open', async () => {
      const third = follow(client, '/events/stream');
      await until('an answer', () => third.seen.messages.length > 0 || third.seen.ended);
      third.leave();
      return third.seen.messages.length > 0;
    });
    const gone = follow((await startApi()).client, '/events/stream', {}, 'no-place');
    await until('a gap is told', () => gone.seen.messages.some(({ type }) => type === 'resync') || gone.seen.ended);
    expect(gone.seen.messages.map(({ type }) => type)).toEqual(['ready', 'resync']);
    gone.leave();
  });

  it('end at once when the server stops', async () => {
    const { client, server, reader } = await startApi();
    const runId = await start();
    const streams = [follow(client, '/events/stream'), follow(client, `/runs/${runId}/stream`)];
    await until('both are open', () => streams.every(({ seen }) => seen.messages.length > 0));
    const before = performance.now();
    await reader.stop();
    await server.close();
    // Streams that go on are cut after five seconds.
    expect(performance.now() - before).toBeLessThan(4_500);
    await until('both have ended', () => streams.every(({ seen }) => seen.ended));
    await node.runs.cancel(caller(), runId, 'done');
  });

  it('cut off a client that takes nothing, and keep the others', async () => {
    const { client, server, reader } = await startApi();
    const { port } = new URL(server.url);
    const stuck = connect(Number(port), '127.0.0.1');
    stuck.on('error', () => undefined);
    stuck.write('GET /api/v1/events/stream HTTP/1.1\r\nHost: localhost\r\n\r\n');
    await until('it is open', () => reader.followers === 1);
    stuck.pause();
    const { seen, leave } = follow(client, '/events/stream', { event_name: 't.big' });
    await until('it is ready', () => seen.messages.length > 0);
    const data = { text: 'x'.repeat(500_000) };
    for (let n = 0; n < 30; n += 1) await node.events.emit(caller(), { event_name: 't.big', data });
    await until('the other one has all', () => seen.messages.length === 31);
    await until('the stuck one is cut off', () => reader.followers === 1);
    stuck.destroy();
    leave();
  });

  it('tell pages what changed, by topic', async () => {
    const { live } = await startApi();
    const runId = await start();
    const messages: LiveMessage[] = [];
    const position = live.feed.position();
    const end = live.feed.subscribe({ topics: ['gates', `run/${runId}`], after: position }, (one) =>
      messages.push(one),
    );
    await approve(runId);
    const changes = (): Extract<LiveMessage, { kind: 'change' }>[] => messages.filter((one) => one.kind === 'change');
    await until('the end is told', () => changes().some((one) => one.event_name === 'xyn.run.completed'));
    expect(changes().find((one) => one.event_name === 'xyn.gate.opened')).toMatchObject({
      topics: [`run/${runId}`, 'gates'],
      run_id: runId,
      gate_id: expect.any(String) as unknown as string,
    });
    expect(changes().every((one) => one.topics.length > 0)).toBe(true);
    end();
    const told = messages.length;
    await node.events.emit(caller(), { event_name: 't.after', data: {}, run_id: runId });
    const other = follow((await startApi()).client, '/events/stream', { after: position });
    await until('others are told', () => other.seen.messages.some(({ data }) => data['event_name'] === 't.after'));
    expect(messages).toHaveLength(told);
    other.leave();
  });

  it('tell pages of a wish to cancel, which is no event', async () => {
    const { live } = await startApi();
    const runId = await start();
    await until('the gate is open', async () => (await node.access.gates.openOf(runId))[0]);
    const messages: LiveMessage[] = [];
    const end = live.feed.subscribe({ topics: [`run/${runId}`] }, (one) => messages.push(one));
    await until('told', async () => {
      await db.catalog.pool.query('UPDATE runs SET cancel_requested_at = clock_timestamp() WHERE run_id = $1', [runId]);
      return messages.some((one) => one.kind === 'change' && one.event_name === undefined);
    });
    end();
    expect(live.probes).toBe(0);
    await node.runs.cancel(caller(), runId, 'done');
  });
});
