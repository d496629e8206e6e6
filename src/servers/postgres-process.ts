import { execFile } from 'node:child_process';
import { open, stat } from 'node:fs/promises';
import { promisify } from 'node:util';
import { setTimeout as delay } from 'node:timers/promises';
import { XynFault } from '../domain/fault.js';
import { isPortFree, loopback, nextFreePort, portTaken, requirePort } from './free-port.js';
import type { PostgresBinaries } from './postgres-binaries.js';
import type { PostgresCredentials } from './postgres-credentials.js';
import { serverEnv, type PostgresPaths } from './postgres-data.js';
import { giveTo, requireReach, spawnIdentity, type ServerAccount } from './server-account.js';
import { logTail, rotateLog } from './state-file.js';

const run = promisify(execFile);

/** First port that is tried when none was asked for and none is remembered. */
const defaultPostgresPort = 7432;

/** How long one start or stop may take: recovery after a crash replays at most 1 GB of log. */
const ctlSeconds = 60;
const attempts = 60;

/** What one embedded server consists of. */
export interface PostgresSetup {
  paths: PostgresPaths;
  binaries: PostgresBinaries;
  account: ServerAccount | undefined;
  credentials: PostgresCredentials;
}

/**
 * 200 connections: API, worker and tools of one machine with their pools. Small buffers, since the files are small and
 * the operating system caches them. `fsync`, `full_page_writes` and `synchronous_commit` stay on: an acknowledged row
 * survives the loss of power.
 */
const settings: Readonly<Record<string, string>> = {
  listen_addresses: loopback,
  unix_socket_directories: "''",
  max_connections: '200',
  shared_buffers: '64MB',
  max_wal_size: '512MB',
  timezone: 'UTC',
  log_timezone: 'UTC',
  log_checkpoints: 'off',
  password_encryption: 'scram-sha-256',
};

/**
 * Starts the server in a session of its own, so that Ctrl-C does not reach it, and returns the port it listens on.
 * @throws XynFault `port_taken` only for a port that was asked for; `server_start_failed` with the end of the log.
 */
export async function startServerProcess(setup: PostgresSetup, askedPort: number | undefined): Promise<number> {
  const { paths, account } = setup;
  await prepareLog(paths, account);
  await requireReach(account, paths.data, 'the database lies');
  await requirePrograms(setup);
  const tried: number[] = [];
  let port = await choosePort(askedPort, setup.credentials.port);
  for (let attempt = 1; ; attempt += 1) {
    const from = (await stat(paths.log)).size;
    try {
      await pgCtl(setup, ['-l', paths.log, '-o', optionsFor(port), 'start']);
      return port;
    } catch (cause) {
      const said = (await logTail(paths.log, 50, from)) || (cause as Error).message;
      if (/could not bind|Address already in use/i.test(said)) {
        if (askedPort !== undefined) throw portTaken(askedPort, 'Postgres');
        tried.push(port);
        port = await nextFreePort(port, tried);
      } else if (/pre-existing shared memory|lock file "postmaster\.pid" already exists/i.test(said)) {
        // Children of a killed server hold on for a moment.
        await delay(200);
      } else {
        throw startFailed(paths, said, cause);
      }
      if (attempt === attempts) throw startFailed(paths, said, cause);
    }
  }
}

/** Stops the server: open transactions are rolled back, everything committed is on disk. Fine when it is not running. */
export async function stopServerProcess(setup: PostgresSetup): Promise<void> {
  try {
    await pgCtl(setup, ['-m', 'fast', 'stop']);
  } catch (cause) {
    if (!(await isRunning(setup))) return;
    const message = `Postgres did not stop within ${ctlSeconds} s; its log is ${setup.paths.log}.`;
    throw new XynFault('server_start_failed', message, { cause });
  }
}

async function isRunning(setup: PostgresSetup): Promise<boolean> {
  return pgCtl(setup, ['status']).then(
    () => true,
    () => false,
  );
}

async function pgCtl({ paths, binaries, account }: PostgresSetup, args: string[]): Promise<void> {
  const options = { ...spawnIdentity(account), cwd: '/', env: { ...serverEnv } };
  const wait = args.includes('status') ? [] : ['-w', '-t', String(ctlSeconds)];
  await run(binaries.pgCtl, ['-D', paths.data, ...wait, ...args], options);
}

function optionsFor(port: number): string {
  return [`-p ${port}`, ...Object.entries(settings).map(([name, value]) => `-c ${name}=${value}`)].join(' ');
}

async function choosePort(asked: number | undefined, remembered: number | undefined): Promise<number> {
  if (asked !== undefined) return requirePort(asked, 'Postgres');
  if (remembered !== undefined && (await isPortFree(remembered))) return remembered;
  return nextFreePort(defaultPostgresPort);
}

/** `pg_ctl` appends to the log under the server's account, which may not make files in our folder. */
async function prepareLog(paths: PostgresPaths, account: ServerAccount | undefined): Promise<void> {
  await (await open(paths.log, 'a', 0o600)).close();
  await giveTo(account, paths.log);
  await rotateLog(paths.log);
}

async function requirePrograms({ binaries, account }: PostgresSetup): Promise<void> {
  const folder = binaries.postgres.slice(0, binaries.postgres.lastIndexOf('/'));
  await requireReach(account, folder, 'the Postgres programs lie');
}

function startFailed(paths: PostgresPaths, said: string, cause: unknown): XynFault {
  const tail = said.trim().split('\n').slice(-8).join('\n');
  return new XynFault('server_start_failed', `Postgres did not start. The end of ${paths.log} says:\n${tail}`, {
    cause,
    details: { log: paths.log },
  });
}
