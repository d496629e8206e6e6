import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { startContractServer } from '../../test/support/api-contract.js';
import { randomUUID } from 'node:crypto';
import { connect } from 'node:net';
import {
  fakeEvent,
  fakeGate,
  fakeRun,
  fakeServices,
  fakeStep,
  type FakeWorld,
} from '../../test/support/fake-services.js';
import { XynFault } from '../domain/fault.js';
import { createApp } from './app.js';
import type { Log } from './log.js';
import { routesOf } from './routes.js';
import { auditListSchema } from './schemas/audit.js';
import { blueprintDetailSchema, blueprintListSchema } from './schemas/blueprint.js';
import { errorResponseSchema } from './schemas/common.js';
import { eventDetailSchema } from './schemas/event.js';
import { healthSchema } from './schemas/health.js';
import { runDetailSchema, runListSchema, stepDetailSchema, stepListSchema } from './schemas/run.js';
import { startHttpServer, type HttpServer } from './server.js';

let world: FakeWorld;
let server: HttpServer;
let logged: { facts: Record<string, unknown>; message: string }[];

beforeEach(async () => {
  const fake = fakeServices();
  world = fake.world;
  logged = [];
  const keep = (facts: Record<string, unknown>, message: string): void => void logged.push({ facts, message });
  const log: Log = { info: keep, warn: keep, error: keep };
  const app = createApp(fake.services, { log, version: '1.2.3', allowedHosts: ['xyn.example'] });
  server = await startContractServer(app);
});

afterEach(() => server.close());

interface Answer {
  status: number;
  headers: Headers;
  body: ReturnType<typeof JSON.parse>;
}

async function call(
  method: string,
  path: string,
  init: { headers?: Record<string, string>; body?: string | Uint8Array<ArrayBuffer> } = {},
): Promise<Answer> {
  const response = await fetch(`${server.url}${path}`, { method, ...init, redirect: 'manual' });
  const text = await response.text();
  return { status: response.status, headers: response.headers, body: text === '' ? undefined : JSON.parse(text) };
}

function post(path: string, body: unknown, headers: Record<string, string> = {}): Promise<Answer> {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  return call('POST', path, { headers: { 'content-type': 'application/json', ...headers }, body: text });
}

function expectError(answer: Answer, status: number, code: string): void {
  expect({ status: answer.status, code: answer.body?.error?.code }).toEqual({ status, code });
  errorResponseSchema.parse(answer.body);
  expect(answer.body.correlation_id).toBe(answer.headers.get('x-correlation-id'));
}

/** Sends bytes as they are and returns the whole answer. */
function raw(text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(server.port, '127.0.0.1');
    let answer = '';
    socket.on('data', (chunk) => (answer += chunk.toString('utf8')));
    socket.on('close', () => resolve(answer));
    socket.on('error', reject);
    socket.write(text);
  });
}

describe('health', () => {
  it('says how the parts are', async () => {
    const { status, body } = await call('GET', '/api/v1/health');
    expect(status).toBe(200);
    expect(healthSchema.parse(body)).toMatchObject({ status: 'ok', version: '1.2.3' });
    world.health.worker = { ok: false, pollers: 0 };
    expect((await call('GET', '/api/v1/health')).body.status).toBe('degraded');
  });
});

describe('events', () => {
  it('emits with the caller, the correlation id and the key of the request', async () => {
    const answer = await post(
      '/api/v1/events',
      { event_name: 'checkmk.alert', data: { host: 'web-1' }, resource: { type: 'host', id: 'web-1' } },
      { 'x-correlation-id': 'trace-7', 'x-xyn-actor': 'ops@example', 'idempotency-key': 'k 1' },
    );
    expect(answer.status).toBe(201);
    expect(answer.headers.get('x-correlation-id')).toBe('trace-7');
    expect(answer.headers.get('location')).toBe(`/api/v1/events/${answer.body.event_id}`);
    expect(world.calls[0]).toMatchObject({
      name: 'emit',
      caller: { actor: 'ops@example', proven: false, correlationId: 'trace-7', source: 'api' },
      args: { event_name: 'checkmk.alert', data: { host: 'web-1' }, run_id: null, idempotencyKey: 'k 1' },
    });
    const shown = await call('GET', `/api/v1/events/${answer.body.event_id}`);
    expect(eventDetailSchema.parse(shown.body).data).toEqual({ host: 'web-1' });
  });

  it('pages through all of them', async () => {
    world.events = Array.from({ length: 7 }, () => fakeEvent());
    const seen: string[] = [];
    let cursor: string | null = null;
    do {
      const query: string = cursor === null ? '' : `&cursor=${cursor}`;
      const { body } = await call('GET', `/api/v1/events?limit=3${query}`);
      seen.push(...(body.items as { event_id: string }[]).map((event) => event.event_id));
      cursor = body.next_cursor as string | null;
    } while (cursor !== null);
    expect(seen).toEqual(world.events.map((event) => event.event_id));
  });
});

describe('runs, steps and gates', () => {
  it('creates, shows and cancels a run', async () => {
    const created = await post('/api/v1/runs', { blueprint_ref: 'bp.remediate@2', inputs: { host: 'a' } });
    expect(created.status).toBe(201);
    const id: string = created.body.run_id;
    expect(runDetailSchema.parse((await call('GET', `/api/v1/runs/${id}`)).body).run_id).toBe(id);
    expect((await post(`/api/v1/runs/${id}/cancel`, { reason: 'wrong host' })).status).toBe(200);
    expect((await call('POST', `/api/v1/runs/${id}/cancel`)).status).toBe(200);
    expect(world.calls.slice(1).map(({ args }) => args)).toEqual([
      { id, reason: 'wrong host' },
      { id, reason: '' },
    ]);
  });

  it('finds runs by the beginning of their id', async () => {
    world.runs = [fakeRun({ run_id: 'aaaaaaaa-0000-4000-8000-000000000001' }), fakeRun()];
    const { body } = await call('GET', '/api/v1/runs?run_id_prefix=aaaaaaaa');
    expect(runListSchema.parse(body).items.map((run) => run.run_id)).toEqual(['aaaaaaaa-0000-4000-8000-000000000001']);
    expectError(await call('GET', '/api/v1/runs?run_id_prefix=aaaa'), 422, 'request_invalid');
    expectError(await call('GET', '/api/v1/runs?run_id_prefix=aaaaaaaa&status=failed'), 422, 'request_invalid');
  });

  it('pages through steps, and their cursor is good for that run only', async () => {
    const run = fakeRun();
    const other = fakeRun();
    world.runs = [run, other];
    world.steps = Array.from({ length: 5 }, (_, ix) => fakeStep({ run_id: run.run_id, path: `s${ix}` }));
    const first = stepListSchema.parse((await call('GET', `/api/v1/runs/${run.run_id}/steps?limit=4`)).body);
    const rest = await call('GET', `/api/v1/runs/${run.run_id}/steps?limit=4&cursor=${first.next_cursor}`);
    const second = stepListSchema.parse(rest.body);
    expect([...first.items, ...second.items].map((step) => step.path)).toEqual(['s0', 's1', 's2', 's3', 's4']);
    expect(second.next_cursor).toBeNull();
    const foreign = await call('GET', `/api/v1/runs/${other.run_id}/steps?cursor=${first.next_cursor}`);
    expectError(foreign, 400, 'cursor_invalid');
  });

  it('decides a gate, and only by POST', async () => {
    const gate = fakeGate({ reason: 'required' });
    world.gates = [gate];
    const path = `/api/v1/gates/${gate.gate_id}/decide`;
    expectError(await call('GET', `${path}?decision=approve`), 405, 'method_not_allowed');
    expectError(await post(path, { decision: 'approve' }), 422, 'reason_required');
    expectError(await post(path, { decision: 'maybe' }), 422, 'request_invalid');
    const answer = await post(path, { decision: 'approve', reason: 'fine' });
    expect([answer.status, answer.body.gate.status]).toEqual([200, 'approved']);
  });
});

describe('the rest', () => {
  it('shows a step with its attempts, audit entries and blueprints', async () => {
    const step = fakeStep();
    world.steps = [step];
    const shown = await call('GET', `/api/v1/runs/${step.run_id}/steps/${step.step_id}`);
    expect(stepDetailSchema.parse(shown.body).attempt_log).toEqual([]);
    const audit = auditListSchema.parse((await call('GET', '/api/v1/audit?limit=1')).body);
    expect(audit.items[0]?.action).toBe('event.emit');
    expect((await call('GET', `/api/v1/audit?limit=1&cursor=${audit.next_cursor}`)).status).toBe(200);
    const { items } = blueprintListSchema.parse((await call('GET', '/api/v1/blueprints')).body);
    const one = await call('GET', `/api/v1/blueprints/${items[0]?.blueprint_id}`);
    expect(blueprintDetailSchema.parse(one.body).source).toContain('bp.remediate');
    expectError(await call('GET', '/api/v1/blueprints/bp.nothing'), 404, 'blueprint_unknown');
  });
});

describe('bodies', () => {
  const path = '/api/v1/events';
  const deep = (levels: number): string => `${'{"a":'.repeat(levels)}1${'}'.repeat(levels)}`;

  it.each([
    ['no JSON', '{"event_name":', 400, 'invalid_json'],
    ['a list', '[]', 400, 'body_not_object'],
    ['a scalar', '1', 400, 'body_not_object'],
    ['a key twice', '{"event_name":"a.b","event_name":"a.c"}', 400, 'json_duplicate_key'],
    ['a key twice, escaped', '{"event_name":"a.b","event_n\\u0061me":"a.c"}', 400, 'json_duplicate_key'],
    ['__proto__', '{"event_name":"a.b","data":{"__proto__":{"x":1}}}', 400, 'forbidden_key'],
    ['65 levels', deep(65), 400, 'json_depth'],
    ['1e999', '{"event_name":"a.b","data":{"n":1e999}}', 422, 'number_range'],
    ['2^53 + 1', '{"event_name":"a.b","data":{"n":9007199254740993}}', 422, 'number_range'],
    ['NUL', '{"event_name":"a.b","data":{"t":"\\u0000"}}', 422, 'string_invalid'],
    ['half a character', '{"event_name":"a.b","data":{"t":"\\ud800"}}', 422, 'string_invalid'],
    ['an unknown field', '{"event_name":"a.b","event_id":"x"}', 422, 'request_invalid'],
    ['an operator object', '{"event_name":{"contains":""}}', 422, 'request_invalid'],
    ['nothing', '', 422, 'request_invalid'],
  ])('refuses %s', async (_what, body, status, code) => {
    expectError(await post(path, body), status, code);
    expect(world.calls).toEqual([]);
  });

  it('takes 64 levels and keys that repeat in different objects', async () => {
    const data = `${'{"a":'.repeat(63)}1${'}'.repeat(63)}`;
    expect((await post(path, `{"event_name":"a.b","data":${data}}`)).status).toBe(201);
    expect((await post(path, '{"event_name":"a.b","data":{"x":{"k":[]},"y":{"k":"{\\"k"}}}')).status).toBe(201);
  });

  it('names every problem', async () => {
    const { body } = await post(path, { resource: { type: 1 }, extra: true, run_id: 'x' });
    const problems = body.error.details.problems as { path: string; rule: string }[];
    expect(problems.map(({ path: where, rule }) => [where, rule]).sort()).toEqual([
      ['event_name', 'field_required'],
      ['extra', 'field_unknown'],
      ['resource.id', 'field_required'],
      ['resource.type', 'type_mismatch'],
      ['run_id', 'format'],
    ]);
  });

  it('refuses bytes that are not UTF-8', async () => {
    const body = new Uint8Array([...Buffer.from('{"event_name":"a.b","data":{"t":"'), 0xff, ...Buffer.from('"}}')]);
    expectError(
      await call('POST', path, { headers: { 'content-type': 'application/json' }, body }),
      400,
      'invalid_json',
    );
  });

  it.each([
    [path, 262_144, '{"event_name":"a.b","data":{"t":""}}'],
    ['/api/v1/runs', 1_048_576, '{"blueprint_ref":"bp.a","inputs":{"t":""}}'],
  ])('%s takes %d bytes and not one more, whatever they are', async (route, max, frame) => {
    for (const [unit, size] of [
      ['a', 1],
      ['\\n', 2],
    ] as const) {
      const fill = unit.repeat(Math.floor((max - frame.length) / size));
      const body = frame.replace('""', `"${fill}"`).padEnd(max);
      expect((await post(route, body)).status).toBe(201);
      expectError(await post(route, `${body} `), 413, 'body_too_large');
    }
  });

  it.each([undefined, 'text/plain', 'application/json; charset=utf-7', 'application/x-www-form-urlencoded'])(
    'refuses the type %s',
    async (type) => {
      const headers = type === undefined ? {} : { 'content-type': type };
      const body = new TextEncoder().encode('{"event_name":"a.b"}');
      expectError(await call('POST', path, { headers, body }), 415, 'unsupported_media_type');
    },
  );

  it('refuses an encoding', async () => {
    expectError(await post(path, '{}', { 'content-encoding': 'gzip' }), 415, 'unsupported_media_type');
  });
});

describe('queries and paths', () => {
  it.each(['0', '-1', '201', '1e9', 'abc', '', '1.5'])('refuses limit=%s', async (limit) => {
    expectError(await call('GET', `/api/v1/runs?limit=${limit}`), 422, 'limit_range');
  });

  it('refuses cursors that it did not give, edited ones and those of another filter', async () => {
    world.runs = [fakeRun(), fakeRun()];
    const { body } = await call('GET', '/api/v1/runs?limit=1');
    const cursor: string = body.next_cursor;
    expect((await call('GET', `/api/v1/runs?limit=1&cursor=${cursor}`)).status).toBe(200);
    const [check, position] = JSON.parse(Buffer.from(cursor, 'base64url').toString()) as [string, { run_id: string }];
    const edited = Buffer.from(JSON.stringify([check, { ...position, run_id: randomUUID() }])).toString('base64url');
    const bad = ['garbage', '%00', edited, `${cursor}&status=running`, Buffer.from('[1]').toString('base64url')];
    for (const one of bad) expectError(await call('GET', `/api/v1/runs?limit=1&cursor=${one}`), 400, 'cursor_invalid');
    expectError(await call('GET', `/api/v1/events?cursor=${cursor}`), 400, 'cursor_invalid');
  });

  it('refuses parameters of an upload beside a body of JSON', async () => {
    const body = { name: 'a.txt', content_base64: 'AAAA' };
    expect((await post('/api/v1/artifacts', body)).status).toBe(201);
    expectError(await post('/api/v1/artifacts?kind=log', body), 422, 'request_invalid');
  });

  it('refuses unknown and repeated parameters', async () => {
    expectError(await call('GET', '/api/v1/runs?sort=password'), 422, 'request_invalid');
    expectError(await call('GET', '/api/v1/runs?status=failed&status=running'), 400, 'query_duplicate');
    expectError(await call('GET', '/api/v1/runs?status=broken'), 422, 'request_invalid');
    expectError(await call('GET', `/api/v1/runs?blueprint_id=${'x'.repeat(10_000)}`), 422, 'request_invalid');
    expectError(await call('GET', '/api/v1/health?x=1'), 422, 'request_invalid');
  });

  it('answers what is not there in the envelope', async () => {
    expectError(await call('GET', '/api/v1/runs/not-a-uuid'), 404, 'not_found');
    expectError(await call('GET', '/api/v1/runs/..%2fevents'), 404, 'not_found');
    expectError(await call('GET', `/api/v1/runs/${randomUUID()}`), 404, 'run_not_found');
    expectError(await call('GET', '/nothing'), 404, 'not_found');
    expectError(await call('GET', '/api/v1/runs/%E0%A4%A'), 400, 'path_encoding');
  });

  it('answers other methods with 405 and Allow', async () => {
    const answer = await call('DELETE', '/api/v1/runs', { headers: { 'x-http-method-override': 'GET' } });
    expectError(answer, 405, 'method_not_allowed');
    expect(answer.headers.get('allow')).toBe('POST, GET, HEAD');
  });
});

describe('headers', () => {
  it('makes a correlation id where none or a bad one came', async () => {
    for (const given of [undefined, 'a b', 'x'.repeat(200)]) {
      const headers = given === undefined ? {} : { 'x-correlation-id': given };
      const id = (await call('GET', '/api/v1/health', { headers })).headers.get('x-correlation-id');
      expect(id).toMatch(/^[0-9a-f]{8}-/);
    }
  });

  it('takes run and step from the headers, and gives them back', async () => {
    const [run, step] = [randomUUID(), randomUUID()];
    const scope = { 'x-run-id': run, 'x-step-id': step };
    const emitted = await post('/api/v1/events', { event_name: 'a.b' }, scope);
    expect([emitted.body.run_id, emitted.body.step_id]).toEqual([run, step]);
    expect([emitted.headers.get('x-run-id'), emitted.headers.get('x-step-id')]).toEqual([run, step]);
    expect(logged.at(-1)?.facts).toMatchObject({ run_id: run, step_id: step });
    const same = await post('/api/v1/events', { event_name: 'a.b', run_id: run }, { 'x-run-id': run });
    expect([same.status, same.body.step_id]).toEqual([201, null]);
    const other = { event_name: 'a.b', run_id: randomUUID() };
    expectError(await post('/api/v1/events', other, scope), 422, 'request_invalid');
    for (const headers of [{ 'x-run-id': 'x' }, { 'x-step-id': `${step}0` }]) {
      expectError(await call('GET', '/api/v1/health', { headers }), 422, 'request_invalid');
    }
  });

  it('refuses actors that cannot stand in records', async () => {
    for (const actor of ['', 'a"b', 'system', 'temporal-ui', 'x'.repeat(129)]) {
      expectError(
        await post('/api/v1/events', { event_name: 'a.b' }, { 'x-xyn-actor': actor }),
        422,
        'request_invalid',
      );
    }
  });

  it('refuses bad idempotency keys', async () => {
    for (const key of ['', 'x'.repeat(256), 'ä']) {
      const answer = await post('/api/v1/runs', { blueprint_ref: 'a' }, { 'idempotency-key': key });
      expectError(answer, 400, 'idempotency_key_invalid');
    }
  });

  it('answers under its own names only', async () => {
    const ask = (host: string): Promise<string> =>
      raw(`GET /api/v1/health HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
    for (const host of ['localhost', '127.0.0.1:1', '[::1]:80', 'XYN.example:7420']) {
      expect(await ask(host)).toContain('200 OK');
    }
    for (const host of [
      'evil.example',
      'localhost.evil.example',
      '127.0.0.1.evil.example',
      'a@localhost',
      '10.0.0.1',
    ]) {
      expect(await ask(host)).toMatch(/^HTTP\/1.1 421 [^]*"host_unknown"/);
    }
    expect(await raw('GET /api/v1/health HTTP/1.0\r\n\r\n')).toContain('host_unknown');
  });

  it('refuses changes that a page of another site asks for', async () => {
    const emit = (headers: Record<string, string>): Promise<Answer> =>
      post('/api/v1/events', { event_name: 'a.b' }, headers);
    for (const origin of ['https://evil.example', 'null', 'http://127.0.0.1:1']) {
      expectError(await emit({ origin }), 403, 'origin_forbidden');
    }
    expect((await emit({ origin: server.url })).status).toBe(201);
    const answer = await call('GET', '/api/v1/health', { headers: { origin: 'https://evil.example' } });
    expect([answer.status, answer.headers.get('access-control-allow-origin')]).toEqual([200, null]);
  });

  it('sends protective headers and no advertisement', async () => {
    const { headers } = await call('GET', '/api/v1/health');
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('content-security-policy')).toContain("default-src 'none'");
    expect(headers.get('x-powered-by')).toBeNull();
  });
});

describe('failures', () => {
  it('says nothing about what nobody foresaw, and logs it with the correlation id', async () => {
    world.failure = new Error('SELECT secret FROM /srv/x');
    const answer = await call('GET', '/api/v1/runs');
    expectError(answer, 500, 'internal');
    expect(JSON.stringify(answer.body)).not.toMatch(/SELECT|srv|stack/);
    const entry = logged.find(({ message }) => message === 'request failed');
    expect(entry?.facts).toMatchObject({ code: 'internal', correlation_id: answer.body.correlation_id });
  });

  it('says when to come back', async () => {
    world.failure = new XynFault('db_unavailable', 'Postgres does not answer.');
    const answer = await call('GET', '/api/v1/runs');
    expectError(answer, 503, 'db_unavailable');
    expect(answer.headers.get('retry-after')).toBe('1');
  });

  it('answers what is no request in the envelope', async () => {
    const big = await raw(`GET / HTTP/1.1\r\nHost: localhost\r\nX-Big: ${'x'.repeat(20_000)}\r\n\r\n`);
    expect(big).toMatch(/^HTTP\/1.1 431 [^]*"header_too_large"/);
    const both =
      'POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n';
    expect(await raw(both)).toMatch(/^HTTP\/1.1 400 [^]*"request_malformed"/);
  });
});

describe('the route table', () => {
  it('names a privilege for every route, and one route per method and path', () => {
    const routes = routesOf({ version: '1', startedAt: 0 });
    expect(routes.filter((route) => route.privilege === 'open').map((route) => route.path)).toEqual(['/health']);
    const names = routes.map(({ method, path }) => `${method} ${path}`);
    expect(new Set(names).size).toBe(names.length);
    for (const { method, privilege } of routes) if (method === 'POST') expect(privilege).not.toMatch(/\.read$/);
  });
});

describe('startHttpServer', () => {
  it('refuses a port in use, or takes the next one', async () => {
    const options = { host: '127.0.0.1', port: server.port };
    await expect(startHttpServer(() => undefined, options)).rejects.toMatchObject({ code: 'port_taken' });
    const next = await startHttpServer(() => undefined, { ...options, orNext: true });
    expect(next.port).toBeGreaterThan(server.port);
    await next.close();
    await next.close();
  });
});
