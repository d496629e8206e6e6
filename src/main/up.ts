import { mkdir, rm } from 'node:fs/promises';
import path from 'node:path';
import type { Logger } from 'pino';
import { loadConfig, type Config } from '../config/config.js';
import { upStateFile } from '../config/up-state.js';
import { takeLock } from '../servers/lock-file.js';
import type { OnProgress } from '../servers/reporting.js';
import { writeStateFile } from '../servers/state-file.js';
import { Child } from './child.js';
import type { Lifecycle } from './lifecycle.js';
import { packagePaths, packageVersion } from './package-paths.js';
import { providePostgres, provideTemporal } from './up-servers.js';

/** Where the API is when nobody says so. */
const DEFAULT_PORT = loadConfig({}).port;

/** A process that has to migrate first may take this long. */
const API_READY_MS = 60_000;
const WORKER_READY_MS = 30_000;

/** What a running installation tells about itself; also the content of `run/up.json`. */
export interface UpState {
  pid: number;
  version: string;
  api: { url: string; pid: number | undefined };
  ui: { url: string };
  worker: { pid: number | undefined };
  temporal: { address: string; ui_url: string | null };
}

/** How `up` is run. */
export interface UpOptions {
  config: Config;
  log: Logger;
  lifecycle: Lifecycle;
  onProgress: OnProgress;
  /** Told of what people should see while it runs. */
  onNotice: (message: string) => void;
  /** Further variables for the processes. */
  env?: NodeJS.ProcessEnv;
  /** Further variables for the worker alone, such as secrets. */
  workerEnv?: NodeJS.ProcessEnv;
}

/**
 * Starts everything of one node, in the order in which the parts need each other; the lifecycle ends it in reverse.
 * @throws XynFault `already_running`, and what the parts throw; the reason of `lifecycle.ending` when that came first.
 */
export async function up(options: UpOptions): Promise<UpState> {
  const { config, log, lifecycle, onProgress, onNotice } = options;
  const runDir = path.dirname(upStateFile(config.stateDir));
  const logDir = path.join(config.stateDir, 'logs');
  for (const dir of [runDir, logDir]) await mkdir(dir, { recursive: true });
  const lock = await takeLock(path.join(runDir, 'up.lock'), {
    waitMs: 0,
    purpose: `running Xyn in ${config.stateDir}`,
  });
  lifecycle.onClose('lock', () => lock.release());

  const context = { config, log, onProgress };
  const [postgres, temporal] = await both(
    providePostgres(context).then((place) => ended(place, 'postgres', lifecycle)),
    provideTemporal(context).then((place) => ended(place, 'temporal', lifecycle)),
  );
  lifecycle.ending.throwIfAborted();
  const env = {
    ...process.env,
    ...options.env,
    XYN_STATE_DIR: config.stateDir,
    XYN_HOST: config.host,
    // What a flag said; the default is left to the API, which then may take the next free port.
    ...(config.port === DEFAULT_PORT ? {} : { XYN_PORT: String(config.port) }),
    DATABASE_URL: postgres.appUrl,
    TEMPORAL_ADDRESS: temporal.address,
  };
  const onRestart = (name: string) => (code: number | null, signal: NodeJS.Signals | null) => {
    log.warn({ part: name, code, signal }, 'a process ended and is started again');
    onNotice(
      `${name} ended (${signal ?? `code ${code}`}) and is started again; see ${path.join(logDir, `${name}.log`)}`,
    );
  };
  const worker = new Child<object>({
    name: 'worker',
    main: packagePaths.workerMain,
    env: { ...env, ...options.workerEnv },
    logFile: path.join(logDir, 'worker.log'),
    readyMs: WORKER_READY_MS,
    onRestart: onRestart('worker'),
  });
  const api = new Child<{ url: string }>({
    name: 'api',
    main: packagePaths.apiMain,
    env: {
      ...env,
      DATABASE_OWNER_URL: postgres.ownerUrl,
      ...(temporal.uiUrl === null ? {} : { XYN_TEMPORAL_UI_URL: temporal.uiUrl }),
    },
    logFile: path.join(logDir, 'api.log'),
    readyMs: API_READY_MS,
    onRestart: onRestart('api'),
  });
  onProgress({ message: 'starting the API', elapsedMs: 0 });
  lifecycle.onClose('worker', () => worker.stop());
  lifecycle.onClose('api', () => api.stop());
  const { url } = await api.start();
  lifecycle.ending.throwIfAborted();
  onProgress({ message: 'starting the worker', elapsedMs: 0 });
  await worker.start();
  lifecycle.ending.throwIfAborted();

  const state: UpState = {
    pid: process.pid,
    version: packageVersion(),
    api: { url, pid: api.pid },
    ui: { url },
    worker: { pid: worker.pid },
    temporal: { address: temporal.address, ui_url: temporal.uiUrl },
  };
  await writeStateFile(upStateFile(config.stateDir), state);
  lifecycle.onClose('state file', () => rm(upStateFile(config.stateDir), { force: true }));
  return state;
}

/** Waits for both even when one fails: what the other started must be known before it can be ended. */
async function both<A, B>(first: Promise<A>, second: Promise<B>): Promise<[A, B]> {
  await Promise.allSettled([first, second]);
  return Promise.all([first, second]);
}

function ended<P extends { stop?: () => Promise<void> }>(place: P, name: string, lifecycle: Lifecycle): P {
  if (place.stop) lifecycle.onClose(name, place.stop);
  return place;
}
