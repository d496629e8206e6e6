import { execFile } from 'node:child_process';
import { chmod, mkdir, open, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { XynFault } from '../domain/fault.js';
import type { PostgresBinaries } from './postgres-binaries.js';
import { ownerRole } from './postgres-credentials.js';
import { giveTo, requireReach, spawnIdentity, type ServerAccount } from './server-account.js';

const run = promisify(execFile);

/** The part of the environment that the server's programs get: nothing of ours, and no locale or zone of the machine. */
export const serverEnv: Readonly<Record<string, string>> = { PATH: '/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC' };

/** The major version whose files the platform packages of this release read; another one needs dump and load. */
const major = '15';

/** Where everything of one embedded server lies. */
export interface PostgresPaths {
  dir: string;
  data: string;
  log: string;
}

/** The layout of a state folder. */
export function postgresPaths(dir: string): PostgresPaths {
  return { dir, data: path.join(dir, 'data'), log: path.join(dir, 'postgres.log') };
}

/**
 * Makes the folder. It is ours alone; where the server runs under another account, others may pass through it and
 * through the parents made with it, but not list them.
 * @throws XynFault `data_dir_unusable` when it cannot be made or written.
 */
export async function prepareFolder(dir: string, account: ServerAccount | undefined): Promise<void> {
  try {
    const topmost = await mkdir(dir, { recursive: true });
    const pass = account ? 0o011 : 0;
    // The owner's own bits stay as they are: a folder made read-only on purpose is refused, not opened.
    await chmod(dir, ((await stat(dir)).mode & 0o700) | pass);
    for (let at = dir; topmost && at !== topmost && at !== path.dirname(at); at = path.dirname(at)) {
      await chmod(path.dirname(at), 0o700 | pass);
    }
    const probe = path.join(dir, `.write-${process.pid}`);
    await (await open(probe, 'w')).close();
    await rm(probe);
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code;
    const message = `The folder ${dir} for the database cannot be written (${code}). Choose another, or repair its rights.`;
    throw new XynFault('data_dir_unusable', message, { cause, details: { dir, code } });
  }
}

/**
 * Whether a database is there.
 * @throws XynFault `data_dir_unusable` when it was made by another major version of Postgres.
 */
export async function databaseExists({ data }: PostgresPaths): Promise<boolean> {
  const version = await readFile(path.join(data, 'PG_VERSION'), 'utf8').catch((cause: unknown) => {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === 'ENOENT') return undefined;
    const message = `The database in ${data} cannot be read (${code}). Start as the user who owns it.`;
    throw new XynFault('data_dir_unusable', message, { cause });
  });
  if (version === undefined) return false;
  if (version.trim() === major) return true;
  const message =
    `${data} was made by Postgres ${version.trim()}, and this release brings Postgres ${major}. ` +
    'Dump it with the old release and load it with this one, or move the folder away.';
  throw new XynFault('data_dir_unusable', message, { details: { found: version.trim(), expected: major } });
}

/**
 * Creates the database cluster: scram passwords, data checksums, UTF-8, C locale (the same order of text everywhere).
 * Made beside its place and renamed, so that an interrupted start leaves nothing that looks like a database.
 * @throws XynFault `server_start_failed` with what `initdb` said.
 */
export async function createDatabase(
  paths: PostgresPaths,
  binaries: PostgresBinaries,
  account: ServerAccount | undefined,
  ownerPassword: string,
): Promise<void> {
  const next = `${paths.data}.new`;
  const passwordFile = path.join(paths.dir, '.initdb-password');
  try {
    await rm(next, { recursive: true, force: true });
    await rm(passwordFile, { force: true });
    await mkdir(next, { mode: 0o700 });
    await giveTo(account, next);
    await requireReach(account, next, 'the database is to lie');
    await writeFile(passwordFile, ownerPassword, { mode: 0o600, flag: 'wx' });
    await giveTo(account, passwordFile);
    const access = ['-A', 'scram-sha-256', '-U', ownerRole, '--pwfile', passwordFile];
    const content = ['-E', 'UTF8', '--locale=C', '--data-checksums'];
    const options = { ...spawnIdentity(account), cwd: '/', env: { ...serverEnv } };
    await run(binaries.initdb, ['-D', next, ...access, ...content], options);
    await rename(next, paths.data);
  } catch (cause) {
    if (cause instanceof XynFault) throw cause;
    const said = ((cause as { stderr?: string }).stderr || (cause as Error).message).trim();
    throw new XynFault('server_start_failed', `The database could not be created in ${paths.dir}: ${said}`, { cause });
  } finally {
    await rm(passwordFile, { force: true });
  }
}
