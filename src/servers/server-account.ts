import { execFile } from 'node:child_process';
import { chown, readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { XynFault } from '../domain/fault.js';

const run = promisify(execFile);

/** The account that a server which refuses to run as root is started under; absent: our own. */
export interface ServerAccount {
  name: string;
  uid: number;
  gid: number;
}

/**
 * As root: the owner of what is already there, else `postgres`, else `nobody`; as anybody else: `undefined`. Creates no
 * account.
 * @throws XynFault `data_dir_unusable` when root has no such account to give way to.
 */
export async function accountFor(data: string): Promise<ServerAccount | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  const accounts = (await readFile('/etc/passwd', 'utf8')).split('\n').map((line) => line.split(':'));
  const owner = (await stat(data).catch(() => undefined))?.uid ?? 0;
  const row =
    (owner === 0 ? undefined : accounts.find((fields) => fields[2] === String(owner))) ??
    accounts.find(([name]) => name === 'postgres') ??
    accounts.find(([name]) => name === 'nobody');
  if (!row) {
    const message =
      'Postgres refuses to run as root and there is no account `postgres` or `nobody`. Start as another user.';
    throw new XynFault('data_dir_unusable', message);
  }
  return { name: row[0] ?? '', uid: Number(row[2]), gid: Number(row[3]) };
}

/** Gives a file or folder to the account; nothing to do when it is ours. */
export async function giveTo(account: ServerAccount | undefined, file: string): Promise<void> {
  if (account) await chown(file, account.uid, account.gid);
}

/** What makes a child process run under the account. */
export function spawnIdentity(account: ServerAccount | undefined): { uid?: number; gid?: number } {
  return account ? { uid: account.uid, gid: account.gid } : {};
}

/**
 * Proves that the account reaches the folder, which fails below a private home of root.
 * @throws XynFault `data_dir_unusable` naming the first folder in the way.
 */
export async function requireReach(account: ServerAccount | undefined, folder: string, holds: string): Promise<void> {
  if (!account) return;
  try {
    await run('/bin/sh', ['-c', 'cd "$1"', 'sh', folder], { ...spawnIdentity(account), cwd: '/', env: {} });
  } catch (cause) {
    const barrier = (await firstBarrier(account, folder)) ?? folder;
    const message =
      `The account \`${account.name}\`, under which root starts Postgres, cannot enter ${barrier}, where ${holds}. ` +
      `Run \`chmod o+x ${barrier}\`, use a folder elsewhere, or start as a user other than root.`;
    throw new XynFault('data_dir_unusable', message, { cause, details: { folder: barrier, account: account.name } });
  }
}

async function firstBarrier(account: ServerAccount, folder: string): Promise<string | undefined> {
  const parts = path.resolve(folder).split(path.sep).filter(Boolean);
  for (let depth = 1; depth <= parts.length; depth += 1) {
    const at = `/${parts.slice(0, depth).join('/')}`;
    const { mode, uid, gid } = await stat(at);
    const bit = uid === account.uid ? 0o100 : gid === account.gid ? 0o010 : 0o001;
    if ((mode & bit) === 0) return at;
  }
  return undefined;
}
