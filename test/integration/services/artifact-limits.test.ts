import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { createHash, randomBytes } from 'node:crypto';
import { mkdir, open, readFile, readdir, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { Readable } from 'node:stream';
import { ApiProcess } from '../../support/api-process.js';

const MIB = 1_048_576;
const LIMIT = 16 * MIB;
const GIB = 1024 * MIB;
const CHUNK = randomBytes(256 * 1024);

let api: ApiProcess;

beforeAll(async () => {
  api = await ApiProcess.start({ XYN_ARTIFACT_MIB: '16', XYN_ARTIFACT_STORE_GIB: '1' });
});
afterAll(() => api.stop());

interface Answer {
  status: number;
  body: ReturnType<typeof JSON.parse>;
}

/** So many bytes, the same ones for the same tag; never all of them in memory. */
function* bytesOf(length: number, tag: string): Generator<Buffer> {
  const head = Buffer.from(tag.padEnd(16).slice(0, 16));
  for (let left = length; left > 0; left -= CHUNK.length) {
    const chunk = left === length ? Buffer.concat([head, CHUNK.subarray(16)]) : CHUNK;
    yield chunk.subarray(0, left);
  }
}

/** Sends bytes as they are made; without `told` nobody knows before how many will come. */
async function upload(one: ApiProcess, name: string, length: number, told = false): Promise<Answer> {
  const sending = request(`${one.url}/api/v1/artifacts?name=${name}`, {
    method: 'POST',
    headers: told ? { 'content-length': String(length) } : {},
  });
  const answered = new Promise<Answer>((resolve, reject) => {
    sending.on('error', reject).on('response', (response) => {
      void response.toArray().then((parts) => {
        resolve({ status: response.statusCode ?? 0, body: JSON.parse(Buffer.concat(parts as Buffer[]).toString()) });
      });
    });
  });
  // Who is refused in the middle is cut off while it still sends.
  await pipeline(Readable.from(bytesOf(length, name)), sending).catch(() => undefined);
  return answered;
}

const storeOf = (one: ApiProcess): string => path.join(one.stateDir, 'artifacts');

async function filesIn(dir: string): Promise<string[]> {
  const entries = await readdir(dir, { recursive: true, withFileTypes: true }).catch(() => []);
  return entries.filter((entry) => entry.isFile()).map((entry) => entry.name);
}

/** Nothing of a refused upload is left on the disk, in the catalog or in the event log. */
async function expectNoTrace(one: ApiProcess, name: string): Promise<void> {
  expect(await filesIn(path.join(storeOf(one), 'tmp'))).toEqual([]);
  expect(await one.rows('SELECT 1 FROM artifacts WHERE name = $1', [name])).toEqual([]);
  expect(await one.rows("SELECT 1 FROM events WHERE data ->> 'name' = $1", [name])).toEqual([]);
}

const mostMemory = async (): Promise<number> =>
  Number(/^VmHWM:\s+(\d+) kB$/m.exec(await readFile(`/proc/${api.pid}/status`, 'utf8'))?.[1]) / 1024;

it('takes an artifact of the most bytes, and leaves no trace of one with a byte more', async () => {
  const kept = await upload(api, 'at-the-limit', LIMIT);
  const sha256 = createHash('sha256');
  for (const chunk of bytesOf(LIMIT, 'at-the-limit')) sha256.update(chunk);
  expect(kept).toMatchObject({ status: 201, body: { byte_length: LIMIT, sha256: sha256.digest('hex') } });
  const before = await filesIn(storeOf(api));
  for (const told of [false, true]) {
    const refused = await upload(api, 'over-it', LIMIT + 1, told);
    expect(refused).toMatchObject({ status: 413, body: { error: { code: 'limit_artifact' } } });
  }
  expect(await filesIn(storeOf(api))).toEqual(before);
  await expectNoTrace(api, 'over-it');
});

it('takes what fills the store to its quota, and not a byte more', async () => {
  const full = await ApiProcess.start({ XYN_ARTIFACT_STORE_GIB: '1' });
  try {
    // As if others had written before this process looked: 5 MiB are left.
    const folder = path.join(storeOf(full), 'ff', 'ff');
    await mkdir(folder, { recursive: true });
    const file = await open(path.join(folder, 'f'.repeat(64)), 'w');
    await file.truncate(GIB - 5 * MIB);
    await file.close();
    expect(await upload(full, 'fills-it', 5 * MIB)).toMatchObject({ status: 201 });
    const refused = await upload(full, 'one-more', 1);
    expect(refused).toMatchObject({ status: 507, body: { error: { code: 'artifact_storage_full' } } });
    await expectNoTrace(full, 'one-more');
  } finally {
    await full.stop();
  }
});

it('needs no more memory for large uploads than for small ones', async () => {
  await upload(api, 'warm', MIB);
  await writeFile(`/proc/${api.pid}/clear_refs`, '5');
  const before = await mostMemory();
  const answers = await Promise.all(['a', 'b', 'c', 'd', 'e', 'f'].map((name) => upload(api, `many-${name}`, LIMIT)));
  expect(answers.map(({ status }) => status)).toEqual(Array(6).fill(201));
  const grown = (await mostMemory()) - before;
  // Held in memory they would be 96 MiB.
  expect(grown).toBeLessThan(48);
});
