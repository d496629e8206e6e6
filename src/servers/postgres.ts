import path from 'node:path';
import { settleEarlierServer } from './postmaster-pid.js';
import { takeLock } from './lock-file.js';
import { findPostgresBinaries } from './postgres-binaries.js';
import { appUrl, loadCredentials, ownerUrl, rememberPort } from './postgres-credentials.js';
import { createDatabase, databaseExists, postgresPaths, prepareFolder } from './postgres-data.js';
import { startServerProcess, stopServerProcess, type PostgresSetup } from './postgres-process.js';
import { ensureRolesAndDatabase } from './postgres-roles.js';
import { silent, withProgress, type OnProgress, type ServerLog } from './reporting.js';
import { accountFor, requireReach } from './server-account.js';

/** How the embedded server is started. */
export interface StartPostgresOptions {
  /** Everything of the server lies here: `data/`, `credentials.json`, `postgres.log`. Made when missing. */
  dir: string;
  /** Only when somebody asked for it; otherwise the port of the last start, or the first free one from 7432. */
  port?: number;
  log: ServerLog;
  onProgress?: OnProgress;
}

/** A running embedded server. */
export interface PostgresServer {
  port: number;
  /** Role `xyn_owner`, superuser: for migrations. Holds a password. */
  ownerUrl: string;
  /** Role `xyn_app`, without rights but those that migrations grant. Holds a password. */
  appUrl: string;
  /** Whether it was still running from an earlier start. */
  reused: boolean;
  /** Stops it, also when it was reused, with all committed data on disk. Idempotent. */
  stop(): Promise<void>;
}

/** Longer than the slowest start, so that a second caller finds the server of the first instead of failing. */
const lockWaitMs = 90_000;
const settleMs = 30_000;

/**
 * Starts the embedded Postgres of the folder, or takes over the one that still runs there. Loopback only, passwords by
 * scram, no Unix socket, never as root. Safe to call from several processes at once.
 * @throws XynFault `data_dir_unusable`, `port_taken` (only with `port`), `server_missing`, `server_start_failed`,
 * `already_running` when another process has been starting it for 90 s.
 */
export async function startPostgres(options: StartPostgresOptions): Promise<PostgresServer> {
  const { log, onProgress = silent } = options;
  const paths = postgresPaths(path.resolve(options.dir));
  const account = await accountFor(paths.data);
  await prepareFolder(paths.dir, account);
  await requireReach(account, paths.dir, 'the database is to lie');
  const lock = await takeLock(path.join(paths.dir, 'start.lock'), {
    waitMs: lockWaitMs,
    purpose: `starting Postgres in ${paths.dir}`,
    onWait: (pid) => onProgress({ message: `waiting for process ${pid}, which starts Postgres`, elapsedMs: 0 }),
  });
  try {
    const binaries = await findPostgresBinaries();
    const exists = await databaseExists(paths);
    const credentials = await loadCredentials(paths.dir, exists);
    const setup: PostgresSetup = { paths, binaries, account, credentials };
    if (!exists) {
      const create = (): Promise<void> => createDatabase(paths, binaries, account, credentials.owner_password);
      await withProgress(onProgress, 'creating the database', create);
    }
    const running = await settleEarlierServer(paths, credentials, settleMs);
    const start = (): Promise<number> => startServerProcess(setup, options.port);
    const port = running ?? (await withProgress(onProgress, 'starting Postgres', start));
    if (running !== undefined && options.port !== undefined && options.port !== running) {
      log.warn({ asked: options.port, port: running }, 'Postgres still runs from an earlier start, on another port');
    }
    await ensureRolesAndDatabase(credentials, port);
    await rememberPort(paths.dir, credentials, port);
    log.info({ port, reused: running !== undefined, dir: paths.dir }, 'Postgres is ready');
    return handle(setup, port, running !== undefined);
  } finally {
    await lock.release();
  }
}

function handle(setup: PostgresSetup, port: number, reused: boolean): PostgresServer {
  let stopping: Promise<void> | undefined;
  return {
    port,
    ownerUrl: ownerUrl(setup.credentials, port),
    appUrl: appUrl(setup.credentials, port),
    reused,
    stop: () => (stopping ??= stopServerProcess(setup)),
  };
}
