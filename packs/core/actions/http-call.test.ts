import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createServer as createHttps, type Server as HttpsServer } from 'node:https';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTcp, type AddressInfo, type LookupFunction, type Server as TcpServer } from 'node:net';
import type { Json, JsonObject } from '../../../src/domain/json.js';
import { actionContext, failureOf, type World } from '../../../test/support/action-context.js';
import { selfSigned } from '../../../test/support/certificate.js';
import { until } from '../../../test/support/until.js';
import { httpCallWith } from './http-call.js';

const LOOPBACK = ['127.0.0.0/8', '::1'];
const SECRETS = { 'api/token': 'tok-1234567890\n', 'api/password': 'pass-1234567890' };
const certificate = selfSigned('service.example');

interface Seen {
  url: string;
  method: string;
  headers: IncomingMessage['headers'];
  body: string;
}

const seen: Seen[] = [];
let server: Server;
let other: Server;
let secure: HttpsServer;
let decoy: TcpServer;
let decoyConnections = 0;
const portOf = (of: { address(): unknown }): number => (of.address() as AddressInfo).port;
const at = (path: string): string => `http://127.0.0.1:${portOf(server)}${path}`;

const resolving =
  (answers: (name: string) => string[]): LookupFunction =>
  (name, _options, done) =>
    done(
      null,
      answers(name).map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
    );

const action = httpCallWith({ lookup: resolving(() => ['127.0.0.1']), ca: certificate.cert });

function call(input: JsonObject, world: World = {}, by = action): Promise<Json> {
  return by.execute(by.input.parse(input), actionContext({ grants: LOOPBACK, secrets: SECRETS, ...world }));
}

function serve(request: IncomingMessage, response: ServerResponse): void {
  let body = '';
  request.on('data', (chunk: Buffer) => (body += chunk.toString()));
  request.on('end', () => {
    const url = request.url ?? '';
    seen.push({ url, method: request.method ?? '', headers: request.headers, body });
    const { searchParams, pathname } = new URL(url, 'http://x');
    const json = (value: unknown, status = 200): void => {
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
    };
    const to = searchParams.get('to');
    if (pathname === '/status') {
      response.writeHead(Number(searchParams.get('code')), { 'retry-after': '7' }).end('no '.repeat(1_000));
    } else if (to !== null) response.writeHead(Number(searchParams.get('code') ?? 302), { location: to }).end();
    else if (pathname === '/loop') response.writeHead(302, { location: '/loop' }).end();
    else if (pathname === '/large') response.end('x'.repeat(5_000));
    else if (pathname === '/endless') {
      const timer = setInterval(() => response.write('x'.repeat(65_536)), 1);
      response.on('close', () => clearInterval(timer));
    } else if (pathname === '/break') request.socket.resetAndDestroy();
    else if (pathname === '/hang') response.flushHeaders();
    else if (pathname === '/deep')
      response.setHeader('content-type', 'application/json').end('['.repeat(9_000) + ']'.repeat(9_000));
    else if (pathname === '/huge-number') response.setHeader('content-type', 'application/json').end('{"n":1e999}');
    else json({ path: url });
  });
}

async function listen<S extends { listen(port: number, host: string, done: () => void): unknown }>(of: S): Promise<S> {
  await new Promise<void>((resolve) => of.listen(0, '127.0.0.1', resolve));
  return of;
}

beforeAll(async () => {
  server = await listen(createServer(serve));
  other = await listen(createServer(serve));
  secure = await listen(createHttps(certificate, serve));
  decoy = await listen(
    createTcp((socket) => {
      decoyConnections += 1;
      socket.destroy();
    }),
  );
});

afterAll(async () => {
  for (const http of [server, other, secure]) http.closeAllConnections();
  await Promise.all([server, other, secure, decoy].map((of) => new Promise((resolve) => of.close(resolve))));
});

describe('http.call', () => {
  it('sends method, headers, query and body, and parses JSON', async () => {
    const output = await call({
      url: at('/a?x=1'),
      method: 'POST',
      query: { 'y z': 'ä&b' },
      headers: { 'X-One': '1' },
      body: { n: 1 },
      idempotency_header: 'Idempotency-Key',
    });
    expect(output).toMatchObject({ status: 200, body: { path: '/a?x=1&y+z=%C3%A4%26b' } });
    expect(seen.at(-1)).toMatchObject({
      method: 'POST',
      body: '{"n":1}',
      headers: { 'x-one': '1', 'content-type': 'application/json', 'idempotency-key': 'key-of-the-step' },
    });
  });

  it('looks secrets up for bearer and basic', async () => {
    await call({ url: at('/'), auth: { bearer: { secret: 'api/token' } } });
    expect(seen.at(-1)?.headers.authorization).toBe('Bearer tok-1234567890');
    await call({ url: at('/'), auth: { user: 'me', password: { secret: 'api/password' } } });
    expect(seen.at(-1)?.headers.authorization).toBe(`Basic ${Buffer.from('me:pass-1234567890').toString('base64')}`);
    const missing = call({ url: at('/'), auth: { bearer: { secret: 'nope' } } });
    expect(await failureOf(missing)).toMatchObject({ code: 'secret_not_found' });
  });

  it.each([
    [404, false],
    [429, true],
    [503, true],
  ])('fails on %d, retryable: %s, with an excerpt and the pause that the target asks for', async (code, retryable) => {
    const facts = await failureOf(call({ url: at(`/status?code=${code}`) }));
    expect(facts).toMatchObject({ code: 'http_status', status: code, retryable, retry_after_ms: 7_000 });
    expect(facts.excerpt).toHaveLength(1_024);
  });

  it('takes the statuses of accept, redirects too', async () => {
    expect(await call({ url: at('/status?code=404'), accept: [404] })).toMatchObject({ status: 404 });
    expect(await call({ url: at('/?to=/b'), accept: [302] })).toMatchObject({ status: 302 });
  });

  it('bounds the body, also one that never ends', async () => {
    expect(await failureOf(call({ url: at('/large'), max_bytes: 4_999 }))).toMatchObject({
      code: 'response_too_large',
    });
    expect(await call({ url: at('/large'), max_bytes: 5_000 })).toMatchObject({ bytes: 5_000 });
    expect(await failureOf(call({ url: at('/endless') }))).toMatchObject({ code: 'response_too_large' });
  });

  it('keeps JSON that no value of the language can hold as text', async () => {
    expect(await call({ url: at('/huge-number') })).toMatchObject({ body: '{"n":1e999}' });
    expect(((await call({ url: at('/deep') })) as { body: unknown }).body).toMatch(/^\[{9000}/);
  });

  it('ends when its signal aborts', async () => {
    const control = new AbortController();
    const running = call({ url: at('/hang') }, { signal: control.signal });
    await until('the request has come', () => seen.at(-1)?.url === '/hang');
    control.abort(new Error('cancelled'));
    await expect(running).rejects.toThrow('cancelled');
  });

  it('knows whether something was sent when there is no answer', async () => {
    const free = await listen(createTcp());
    const port = portOf(free);
    await new Promise((resolve) => free.close(resolve));
    const refused = call({ url: `http://127.0.0.1:${port}/`, method: 'POST' });
    expect(await failureOf(refused)).toMatchObject({ code: 'connect_failed', retryable: true });
    expect(await failureOf(call({ url: at('/break'), method: 'POST' }))).toMatchObject({ code: 'outcome_unknown' });
    expect(await failureOf(call({ url: at('/break') }))).toMatchObject({ code: 'connect_failed', retryable: true });
    const keyed = call({ url: at('/break'), method: 'POST', idempotency_header: 'Key' });
    expect(await failureOf(keyed)).toMatchObject({ code: 'connect_failed' });
  });

  it.each([
    [{ 'X-A': 'a\r\nX-B: b' }],
    [{ 'X-A': 'a\nb' }],
    [{ 'X-A': 'a\u0000' }],
    [{ 'X-A': '\u010d\u010a' }],
    [{ 'X A': 'a' }],
    [{ 'X-A\r\nX-B': 'a' }],
    [{ 'Transfer-Encoding': 'chunked' }],
    [{ 'content-length': '3' }],
  ])('refuses the header %j before it connects', async (headers) => {
    const before = seen.length;
    expect(await failureOf(call({ url: at('/'), headers }))).toMatchObject({
      code: 'header_invalid',
      retryable: false,
    });
    expect(seen).toHaveLength(before);
  });

  it('takes no credentials in the address', () => {
    expect(action.input.safeParse({ url: 'http://a:b@service.example/' }).success).toBe(false);
  });
});

describe('redirects', () => {
  it('follows three and not four', async () => {
    const hop = (n: number): string => (n === 0 ? '/end' : `/?to=${encodeURIComponent(hop(n - 1))}`);
    expect(await call({ url: at(hop(3)) })).toMatchObject({ status: 200, body: { path: '/end' } });
    expect(await failureOf(call({ url: at(hop(4)) }))).toMatchObject({ code: 'http_status', status: 302 });
    expect(await failureOf(call({ url: at('/loop') }))).toMatchObject({ code: 'http_status' });
  });

  it('leaves credentials behind at another origin, and keeps them at the same', async () => {
    const headers = { Cookie: 'c=1', 'X-Api-Key': 'k', Accept: 'text/plain' };
    const auth = { bearer: { secret: 'api/token' } };
    await call({ url: at('/?to=/same'), headers, auth });
    expect(seen.at(-1)).toMatchObject({
      url: '/same',
      headers: { cookie: 'c=1', authorization: 'Bearer tok-1234567890' },
    });
    const away = `http://127.0.0.1:${portOf(other)}/away`;
    await call({ url: at(`/?to=${encodeURIComponent(away)}`), headers, auth });
    const last = seen.at(-1);
    expect(last?.url).toBe('/away');
    expect(last?.headers.accept).toBe('text/plain');
    for (const name of ['cookie', 'x-api-key', 'authorization']) expect(last?.headers).not.toHaveProperty(name);
  });

  it('sends the body again for 307 only', async () => {
    await call({ url: at('/?to=/x&code=307'), method: 'POST', body: 'b' });
    expect(seen.at(-1)).toMatchObject({ method: 'POST', body: 'b' });
    await call({ url: at('/?to=/x&code=303'), method: 'POST', body: 'b' });
    expect(seen.at(-1)).toMatchObject({ method: 'GET', body: '' });
    expect(seen.at(-1)?.headers).not.toHaveProperty('content-type');
  });

  it('goes to no private address and to no other protocol', async () => {
    // The name of the first server is granted, its addresses are not: what it redirects to must be allowed by itself.
    const world = { grants: ['service.example'] };
    const start = (to: string): string => `http://service.example:${portOf(server)}/?to=${encodeURIComponent(to)}`;
    for (const to of [
      `http://127.0.0.1:${portOf(decoy)}/`,
      `http://inner.example:${portOf(decoy)}/`,
      'file:///etc/passwd',
      'gopher://x/',
    ]) {
      expect(await failureOf(call({ url: start(to) }, world))).toMatchObject({ code: 'egress_denied' });
    }
    expect(decoyConnections).toBe(0);
  });
});

describe('TLS', () => {
  const url = (name: string): string => `https://${name}:${portOf(secure)}/tls`;

  it('speaks to a target whose certificate is valid for it', async () => {
    expect(await call({ url: url('service.example') })).toMatchObject({ status: 200 });
  });

  it('refuses other names and other authorities before anything is sent', async () => {
    const before = seen.length;
    expect(await failureOf(call({ url: url('other.example') }))).toMatchObject({
      code: 'tls_invalid',
      retryable: false,
    });
    const plain = httpCallWith({ lookup: resolving(() => ['127.0.0.1']) });
    const untrusted = call({ url: url('service.example'), method: 'POST' }, {}, plain);
    expect(await failureOf(untrusted)).toMatchObject({ code: 'tls_invalid' });
    expect(seen).toHaveLength(before);
  });
});

describe('the egress guard', () => {
  const HOSTS = [
    ...['127.0.0.1', '127.1', '127.0.0.1.', '2130706433', '0x7f000001', '0177.0.0.1', '0x7f.1', '①②⑦.0.0.1'],
    ...['0.0.0.0', '0', '10.0.0.1', '172.16.0.1', '172.31.255.255', '192.168.1.1', '169.254.169.254', '100.64.0.1'],
    ...['198.18.0.1', '198.19.255.255', '192.0.0.1', '192.0.2.1', '224.0.0.1', '240.0.0.1', '255.255.255.255'],
    ...['168.63.129.16', '[::1]', '[::]', '[::ffff:127.0.0.1]', '[::ffff:169.254.169.254]', '[::ffff:7f00:1]'],
    ...['[64:ff9b::7f00:1]', '[2002:7f00:1::]', '[2001:0:7f00:1::]', '[fe80::1]', '[fc00::1]', '[fd00:ec2::254]'],
    ...['[ff02::1]', '[::127.0.0.1]', '[2001:db8::1]', 'localhost', 'inner.example'],
  ];

  it.each(HOSTS)('does not let http://%s be called', async (host) => {
    const url = `http://${host}:${portOf(decoy)}/latest/meta-data`;
    const input = action.input.safeParse({ url });
    if (!input.success) return;
    const facts = await failureOf(action.execute(input.data, actionContext({ grants: [] })));
    expect(facts).toMatchObject({ code: 'egress_denied', retryable: false });
    expect(decoyConnections).toBe(0);
  });

  it('refuses a name as soon as one of its addresses is private', async () => {
    const mixed = httpCallWith({ lookup: resolving(() => ['93.184.215.14', '127.0.0.1']) });
    const running = call({ url: `http://mixed.example:${portOf(decoy)}/` }, { grants: [] }, mixed);
    expect(await failureOf(running)).toMatchObject({ code: 'egress_denied' });
    expect(decoyConnections).toBe(0);
  });

  it('checks the very address that it connects to, so that a name cannot change in between', async () => {
    const answers = [['127.0.0.1'], ['127.0.0.2'], ['10.0.0.1']];
    const asked: string[] = [];
    const rebinding = httpCallWith({
      lookup: resolving((name) => {
        asked.push(name);
        return answers[asked.length - 1] ?? ['10.0.0.1'];
      }),
    });
    const world = { grants: ['127.0.0.1'] };
    const url = `http://rebind.example:${portOf(server)}/`;
    expect(await call({ url }, world, rebinding)).toMatchObject({ status: 200 });
    expect(asked).toHaveLength(1);
    expect(await failureOf(call({ url }, world, rebinding))).toMatchObject({ code: 'egress_denied' });
    expect(await failureOf(call({ url }, world, rebinding))).toMatchObject({ code: 'egress_denied' });
  });

  it.each([[['127.0.0.0/8']], [['127.0.0.1']], [['inner.example']], [['::/0', '127.0.0.1/32']]])(
    'lets a grant %j be used',
    async (grants) => {
      const url = `http://inner.example:${portOf(server)}/granted`;
      expect(await call({ url }, { grants })).toMatchObject({ status: 200 });
    },
  );

  it('speaks http and https only', () => {
    for (const url of ['file:///etc/passwd', 'ftp://a/', 'gopher://a/', 'javascript:1', 'data:,x', '//a/', 'a']) {
      expect(action.input.safeParse({ url }).success).toBe(false);
    }
  });
});
