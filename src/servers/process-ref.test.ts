import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, it } from '@jest/globals';
import { argumentsOf, endProcess, isAlive, processRef, type ProcessRef } from './process-ref.js';

async function start(script: string): Promise<{ child: ChildProcess; ref: ProcessRef }> {
  const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'ignore'] });
  await once(child.stdout as NodeJS.ReadableStream, 'data');
  const ref = await processRef(child.pid ?? 0);
  if (!ref) throw new Error('the child is not there');
  return { child, ref };
}

describe('process references', () => {
  it('name this process the same way every time', async () => {
    const first = await processRef(process.pid);
    expect(first).toBeDefined();
    expect(await processRef(process.pid)).toEqual(first);
    expect((await argumentsOf(process.pid)).length).toBeGreaterThan(0);
  });

  it('end with a polite process without killing it', async () => {
    const { ref } = await start('setInterval(() => {}, 1000); console.log(1)');
    expect(await endProcess(ref, 5_000)).toEqual({ killed: false });
    expect(await isAlive(ref)).toBe(false);
    expect(await endProcess(ref, 5_000)).toEqual({ killed: false });
  });

  it('kill a process that does not listen', async () => {
    const { ref } = await start("process.on('SIGTERM', () => {}); setInterval(() => {}, 1000); console.log(1)");
    expect(await endProcess(ref, 200)).toEqual({ killed: true });
    expect(await isAlive(ref)).toBe(false);
  });

  it('never touch a process that only has the same number', async () => {
    const { child, ref } = await start('setInterval(() => {}, 1000); console.log(1)');
    expect(await endProcess({ pid: ref.pid, start: `${ref.start}0` }, 0)).toEqual({ killed: false });
    expect(await isAlive(ref)).toBe(true);
    const exited = once(child, 'exit');
    child.kill('SIGKILL');
    await exited;
  });
});
