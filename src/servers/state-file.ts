import { randomUUID } from 'node:crypto';
import { readFile, rename, rm, truncate, writeFile, copyFile, stat } from 'node:fs/promises';
import type { z } from 'zod';

/** Writes JSON readable by the owner only, whole or not at all. */
export async function writeStateFile(file: string, value: unknown): Promise<void> {
  const next = `${file}.${randomUUID()}`;
  try {
    await writeFile(next, `${JSON.stringify(value, null, 2)}\n`, { mode: 0o600, flag: 'wx', flush: true });
    await rename(next, file);
  } finally {
    await rm(next, { force: true });
  }
}

/** The parsed file; `undefined` when it is missing or not what the schema says. */
export async function readStateFile<T>(file: string, schema: z.ZodType<T>): Promise<T | undefined> {
  try {
    return schema.parse(JSON.parse(await readFile(file, 'utf8')));
  } catch {
    return undefined;
  }
}

const maxLogBytes = 10 * 1024 * 1024;

/** Keeps one older copy of a server's log when it has outgrown 10 MiB; call while the server is down. */
export async function rotateLog(file: string): Promise<void> {
  const size = (await stat(file).catch(() => undefined))?.size ?? 0;
  if (size < maxLogBytes) return;
  // Copied and emptied, not renamed: owner and mode of the file stay what the server needs.
  await copyFile(file, `${file}.1`);
  await truncate(file);
}

/** The end of a log, counted from byte `from` on, for an error message. */
export async function logTail(file: string, lines: number, from = 0): Promise<string> {
  const text = (await readFile(file).catch(() => Buffer.alloc(0))).subarray(from).toString('utf8');
  return text.trimEnd().split('\n').slice(-lines).join('\n');
}
