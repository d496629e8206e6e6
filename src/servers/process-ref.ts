import { execFile } from 'node:child_process';
import { readFile, readdir } from 'node:fs/promises';
import { promisify } from 'node:util';
import { z } from 'zod';
import { waitUntil } from './wait-until.js';

const run = promisify(execFile);
const onLinux = process.platform === 'linux';

/** A process that cannot be mistaken for a later one with the same number. */
export const processRefSchema = z.strictObject({
  pid: z.int().positive(),
  /** Opaque; changes with every process and every boot. */
  start: z.string().min(1),
});
export type ProcessRef = z.infer<typeof processRefSchema>;

/** The process with this number, or `undefined` when there is none. One that only waits to be reaped counts as gone. */
export async function processRef(pid: number): Promise<ProcessRef | undefined> {
  const start = onLinux ? await startOnLinux(pid) : await startByPs(pid);
  return start === undefined ? undefined : { pid, start };
}

/** Whether exactly this process still runs. */
export async function isAlive(ref: ProcessRef): Promise<boolean> {
  return (await processRef(ref.pid))?.start === ref.start;
}

/** The arguments of a process; empty when it is gone or not ours to see. Elsewhere than on Linux split at blanks. */
export async function argumentsOf(pid: number): Promise<string[]> {
  if (onLinux) return (await readText(`/proc/${pid}/cmdline`)).split('\0').filter(Boolean);
  return (await ps(pid, 'command=')).split(/\s+/).filter(Boolean);
}

/** Numbers of all processes that may be looked at. */
export async function allPids(): Promise<number[]> {
  if (onLinux) return (await readdir('/proc')).map(Number).filter(Number.isInteger);
  const { stdout } = await run('ps', ['-axo', 'pid=']);
  return stdout.split('\n').map(Number).filter(Boolean);
}

/**
 * Asks the process to end, and kills it when it has not after `graceMs`. Does nothing when the number now belongs to
 * another process. Returns whether it had to be killed.
 */
export async function endProcess(ref: ProcessRef, graceMs: number): Promise<{ killed: boolean }> {
  const gone = async (): Promise<boolean> => !(await isAlive(ref));
  if (await gone()) return { killed: false };
  sendSignal(ref.pid, 'SIGTERM');
  if ((await waitUntil(gone, { timeoutMs: graceMs, intervalMs: 20 })) === true) return { killed: false };
  sendSignal(ref.pid, 'SIGKILL');
  await waitUntil(gone, { timeoutMs: 5_000, intervalMs: 20 });
  return { killed: true };
}

function sendSignal(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

async function startOnLinux(pid: number): Promise<string | undefined> {
  const stat = await readText(`/proc/${pid}/stat`);
  // The name stands in parentheses and may itself hold blanks and parentheses.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const state = fields[0];
  const ticks = fields[19];
  if (!stat || ticks === undefined || state === 'Z' || state === 'X') return undefined;
  return `${(await readText('/proc/sys/kernel/random/boot_id')).trim()}:${ticks}`;
}

async function startByPs(pid: number): Promise<string | undefined> {
  const [state, ...start] = (await ps(pid, 'stat=,lstart=')).trim().split(/\s+/);
  if (!state || state.startsWith('Z') || start.length === 0) return undefined;
  return start.join(' ');
}

async function ps(pid: number, columns: string): Promise<string> {
  try {
    return (await run('ps', ['-o', columns, '-p', String(pid)], { env: { PATH: '/bin:/usr/bin', LC_ALL: 'C' } }))
      .stdout;
  } catch {
    return '';
  }
}

async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch {
    return '';
  }
}
