import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import path from 'node:path';
import { Readable } from 'node:stream';
import { LocalArtifactStore } from './local-store.js';

let dir: string;
let store: LocalArtifactStore;

beforeEach(async () => {
  dir = await mkdtemp(path.join(tmpdir(), 'xyn-store-'));
  store = await LocalArtifactStore.open({ dir, maxBytes: 1_000_000, maxStoreBytes: 2_000_000 });
});

afterEach(() => rm(dir, { recursive: true }));

const shaOf = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
const fileOf = (sha256: string): string => path.join(dir, sha256.slice(0, 2), sha256.slice(2, 4), sha256);

async function files(): Promise<string[]> {
  const entries = await readdir(dir, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => entry.name);
}

async function bytesOf(stream: AsyncIterable<unknown>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

async function* broken(): AsyncGenerator<Uint8Array> {
  yield await Promise.resolve(randomBytes(10));
  throw new Error('the line broke');
}

/** A process that is gone. */
async function deadPid(): Promise<number> {
  const child = spawn(process.execPath, ['-e', '']);
  await new Promise((resolve) => child.once('exit', resolve));
  return child.pid ?? 0;
}

describe('LocalArtifactStore', () => {
  it('keeps bytes once, by their digest, and gives them back', async () => {
    const bytes = randomBytes(700_000);
    const content = await store.write(Readable.from([bytes.subarray(0, 300_000), bytes.subarray(300_000)]));
    expect(content).toEqual({ sha256: shaOf(bytes), bytes: 700_000 });
    expect(await store.write(Readable.from([bytes]))).toEqual(content);
    expect(await files()).toEqual([content.sha256]);
    expect((await bytesOf(await store.open(content))).equals(bytes)).toBe(true);
    expect((await store.read(content)).equals(bytes)).toBe(true);
  });

  it('notices every change of the bytes, of the same or of another length', async () => {
    const content = await store.write(Readable.from([Buffer.from('the truth')]));
    for (const text of ['the lies!', 'the truth and more']) {
      await writeFile(fileOf(content.sha256), text);
      await expect(store.open(content)).rejects.toMatchObject({ code: 'artifact_damaged' });
      await expect(store.open(content, { first: 0, last: 1 })).rejects.toMatchObject({ code: 'artifact_damaged' });
      await expect(store.read(content)).rejects.toMatchObject({ code: 'artifact_damaged' });
    }
    // Whoever keeps the same bytes again heals them.
    await store.write(Readable.from([Buffer.from('the truth')]));
    expect((await store.read(content)).toString()).toBe('the truth');
    await rm(fileOf(content.sha256));
    await expect(store.open(content)).rejects.toMatchObject({ code: 'artifact_not_found' });
    await expect(store.open({ sha256: '../../../etc/passwd', bytes: 1 })).rejects.toMatchObject({
      code: 'artifact_not_found',
    });
  });

  it('leaves nothing of what fails, is too large, is aborted, or is not what was announced', async () => {
    await expect(store.write(broken())).rejects.toThrow('the line broke');
    await expect(store.write(Readable.from([randomBytes(1_000_001)]))).rejects.toMatchObject({
      code: 'limit_artifact',
    });
    const expected = { sha256: shaOf(Buffer.from('other')) };
    await expect(store.write(Readable.from([Buffer.from('bytes')]), { expected })).rejects.toMatchObject({
      code: 'digest_mismatch',
    });
    await expect(store.write(Readable.from([Buffer.from('bytes')]), { expected: { bytes: 6 } })).rejects.toMatchObject({
      code: 'digest_mismatch',
    });
    const signal = AbortSignal.abort(new Error('stop'));
    await expect(store.write(Readable.from([Buffer.from('bytes')]), { signal })).rejects.toThrow('stop');
    expect(await files()).toEqual([]);
  });

  it('is full at its quota', async () => {
    await store.write(Readable.from([randomBytes(1_000_000)]));
    await store.write(Readable.from([randomBytes(900_000)]));
    await expect(store.write(Readable.from([randomBytes(200_000)]))).rejects.toMatchObject({
      code: 'artifact_storage_full',
    });
    expect(await files()).toHaveLength(2);
  });

  it('removes what a process that was killed left, and nothing of those that live', async () => {
    const draft = await store.draft();
    await draft.append(Buffer.from('on its way'));
    const dead = `${hostname()}~${await deadPid()}~x`;
    const living = `${hostname()}~${process.ppid}~x`;
    for (const name of [dead, living]) await writeFile(path.join(dir, 'tmp', name), 'half of it');
    const child = await killedWhileWriting();
    expect((await files()).some((name) => name.includes(`~${child}~`))).toBe(true);
    await LocalArtifactStore.open({ dir });
    expect(await files()).toEqual([living]);
    await draft.discard();
  });
});

/** Begins an artifact in another process, which is then killed. */
async function killedWhileWriting(): Promise<number> {
  const name = `${hostname()}~`;
  const script = `
    const fs = require('node:fs');
    const fd = fs.openSync(${JSON.stringify(path.join(dir, 'tmp'))} + '/' + ${JSON.stringify(name)} + process.pid + '~y', 'wx');
    fs.writeSync(fd, 'half');
    process.stdout.write('ready');
    setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ['-e', script]);
  await new Promise((resolve) => child.stdout.once('data', resolve));
  const exited = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGKILL');
  await exited;
  return child.pid ?? 0;
}
