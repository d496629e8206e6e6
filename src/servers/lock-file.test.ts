import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm, utimes, writeFile, mkdir } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { takeLock } from './lock-file.js';
import { processRef } from './process-ref.js';

let dir: string;
let file: string;

beforeEach(async () => {
  dir = await mkdtemp(path.join(os.tmpdir(), 'xyn-lock-'));
  file = path.join(dir, 'x.lock');
});
afterEach(() => rm(dir, { recursive: true, force: true }));

const options = { waitMs: 10_000, purpose: 'testing' };

/** A lock as a process that is now dead left it. */
async function leaveStaleLock(): Promise<void> {
  const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' });
  await once(child, 'spawn');
  const holder = await processRef(child.pid ?? 0);
  await writeFile(file, JSON.stringify({ holder, token: 'dead' }));
  const exited = once(child, 'exit');
  child.kill('SIGKILL');
  await exited;
}

describe('takeLock', () => {
  it('lets one holder in at a time, also within one process', async () => {
    let inside = 0;
    let most = 0;
    const one = async (): Promise<void> => {
      const lock = await takeLock(file, options);
      inside += 1;
      most = Math.max(most, inside);
      await new Promise((resolve) => setImmediate(resolve));
      inside -= 1;
      await lock.release();
    };
    await Promise.all(Array.from({ length: 5 }, one));
    expect(most).toBe(1);
    expect(await readdir(dir)).toEqual([]);
  });

  it('refuses after the wait, naming the living holder', async () => {
    const lock = await takeLock(file, options);
    const waits: number[] = [];
    const second = takeLock(file, { ...options, waitMs: 200, onWait: (pid) => waits.push(pid) });
    await expect(second).rejects.toMatchObject({ code: 'already_running', details: { pid: process.pid } });
    expect(waits).toEqual([process.pid]);
    await lock.release();
    await (await takeLock(file, { ...options, waitMs: 0 })).release();
  });

  it('takes over the lock of a killed process, once for many who want it', async () => {
    await leaveStaleLock();
    let inside = 0;
    const one = async (): Promise<void> => {
      const lock = await takeLock(file, options);
      inside += 1;
      expect(inside).toBe(1);
      inside -= 1;
      await lock.release();
    };
    await Promise.all(Array.from({ length: 8 }, one));
    expect(await readdir(dir)).toEqual([]);
  });

  it('does not trust a pid that another process bears now', async () => {
    const self = await processRef(process.pid);
    await writeFile(file, JSON.stringify({ holder: { pid: process.pid, start: `${self?.start}0` }, token: 'old' }));
    await (await takeLock(file, { ...options, waitMs: 2_000 })).release();
  });

  it('recovers from a damaged lock and from a removal that was cut off', async () => {
    await writeFile(file, '{');
    await mkdir(`${file}.breaking`);
    const old = new Date(Date.now() - 60_000);
    await utimes(`${file}.breaking`, old, old);
    await (await takeLock(file, { ...options, waitMs: 2_000 })).release();
    expect(await readdir(dir)).toEqual([]);
  });

  it('leaves the lock of another holder alone when released twice', async () => {
    const first = await takeLock(file, options);
    await first.release();
    const second = await takeLock(file, options);
    await first.release();
    await expect(takeLock(file, { ...options, waitMs: 0 })).rejects.toMatchObject({ code: 'already_running' });
    await second.release();
  });
});
