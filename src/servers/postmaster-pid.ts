import { readFile, readlink, realpath, rm } from 'node:fs/promises';
import path from 'node:path';
import { XynFault } from '../domain/fault.js';
import type { PostgresCredentials } from './postgres-credentials.js';
import type { PostgresPaths } from './postgres-data.js';
import { servedFolder } from './postgres-roles.js';
import { allPids, argumentsOf, processRef } from './process-ref.js';
import { waitUntil } from './wait-until.js';

/** What the server itself wrote down when it started. */
interface PostmasterPid {
  pid: number;
  port: number | undefined;
}

const pidFile = (data: string): string => path.join(data, 'postmaster.pid');

async function readPostmasterPid(data: string): Promise<PostmasterPid | undefined> {
  const lines = (await readFile(pidFile(data), 'utf8').catch(() => '')).split('\n');
  const pid = Number(lines[0]);
  const port = Number(lines[3]);
  return pid > 0 ? { pid, port: port > 0 ? port : undefined } : undefined;
}

/**
 * Looks at what an earlier start left: returns the port of a server that runs on this very folder and takes our
 * passwords, or `undefined` once the folder is free for a new server (waiting for one that is just ending, and removing
 * a lock that no process holds any more).
 * @throws XynFault `server_start_failed` when a server on this folder neither answers nor ends within `waitMs`.
 */
export async function settleEarlierServer(
  paths: PostgresPaths,
  credentials: PostgresCredentials,
  waitMs: number,
): Promise<number | undefined> {
  const settled = await waitUntil(
    async () => {
      const found = await readPostmasterPid(paths.data);
      if (!found) return 'free' as const;
      if (found.port !== undefined && (await servesFolder(credentials, found.port, paths.data))) return found.port;
      if (await isServerOf(found.pid, paths.data)) return undefined;
      // Its children notice the loss of the postmaster by themselves and leave within moments.
      if (await anyProcessIn(paths.data)) return undefined;
      // The server would only read the number, and refuse for as long as a zombie or another program bears it.
      await rm(pidFile(paths.data), { force: true });
      return 'free' as const;
    },
    { timeoutMs: waitMs, intervalMs: 100 },
  );
  if (settled === 'free') return undefined;
  if (settled !== undefined) return settled;
  const pid = (await readPostmasterPid(paths.data))?.pid;
  const message =
    `A Postgres server (pid ${pid}) uses ${paths.data} but does not answer to the stored passwords. ` +
    `Its log is ${paths.log}. End it with \`kill -INT ${pid}\`, then start again.`;
  throw new XynFault('server_start_failed', message, { details: { pid, log: paths.log } });
}

/** Whether a server that takes our passwords on this port works on this very folder. */
async function servesFolder(credentials: PostgresCredentials, port: number, data: string): Promise<boolean> {
  const folder = await servedFolder(credentials, port);
  return folder !== undefined && (await sameFolder(folder, data));
}

async function sameFolder(left: string, right: string): Promise<boolean> {
  const [a, b] = await Promise.all([left, right].map((folder) => realpath(folder).catch(() => folder)));
  return a === b;
}

/** Whether the number belongs to a living Postgres on this folder, not to a zombie or to a later program. */
async function isServerOf(pid: number, data: string): Promise<boolean> {
  if ((await processRef(pid)) === undefined) return false;
  const cwd = await workingFolder(pid);
  if (cwd !== undefined) return cwd === (await realpath(data));
  return (await argumentsOf(pid)).some((argument) => argument.includes('postgres'));
}

async function anyProcessIn(data: string): Promise<boolean> {
  if (process.platform !== 'linux') return false;
  const folder = await realpath(data);
  for (const pid of await allPids()) {
    if ((await workingFolder(pid)) === folder) return true;
  }
  return false;
}

async function workingFolder(pid: number): Promise<string | undefined> {
  if (process.platform !== 'linux') return undefined;
  return readlink(`/proc/${pid}/cwd`).catch(() => undefined);
}
