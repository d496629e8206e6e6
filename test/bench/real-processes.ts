import { fork, type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { openSync } from 'node:fs';
import path from 'node:path';
import { packagePaths } from '../../src/main/package-paths.js';
import type { Ground } from './ground.js';

const READY_MS = 60_000;
const STOP_MS = 40_000;
const COUNTER = new URL('./count-statements.js', import.meta.url).href;

/** A process of the product, started as in production. */
export interface RealProcess {
  pid: number;
  /** From the start of the process to its word that it is ready, milliseconds. */
  readyMs: number;
  /** What it said. */
  ready: { url?: string };
  /** How many statements it has sent to Postgres, apart from the beginning and end of transactions. */
  statements(): Promise<number>;
  stop(): Promise<void>;
}

/** Starts the API or a worker and resolves when it is ready; its log goes to the ground's folder. */
export async function startReal(ground: Ground, part: 'api' | 'worker', taskQueue: string): Promise<RealProcess> {
  const log = openSync(path.join(ground.dir, `${part}-${randomUUID()}.log`), 'a');
  const from = performance.now();
  const child = fork(part === 'api' ? packagePaths.apiMain : packagePaths.workerMain, [], {
    stdio: ['ignore', log, log, 'ipc'],
    execArgv: ['--import', COUNTER],
    env: {
      PATH: process.env['PATH'],
      DATABASE_URL: ground.databaseUrl,
      ...(part === 'api' ? { DATABASE_OWNER_URL: ground.databaseOwnerUrl, XYN_PORT: '0' } : {}),
      TEMPORAL_ADDRESS: ground.address,
      XYN_TASK_QUEUE: taskQueue,
      XYN_STATE_DIR: path.join(ground.dir, 'state'),
      XYN_LOG_LEVEL: 'warn',
      XYN_AGENTS: 'off',
      // What is measured here is not how starts are held back.
      XYN_STARTS_PER_MINUTE: '1000000',
    },
  });
  const ready = await Promise.race([
    once(child, 'message', { signal: AbortSignal.timeout(READY_MS) }),
    once(child, 'exit').then(() => Promise.reject(new Error(`the ${part} ended at once; see ${ground.dir}`))),
  ]);
  const readyMs = performance.now() - from;
  return {
    pid: child.pid ?? 0,
    readyMs,
    ready: ready[0] as { url?: string },
    statements: () => statementsOf(child),
    stop: () => stop(child),
  };
}

async function statementsOf(child: ChildProcess): Promise<number> {
  const answer = once(child, 'message', { signal: AbortSignal.timeout(READY_MS) });
  child.send('statements');
  const [statements] = (await answer) as [unknown];
  return Number(statements);
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  const killer = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
  await ended;
  clearTimeout(killer);
}
