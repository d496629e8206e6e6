import { access, chmod, constants, mkdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { XynFault } from '../domain/fault.js';
import { loopback } from './free-port.js';
import { takeLock } from './lock-file.js';
import { endProcess, isAlive } from './process-ref.js';
import { silent, withProgress, type OnProgress, type ServerLog } from './reporting.js';
import { readStateFile } from './state-file.js';
import type { TemporalBinary } from './temporal-binary.js';
import { settleNamespace, takesWork } from './temporal-namespace.js';
import {
  endServersOf,
  isServerOf,
  runningSchema,
  startTemporalProcess,
  stopGraceMs,
  temporalSetup,
  type RunningTemporal,
  type TemporalSetup,
} from './temporal-process.js';
import { waitUntil } from './wait-until.js';

/** How the embedded server is started. */
export interface StartTemporalOptions {
  /** Database file, log and pid file lie here. Made when missing. */
  dir: string;
  /** Only when somebody asked for it; otherwise the first free one from 7233. */
  port?: number;
  /** Likewise, from 8233. */
  uiPort?: number;
  binary: TemporalBinary;
  log: ServerLog;
  onProgress?: OnProgress;
}

/** A running embedded server. */
export interface TemporalServer {
  /** `host:port` for clients and workers. */
  address: string;
  /** Temporal's own web interface. */
  uiUrl: string;
  /** Whether it was still running from an earlier start. */
  reused: boolean;
  pid: number;
  /** Stops it, also when it was reused; killed when it has not ended after 10 s. Idempotent. */
  stop(): Promise<void>;
}

const lockWaitMs = 90_000;
/** How long a server that is still there may take to answer before it is replaced. */
const answerMs = 10_000;

/**
 * Starts the Temporal dev server of the folder, or takes over the one that still runs there (started by a process that
 * was killed). Loopback only; every acknowledged change survives a kill. Safe to call from several processes at once.
 * @throws XynFault `data_dir_unusable`, `port_taken` (only with `port` or `uiPort`), `server_start_failed`,
 * `already_running` when another process has been starting it for 90 s.
 */
export async function startTemporal(options: StartTemporalOptions): Promise<TemporalServer> {
  const { log, onProgress = silent } = options;
  await requireFolder(options.dir);
  const setup = await temporalSetup(options.dir, options.binary, { port: options.port, uiPort: options.uiPort });
  const lock = await takeLock(path.join(setup.dir, 'start.lock'), {
    waitMs: lockWaitMs,
    purpose: `starting Temporal in ${setup.dir}`,
    onWait: (pid) => onProgress({ message: `waiting for process ${pid}, which starts Temporal`, elapsedMs: 0 }),
  });
  try {
    const earlier = await findEarlier(setup);
    if (!earlier) {
      const ended = await endServersOf(setup.dir);
      if (ended.length > 0) log.warn({ pids: ended }, 'ended a Temporal server of an earlier start');
    }
    const start = (): Promise<RunningTemporal> => startTemporalProcess(setup);
    const running = earlier ?? (await withProgress(onProgress, 'starting the Temporal server', start));
    const address = `${loopback}:${running.port}`;
    if (!(await settleNamespace(address))) {
      log.warn({ address }, 'Temporal did not take the retention or the search attributes');
    }
    log.info({ address, ui_port: running.ui_port, reused: earlier !== undefined }, 'Temporal is ready');
    return handle(running, earlier !== undefined);
  } finally {
    await lock.release();
  }
}

function handle(running: RunningTemporal, reused: boolean): TemporalServer {
  let stopping: Promise<void> | undefined;
  return {
    address: `${loopback}:${running.port}`,
    uiUrl: `http://${loopback}:${running.ui_port}`,
    reused,
    pid: running.process.pid,
    stop: () => (stopping ??= endProcess(running.process, stopGraceMs).then(() => undefined)),
  };
}

/** The server of an earlier start when it is certainly ours, of this version, on the ports asked for, and answers. */
async function findEarlier(setup: TemporalSetup): Promise<RunningTemporal | undefined> {
  const found = await readStateFile(setup.stateFile, runningSchema);
  if (found?.database !== setup.database) return undefined;
  if (setup.port !== undefined && setup.port !== found.port) return undefined;
  if (setup.uiPort !== undefined && setup.uiPort !== found.ui_port) return undefined;
  const answers = await waitUntil(
    async () => {
      if (!(await isAlive(found.process)) || !(await isServerOf(setup.dir, found.process.pid))) return 'gone' as const;
      return (await takesWork(`${loopback}:${found.port}`)) ? ('ready' as const) : undefined;
    },
    { timeoutMs: answerMs, intervalMs: 200 },
  );
  return answers === 'ready' ? found : undefined;
}

async function requireFolder(dir: string): Promise<void> {
  try {
    await mkdir(dir, { recursive: true });
    // Histories hold inputs and results of runs: nobody else reads them.
    await chmod(dir, (await stat(dir)).mode & 0o700);
    await access(dir, constants.W_OK);
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code;
    const message = `The folder ${dir} for Temporal cannot be written (${code}). Choose another, or repair its rights.`;
    throw new XynFault('data_dir_unusable', message, { cause, details: { dir, code } });
  }
}
