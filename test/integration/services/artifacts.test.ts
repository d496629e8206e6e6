import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startContractServer } from '../../support/api-contract.js';
import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { LocalArtifactStore } from '../../../src/artifacts/local-store.js';
import { catalogAccess } from '../../../src/catalog/unit-of-work.js';
import { createApp } from '../../../src/http/app.js';
import { artifactListSchema, artifactSchema } from '../../../src/http/schemas/artifacts.js';
import type { HttpServer } from '../../../src/http/server.js';
import { ArtifactService } from '../../../src/services/artifacts.js';
import { freshDatabase, type TestDatabase } from '../../support/database.js';
import { fakeServices } from '../../support/fake-services.js';
import { silentLog } from '../../support/node.js';
import { until } from '../../support/until.js';

let database: TestDatabase;
let dir: string;
let server: HttpServer;
let url: string;

beforeAll(async () => {
  database = await freshDatabase();
  dir = await mkdtemp(path.join(tmpdir(), 'xyn-artifacts-'));
  const store = await LocalArtifactStore.open({ dir });
  const artifacts = new ArtifactService({ catalog: catalogAccess(database.catalog), store, envId: 'local' });
  const app = createApp({ ...fakeServices().services, artifacts }, { log: silentLog, version: '1', allowedHosts: [] });
  // Three tenths of a second stand for the fifteen seconds of real uploads.
  const bodyTimes = { totalMs: 300, windowMs: 1_000, windowBytes: 1_000 };
  server = await startContractServer(app, { bodyTimes });
  url = `${server.url}/api/v1/artifacts`;
});

afterAll(async () => {
  await server.close();
  await database.drop();
  await rm(dir, { recursive: true });
});

const shaOf = (bytes: Uint8Array | string): string => createHash('sha256').update(bytes).digest('hex');
const fileOf = (sha256: string): string => path.join(dir, sha256.slice(0, 2), sha256.slice(2, 4), sha256);

async function upload(
  query: Record<string, string>,
  body: string | Uint8Array<ArrayBuffer>,
  headers: Record<string, string> = {},
): Promise<{ status: number; body: ReturnType<typeof JSON.parse> }> {
  const answer = await fetch(`${url}?${new URLSearchParams(query).toString()}`, { method: 'POST', body, headers });
  return { status: answer.status, body: await answer.json() };
}

/** Bytes that this process has read so far. */
async function readBytes(): Promise<number> {
  return Number(/^rchar: (\d+)$/m.exec(await readFile('/proc/self/io', 'utf8'))?.[1]);
}

async function storedFiles(): Promise<string[]> {
  const entries = await readdir(dir, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => entry.name);
}

describe('artifacts over HTTP', () => {
  it('takes raw bytes, tells others, and gives them back as they were', async () => {
    const bytes = new Uint8Array(randomBytes(3_000_000));
    const made = await upload({ name: 'größe “1”.bin', kind: 'bundle', sha256: shaOf(bytes) }, bytes, {
      'content-type': 'application/gzip',
      'x-xyn-actor': 'ann',
    });
    expect(made.status).toBe(201);
    const artifact = artifactSchema.parse(made.body);
    expect(artifact).toMatchObject({
      kind: 'bundle',
      content_type: 'application/gzip',
      byte_length: 3_000_000,
      created_by: 'ann',
      sha256: shaOf(bytes),
      run_id: null,
      metadata: {},
    });
    const got = await fetch(`${url}/${artifact.artifact_id}/download`);
    expect(Buffer.from(await got.arrayBuffer()).equals(bytes)).toBe(true);
    expect(got.headers.get('etag')).toBe(`"${artifact.sha256}"`);
    expect(got.headers.get('content-disposition')).toBe(
      `attachment; filename="gr__e _1_.bin"; filename*=UTF-8''gr%C3%B6%C3%9Fe%20%E2%80%9C1%E2%80%9D.bin`,
    );
    const { rows } = await database.catalog.pool.query(
      `SELECT actor, data FROM events WHERE event_name = 'xyn.artifact.attached' AND resource->>'id' = $1`,
      [artifact.artifact_id],
    );
    expect(rows).toMatchObject([{ actor: 'ann', data: { kind: 'bundle', byte_length: 3_000_000 } }]);
  });

  it('takes small contents inside JSON', async () => {
    const body = {
      name: 'page.html',
      kind: 'report',
      content_type: 'text/html',
      metadata: { of: 'web-1' },
      content_base64: Buffer.from('<script>alert(1)</script>').toString('base64'),
    };
    const headers = { 'content-type': 'application/json', 'idempotency-key': 'once' };
    const send = (over: object = {}) =>
      fetch(url, { method: 'POST', headers, body: JSON.stringify({ ...body, ...over }) });
    const artifact = artifactSchema.parse(await (await send()).json());
    expect(artifact).toMatchObject({ byte_length: 25, metadata: { of: 'web-1' } });
    expect(((await (await send()).json()) as { artifact_id: string }).artifact_id).toBe(artifact.artifact_id);
    const other = await send({ content_base64: 'AAAA' });
    expect(((await other.json()) as { error: { code: string } }).error.code).toBe('idempotency_mismatch');
    expect((await send({ content_base64: 'no base64!' })).status).toBe(422);
    // A browser must not run what somebody left here.
    const got = await fetch(`${url}/${artifact.artifact_id}/download`);
    expect(got.headers.get('content-disposition')).toMatch(/^attachment;/);
    expect(got.headers.get('x-content-type-options')).toBe('nosniff');
    expect(got.headers.get('content-security-policy')).toContain('sandbox');
  });

  it.each([
    '../../etc/passwd',
    'C:\\x',
    'a\u0000b',
    'x'.repeat(256),
    'CON',
    'nul.txt',
    '-rf',
    '.bashrc',
    'a\nb',
    'gnp.\u202Eexe',
    ' ',
    'é'.repeat(128),
  ])('refuses the name %j', async (name) => {
    const { status, body } = await upload({ name }, 'x');
    expect({ status, code: body.error.code }).toEqual({ status: 422, code: 'filename_invalid' });
  });

  it('refuses what does not fit, before anything is kept', async () => {
    const before = await storedFiles();
    const codeOf = async (query: Record<string, string>, headers: Record<string, string> = {}): Promise<string> =>
      String((await upload({ name: 'x', ...query }, 'some new bytes', headers)).body.error.code);
    expect(await codeOf({ sha256: shaOf('other') })).toBe('digest_mismatch');
    expect(await codeOf({ run_id: randomUUID() })).toBe('run_not_found');
    expect(await codeOf({ step_id: randomUUID() })).toBe('request_invalid');
    expect(await codeOf({ kind: 'Not A Word' })).toBe('request_invalid');
    expect(await codeOf({ secret: 'x' })).toBe('request_invalid');
    expect(await codeOf({}, { 'content-type': 'text/html\t; x=<script>' })).toBe('unsupported_media_type');
    expect(await storedFiles()).toEqual(before);
  });

  it('keeps nothing of an upload that ends half way, and refuses one that is too large at once', async () => {
    const before = await storedFiles();
    const listed = async (): Promise<number> =>
      artifactListSchema.parse(await (await fetch(`${url}?limit=200`)).json()).items.length;
    const count = await listed();
    const half = request(`${url}?name=half`, { method: 'POST', headers: { 'content-length': '1000000' } });
    half.on('error', () => undefined);
    half.write(randomBytes(500_000));
    await until('bytes lie in a temporary file', async () => (await storedFiles()).length > before.length);
    half.destroy();
    await until('the temporary file is gone', async () => (await storedFiles()).length === before.length);
    expect(await listed()).toBe(count);

    const large = request(`${url}?name=large`, { method: 'POST', headers: { 'content-length': String(2 ** 40) } });
    large.on('error', () => undefined);
    large.flushHeaders();
    const status = await new Promise((resolve) => large.on('response', (answer) => resolve(answer.statusCode)));
    expect(status).toBe(413);
    large.destroy();
  });

  it('takes an upload that is slow but goes on, and cuts off one that stands still', async () => {
    const before = await storedFiles();
    const slow = request(`${url}?name=slow`, { method: 'POST' });
    const answered = new Promise<number | undefined>((resolve) => slow.on('response', (a) => resolve(a.statusCode)));
    for (let i = 0; i < 13; i += 1) {
      slow.write(randomBytes(2_000));
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    slow.end();
    expect(await answered).toBe(201);

    const stuck = request(`${url}?name=stuck`, { method: 'POST', headers: { 'content-length': '1000000' } });
    stuck.on('error', () => undefined);
    stuck.write(randomBytes(2_000));
    const status = await new Promise((resolve) => stuck.on('response', (answer) => resolve(answer.statusCode)));
    expect(status).toBe(408);
    await until('the temporary file is gone', async () => (await storedFiles()).length === before.length + 1);

    // Whatever is not an upload has the usual time, however it trickles.
    const body = request(url, { method: 'POST', headers: { 'content-type': 'application/json' } });
    body.on('error', () => undefined);
    const trickle = setInterval(() => body.write(' '.repeat(2_000)), 50);
    const refused = await new Promise((resolve) => body.on('response', (answer) => resolve(answer.statusCode)));
    clearInterval(trickle);
    expect(refused).toBe(408);
    expect((await fetch(`${url}?limit=1`)).status).toBe(200);
  });

  it('says so when stored bytes were changed', async () => {
    const { body } = await upload({ name: 'proof.txt' }, 'what really was');
    await writeFile(fileOf(body.sha256), 'what never was!');
    for (const range of [{}, { range: 'bytes=0-3' }]) {
      const got = await fetch(`${url}/${body.artifact_id}/download`, { headers: range });
      expect(got.status).toBe(500);
      expect(got.headers.get('content-disposition')).toBeNull();
      expect(((await got.json()) as { error: { code: string } }).error.code).toBe('artifact_damaged');
    }
  });

  it.each([
    // what is asked for, status, first and last byte of 1000
    ['bytes=0-0', 206, 0, 0],
    ['bytes=0-99', 206, 0, 99],
    ['bytes=990-', 206, 990, 999],
    ['bytes=990-5000', 206, 990, 999],
    ['bytes=-10', 206, 990, 999],
    ['bytes=-5000', 206, 0, 999],
    ['BYTES=5-6', 206, 5, 6],
    ['bytes=1000-', 416, 0, 0],
    ['bytes=1000-1001', 416, 0, 0],
    ['bytes=-0', 416, 0, 0],
    // Passed over: not one range of bytes.
    ['bytes=0-1,5-6', 200, 0, 999],
    [`bytes=${'0-,'.repeat(500)}0-`, 200, 0, 999],
    ['bytes=9-5', 200, 0, 999],
    ['bytes=-', 200, 0, 999],
    ['bytes=a-b', 200, 0, 999],
    ['bytes=0x1-2', 200, 0, 999],
    ['lines=1-2', 200, 0, 999],
    ['bytes=99999999999999999999-', 200, 0, 999],
  ])('answers the range %s with %d', async (range, status, first, last) => {
    const bytes = Buffer.from(Array.from({ length: 1_000 }, (_, i) => i % 251));
    const { body } = await upload({ name: 'ranges.bin' }, new Uint8Array(bytes));
    const got = await fetch(`${url}/${body.artifact_id}/download`, { headers: { range } });
    expect(got.status).toBe(status);
    expect(got.headers.get('accept-ranges')).toBe('bytes');
    if (status === 416) {
      expect(got.headers.get('content-range')).toBe('bytes */1000');
      expect(((await got.json()) as { error: { code: string } }).error.code).toBe('range_not_satisfiable');
      return;
    }
    expect(got.headers.get('content-range')).toBe(status === 206 ? `bytes ${first}-${last}/1000` : null);
    expect(got.headers.get('content-length')).toBe(String(last - first + 1));
    expect(Buffer.from(await got.arrayBuffer()).equals(bytes.subarray(first, last + 1))).toBe(true);
  });

  it('serves a range only of the version that the client has, and nothing that it has already', async () => {
    const { body } = await upload({ name: 'v.txt' }, 'version one');
    const get = (headers: Record<string, string>, method = 'GET') =>
      fetch(`${url}/${body.artifact_id}/download`, { method, headers });
    const tag = `"${body.sha256}"`;
    const part = { range: 'bytes=0-6' };
    expect((await get({ ...part, 'if-range': tag })).status).toBe(206);
    for (const other of ['"other"', `W/${tag}`, 'Sat, 21 Nov 2026 10:00:00 GMT']) {
      const whole = await get({ ...part, 'if-range': other });
      expect([whole.status, await whole.text()]).toEqual([200, 'version one']);
    }
    expect((await get({ 'if-none-match': `"other", W/${tag}` })).status).toBe(304);
    expect((await get({ 'if-none-match': '"other"' })).status).toBe(200);
    const head = await get(part, 'HEAD');
    expect([head.status, head.headers.get('content-length'), head.headers.get('etag')]).toEqual([200, '11', tag]);
    expect(head.headers.get('accept-ranges')).toBe('bytes');
  });

  it('reads a large file once, however many parts of it are asked for', async () => {
    const { body } = await upload({ name: 'big.bin' }, new Uint8Array(randomBytes(20_000_000)));
    const part = async (first: number): Promise<number> => {
      const range = `bytes=${first}-${first}`;
      const got = await fetch(`${url}/${body.artifact_id}/download`, { headers: { range } });
      return (await got.arrayBuffer()).byteLength;
    };
    const before = await readBytes();
    const parts = await Promise.all(Array.from({ length: 100 }, (_, i) => part(i * 1_000)));
    expect(parts).toEqual(parts.map(() => 1));
    const read = (await readBytes()) - before;
    // The file is compared with its digest once, by whoever comes first.
    expect(read).toBeLessThan(60_000_000);
    // Changed bytes are noticed all the same.
    const other = randomBytes(20_000_000);
    await writeFile(fileOf(body.sha256), other);
    const got = await fetch(`${url}/${body.artifact_id}/download`, { headers: { range: 'bytes=0-0' } });
    expect(((await got.json()) as { error: { code: string } }).error.code).toBe('artifact_damaged');
  });

  it('pages newest first and filters', async () => {
    const made: string[] = [];
    for (let i = 0; i < 5; i += 1) made.push((await upload({ name: `${i}`, kind: 'paged' }, `${i}`)).body.artifact_id);
    const seen: string[] = [];
    let cursor: string | null = null;
    do {
      const more: string = cursor === null ? '' : `&cursor=${cursor}`;
      const page = artifactListSchema.parse(await (await fetch(`${url}?limit=2&kind=paged${more}`)).json());
      seen.push(...page.items.map((item) => item.artifact_id));
      cursor = page.next_cursor;
    } while (cursor !== null);
    expect(new Set(seen)).toEqual(new Set(made));
    expect(seen).toHaveLength(5);
  });
});
