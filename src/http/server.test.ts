import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { connect } from 'node:net';
import { fakeServices, type FakeWorld } from '../../test/support/fake-services.js';
import { drip, rawExchange, statusesOf } from '../../test/support/raw-socket.js';
import { until } from '../../test/support/until.js';
import { createApp } from './app.js';
import { startHttpServer, type HttpLimits, type HttpServer } from './server.js';

let server: HttpServer;
let world: FakeWorld;

const quick: Partial<HttpLimits> = { headersMs: 300, connections: 5 };
const bodyTimes = { totalMs: 300, windowMs: 300, windowBytes: 1_000 };
/** A server as it is by default gives them longer. */
const MUCH_SOONER_MS = 4_500;

async function start(limits: Partial<HttpLimits>, windowMs = bodyTimes.windowMs): Promise<void> {
  const fake = fakeServices();
  world = fake.world;
  const quiet = (): void => undefined;
  const log = { info: quiet, warn: quiet, error: quiet };
  const app = createApp(fake.services, { log, version: '1', allowedHosts: [] });
  server = await startHttpServer(app, { host: '127.0.0.1', port: 0, limits, bodyTimes: { ...bodyTimes, windowMs } });
}

beforeEach(() => start(quick));
afterEach(() => server.close());

const head = (line: string, more: Record<string, string | number> = {}): string =>
  [`${line} HTTP/1.1`, 'Host: localhost', ...Object.entries(more).map(([name, value]) => `${name}: ${value}`)].join(
    '\r\n',
  );
const post = (length: number): string =>
  `${head('POST /api/v1/events', { 'Content-Type': 'application/json', 'Content-Length': length })}\r\n\r\n`;
const upload = (length: number): string =>
  `${head('POST /api/v1/artifacts?name=a.bin', { 'Content-Length': length })}\r\n\r\n`;
const get = `${head('GET /api/v1/health')}\r\n\r\n`;

describe('slow clients', () => {
  it.each([
    ['says nothing', '', undefined],
    ['stops inside its headers', 'GET / HTTP/1.1\r\nHost: loc', undefined],
    ['sends one header after the other', 'GET / HTTP/1.1\r\nHost: localhost\r\n', drip('X: y\r\n', 50)],
    ['stops inside its body', `${post(100)}{`, undefined],
    ['sends its body byte by byte', post(10_000), drip(' ', 20)],
    [
      'sends chunk by chunk',
      `${head('POST /api/v1/events', { 'Content-Type': 'application/json', 'Transfer-Encoding': 'chunked' })}\r\n\r\n`,
      drip('1\r\n \r\n', 20),
    ],
    ['uploads too little at a time', upload(100_000), drip('x'.repeat(10), 20)],
  ])('cuts one that %s, with 408', async (_what, first, drive) => {
    const answer = await rawExchange(server.port, first, drive);
    expect(statusesOf(answer)).toEqual([408]);
    expect(answer.text).toContain('"request_timeout"');
    expect(answer.ms).toBeLessThan(MUCH_SOONER_MS);
    expect(world.events).toEqual([]);
    expect(world.artifacts).toEqual([]);
  });

  it('cuts one whose body still comes after the answer', async () => {
    const first = `${head('POST /api/v1/nothing', { 'Content-Length': 10_000 })}\r\n\r\n`;
    const answer = await rawExchange(server.port, first, drip('x', 20));
    expect(statusesOf(answer)).toEqual([404]);
    expect(answer.ms).toBeLessThan(MUCH_SOONER_MS);
  });

  it('lets an upload pass that takes longer than any body, as long as it goes on', async () => {
    // A busy machine is silent for a while.
    await server.close();
    await start(quick, 1_000);
    const size = 40_000;
    const answer = await rawExchange(server.port, upload(size), (socket) => {
      const timer = setInterval(() => socket.write('x'.repeat(500)), 20);
      socket.on('data', () => {
        clearInterval(timer);
        socket.end();
      });
    });
    expect(statusesOf(answer)[0]).toBe(201);
    expect(answer.ms).toBeGreaterThan(1_200);
    expect(world.artifacts[0]?.bytes.length).toBe(size);
  });

  it('serves others meanwhile', async () => {
    const slow = [1, 2, 3].map(() => rawExchange(server.port, post(100), drip(' ', 20)));
    expect((await fetch(`${server.url}/api/v1/health`)).status).toBe(200);
    await Promise.all(slow);
  });

  it('cuts one that does not read its answer', async () => {
    await server.close();
    await start({ ...quick, idleMs: 300 });
    const sent = Buffer.alloc(60_000_000);
    const dto = { ...(await uploadOne()), byte_length: sent.length };
    world.artifacts = [{ dto, bytes: sent }];
    const socket = connect(server.port, '127.0.0.1');
    socket.pause();
    socket.on('error', () => undefined);
    socket.write(`${head(`GET /api/v1/artifacts/${dto.artifact_id}/download`)}\r\n\r\n`);
    await once(socket, 'connect');
    await until('the connection is closed', async () => (await openConnections()) === 0);
    socket.destroy();
  });
});

async function uploadOne(): Promise<FakeWorld['artifacts'][number]['dto']> {
  await fetch(`${server.url}/api/v1/artifacts?name=a.bin`, { method: 'POST', body: 'x' });
  const [one] = world.artifacts;
  if (one === undefined) throw new Error('nothing was kept');
  return one.dto;
}

/** Connections beyond the bound are refused, so a free place is one that was closed. */
async function openConnections(): Promise<number> {
  const tries = await Promise.all(
    Array.from({ length: 5 }, () => rawExchange(server.port, get.replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n'))),
  );
  return tries.filter((answer) => answer.text === '').length;
}

describe('sizes and numbers', () => {
  it('refuses headers of more than 16 KiB', async () => {
    await server.close();
    await start({});
    const fits = await rawExchange(
      server.port,
      `${head('GET /api/v1/health', { 'X-Big': 'x'.repeat(16_000) })}\r\nConnection: close\r\n\r\n`,
    );
    expect(statusesOf(fits)).toEqual([200]);
    for (const more of [
      { 'X-Big': 'x'.repeat(16_400) },
      Object.fromEntries(Array.from({ length: 3_000 }, (_, ix) => [`x${ix}`, 'y'])),
    ]) {
      const answer = await rawExchange(server.port, `${head('GET /api/v1/health', more)}\r\n\r\n`);
      expect(statusesOf(answer)).toEqual([431]);
      expect(answer.text).toContain('"header_too_large"');
    }
    const line = await rawExchange(server.port, `GET /${'x'.repeat(20_000)} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
    expect(statusesOf(line)).toEqual([431]);
  });

  it('loses no header when there are very many', async () => {
    await server.close();
    await start({});
    const many = Array.from({ length: 2_500 }, () => 'a:').join('\r\n');
    const text = `POST /api/v1/events HTTP/1.1\r\nHost: localhost\r\n${many}\r\nOrigin: http://evil.example\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`;
    expect((await rawExchange(server.port, text)).text).toContain('"origin_forbidden"');
  });

  it('takes as many connections as it may have, and no more', async () => {
    const open = Array.from({ length: 5 }, () => connect(server.port, '127.0.0.1'));
    await Promise.all(open.map((socket) => once(socket, 'connect')));
    expect((await rawExchange(server.port, get)).text).toBe('');
    for (const socket of open) socket.destroy();
    await until('there is room again', async () => (await openConnections()) === 0);
  });
});

describe('what is not HTTP', () => {
  const CASES: readonly [string, string, number[]][] = [
    ['rubbish', 'hello\r\n\r\n', [400]],
    ['TLS', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03', [400]],
    ['another version', 'GET / HTTP/9.9\r\nHost: localhost\r\n\r\n', [400]],
    [
      'length and chunks',
      `${head('POST /', { 'Content-Length': 3, 'Transfer-Encoding': 'chunked' })}\r\n\r\n0\r\n\r\n`,
      [400],
    ],
    ['two lengths', `${head('POST /', { 'Content-Length': 3 })}\r\nContent-Length: 4\r\n\r\nabcd`, [400]],
    ['a length that is none', `${head('POST /', { 'Content-Length': '+3' })}\r\n\r\nabc`, [400]],
    [
      'chunks that are not the last coding',
      `${head('POST /', { 'Transfer-Encoding': 'chunked, gzip' })}\r\n\r\n0\r\n\r\n`,
      [400],
    ],
    ['a folded header', `${head('GET /', { 'X-A': 'b\r\n c' })}\r\n\r\n`, [400]],
    ['a line that ends in LF alone', 'GET /api/v1/health HTTP/1.1\nHost: localhost\n\n', [400]],
    ['a space before the colon', 'GET / HTTP/1.1\r\nHost : localhost\r\n\r\n', [400]],
    ['NUL in a header', `${head('GET /', { 'X-A': 'b\0c' })}\r\n\r\n`, [400]],
    [
      'a size of a chunk that is none',
      `${head('POST /api/v1/events', { 'Content-Type': 'application/json', 'Transfer-Encoding': 'chunked' })}\r\n\r\nzz\r\n`,
      [400],
    ],
    ['CONNECT', 'CONNECT example.org:443 HTTP/1.1\r\nHost: localhost\r\n\r\n', [400]],
  ];

  it.each(CASES)('refuses %s and closes', async (_what, text, statuses) => {
    const answer = await rawExchange(server.port, text);
    expect(statusesOf(answer)).toEqual(statuses);
    expect(answer.text).toContain('"request_malformed"');
    expect(answer.text).toContain('Connection: close');
  });

  it('answers what came before the rubbish first, and once', async () => {
    let release = (): void => undefined;
    const held = new Promise<void>((resolve) => (release = resolve));
    const check = world.health;
    Object.defineProperty(world, 'health', { get: () => held.then(() => check) });
    const answer = rawExchange(server.port, `${get}rubbish\r\n\r\n`);
    setTimeout(release, 200);
    expect(statusesOf(await answer)).toEqual([200, 400]);
  });

  it('does not take the rest of a refused body for a request', async () => {
    const hidden = get.repeat(2);
    const answer = await rawExchange(server.port, `${post(300_000)}${hidden}`, (socket) => {
      socket.write('x'.repeat(300_000 - hidden.length) + get);
    });
    expect(statusesOf(answer)).toEqual([413]);
  });

  it.each([
    ['no host', 'GET /api/v1/health HTTP/1.1\r\nConnection: close\r\n\r\n', 'request_malformed'],
    [
      'two hosts',
      `${head('GET /api/v1/health', { host: 'localhost' })}\r\nConnection: close\r\n\r\n`,
      'header_duplicate',
    ],
    [
      'two keys',
      `${head('POST /api/v1/events', { 'Idempotency-Key': 'a' })}\r\nIdempotency-Key: b\r\nConnection: close\r\n\r\n`,
      'header_duplicate',
    ],
  ])('refuses %s', async (_what, text, code) => {
    const answer = await rawExchange(server.port, text);
    expect(statusesOf(answer)).toEqual([400]);
    expect(answer.text).toContain(`"${code}"`);
  });

  it('answers a request with an unknown expectation, and one that wants another protocol', async () => {
    for (const header of [
      { Expect: 'the-unexpected', Connection: 'close' },
      { Upgrade: 'websocket', Connection: 'close, Upgrade' },
    ]) {
      const answer = await rawExchange(server.port, `${head('GET /api/v1/health', header)}\r\n\r\n`);
      expect(statusesOf(answer)[0]).toBe(200);
    }
  });
});
