import { randomUUID } from 'node:crypto';
import { link, mkdir, readFile, rm, rmdir, stat, writeFile } from 'node:fs/promises';
import { z } from 'zod';
import { XynFault } from '../domain/fault.js';
import { isAlive, processRef, processRefSchema } from './process-ref.js';
import { waitUntil } from './wait-until.js';

const holderSchema = z.strictObject({ holder: processRefSchema, token: z.string() });

/** A held lock. */
export interface HeldLock {
  /** Idempotent. */
  release(): Promise<void>;
}

/** Who waits how long for a lock. */
export interface LockOptions {
  /** How long to wait for a living holder. */
  waitMs: number;
  /** What the lock protects, for the error message. */
  purpose: string;
  /** Called once, when somebody else holds the lock. */
  onWait?: (holderPid: number) => void;
}

/**
 * Takes a lock file that names its holder by pid and start time, so that a lock left by a killed process never blocks.
 * Excludes callers of the same process too. The folder must exist.
 * @throws XynFault `already_running` when a living process still holds it after `waitMs`; errors of the file system as
 * they are.
 */
export async function takeLock(file: string, { waitMs, purpose, onWait }: LockOptions): Promise<HeldLock> {
  const holder = await processRef(process.pid);
  if (!holder) throw new XynFault('internal', 'This process cannot see itself in the process table.');
  const token = randomUUID();
  const own = `${file}.${token}`;
  await writeFile(own, JSON.stringify({ holder, token }), { mode: 0o600, flag: 'wx' });
  let saidWaiting = false;
  try {
    const taken = await waitUntil(
      async () => {
        if (await tryLink(own, file)) return true;
        const other = await readHolder(file);
        if (typeof other === 'object' && (await isAlive(other.holder))) {
          if (!saidWaiting) onWait?.(other.holder.pid);
          saidWaiting = true;
        } else if (other !== 'missing') {
          await removeStale(file);
        }
        return undefined;
      },
      { timeoutMs: waitMs, intervalMs: 100 },
    );
    if (!taken) throw await stillHeld(file, purpose);
  } finally {
    await rm(own, { force: true });
  }
  return {
    async release() {
      const now = await readHolder(file);
      if (typeof now === 'object' && now.token === token) await rm(file, { force: true });
    },
  };
}

async function stillHeld(file: string, purpose: string): Promise<XynFault> {
  const now = await readHolder(file);
  const pid = typeof now === 'object' ? now.holder.pid : undefined;
  const message = `Process ${pid ?? 'unknown'} is ${purpose} and has not finished; wait for it or end it. Lock: ${file}`;
  return new XynFault('already_running', message, { details: { pid, file } });
}

/** A link either appears whole or not at all, so nobody ever reads a half-written lock. */
async function tryLink(own: string, file: string): Promise<boolean> {
  try {
    await link(own, file);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

async function readHolder(file: string): Promise<z.infer<typeof holderSchema> | 'missing' | 'broken'> {
  try {
    return holderSchema.parse(JSON.parse(await readFile(file, 'utf8')));
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'missing' : 'broken';
  }
}

/**
 * Two who both saw a stale lock must not both remove it: the second would remove the lock that the first has just taken.
 * So removal happens inside a second, short lock (a folder), and only after another look.
 */
async function removeStale(file: string): Promise<void> {
  const breaker = `${file}.breaking`;
  try {
    await mkdir(breaker);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    const ageMs = Date.now() - ((await stat(breaker).catch(() => undefined))?.mtimeMs ?? Date.now());
    // Held for a few file operations only; this old, its process died in between.
    if (ageMs > 10_000) await rmdir(breaker).catch(() => undefined);
    return;
  }
  try {
    const holder = await readHolder(file);
    // A missing file is left alone: somebody may take the lock right now.
    if (holder === 'missing') return;
    if (holder === 'broken' || !(await isAlive(holder.holder))) await rm(file, { force: true });
  } finally {
    await rmdir(breaker).catch(() => undefined);
  }
}
