import { spawn } from 'node:child_process';
import { open, realpath, stat } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { XynFault } from '../domain/fault.js';
import { isPortFree, loopback, nextFreePort, portTaken, requirePort } from './free-port.js';
import { allPids, argumentsOf, endProcess, isAlive, processRef, processRefSchema } from './process-ref.js';
import { logTail, readStateFile, rotateLog, writeStateFile } from './state-file.js';
import type { TemporalBinary } from './temporal-binary.js';
import { searchAttributes, takesWork } from './temporal-namespace.js';
import { waitUntil } from './wait-until.js';

/** First ports that are tried when none were asked for: those that every Temporal tool expects. */
const defaultPort = 7233;
const defaultUiPort = 8233;

/** How long a start may take; a second or two are usual. */
const readyMs = 60_000;
/** How long a server may take to write its state at the end before it is killed. */
export const stopGraceMs = 10_000;

/** What `temporal.json` holds about the server that was started last. */
export const runningSchema = z.strictObject({
  process: processRefSchema,
  port: z.int(),
  ui_port: z.int(),
  server_version: z.string(),
  database: z.string(),
});
export type RunningTemporal = z.infer<typeof runningSchema>;

/** What is to be started. */
export interface TemporalSetup {
  dir: string;
  /** Absolute; also what tells a server of ours from any other. */
  database: string;
  logFile: string;
  stateFile: string;
  binary: TemporalBinary;
  port: number | undefined;
  uiPort: number | undefined;
}

/** Paths of a state folder, which must exist. The database file is named after the server, whose schema it has. */
export async function temporalSetup(
  dir: string,
  binary: TemporalBinary,
  ports: { port: number | undefined; uiPort: number | undefined },
): Promise<TemporalSetup> {
  const folder = await realpath(dir);
  return {
    dir: folder,
    database: path.join(folder, `temporal-${binary.serverVersion}.db`),
    logFile: path.join(folder, 'temporal.log'),
    stateFile: path.join(folder, 'temporal.json'),
    binary,
    ...ports,
  };
}

/**
 * One history shard starts 20 sequential steps a second with the server's defaults, hence the two poll rates. The write-ahead
 * log with `synchronous=FULL` is as durable as the default journal (an fsync before each answer) at half the fsyncs.
 */
function argumentsFor(setup: TemporalSetup, port: number, uiPort: number): string[] {
  const dynamic = [
    'system.enableActivityEagerExecution=true',
    'history.transferProcessorMaxPollRPS=1000',
    'history.timerProcessorMaxPollRPS=1000',
  ];
  return [
    ...['server', 'start-dev', '--db-filename', setup.database],
    ...['--ip', loopback, '--port', String(port), '--ui-ip', loopback, '--ui-port', String(uiPort)],
    ...['--ui-disable-news-fetch', '--log-level', 'warn'],
    ...['--sqlite-pragma', 'journal_mode=WAL', '--sqlite-pragma', 'synchronous=FULL'],
    ...dynamic.flatMap((entry) => ['--dynamic-config-value', entry]),
    ...searchAttributes.flatMap((name) => ['--search-attribute', `${name}=Keyword`]),
  ];
}

/**
 * Starts a server in a session of its own and waits until it takes work. Other ports are tried when one is lost between
 * choosing it and listening on it.
 * @throws XynFault `port_taken` only for a port that was asked for; `server_start_failed` with the end of the log.
 */
export async function startTemporalProcess(setup: TemporalSetup): Promise<RunningTemporal> {
  const tried: number[] = [];
  // The ports of the last start come first: bookmarks and other tools keep working.
  const last = await readStateFile(setup.stateFile, runningSchema);
  for (let attempt = 1; ; attempt += 1) {
    const port = await choose(setup.port, [last?.port, defaultPort], tried, 'Temporal');
    const uiPort = await choose(setup.uiPort, [last?.ui_port, defaultUiPort], [...tried, port], "Temporal's UI");
    await (await open(setup.logFile, 'a', 0o600)).close();
    await rotateLog(setup.logFile);
    const from = (await stat(setup.logFile)).size;
    const running = await launch(setup, port, uiPort);
    if (running && (await becomesReady(running))) return running;
    if (running) await endProcess(running.process, stopGraceMs);
    const said = await logTail(setup.logFile, 8, from);
    // Internal ports are drawn by the server itself and can be lost too, so this is tried again in any case.
    const lostPort = /already in use|address in use/i.test(said);
    if (!lostPort || attempt === 5) throw startFailed(setup, said);
    if (said.includes(String(port)) && setup.port !== undefined) throw portTaken(port, 'Temporal');
    if (said.includes(String(uiPort)) && setup.uiPort !== undefined) throw portTaken(uiPort, "Temporal's UI");
    tried.push(port, uiPort);
  }
}

async function choose(
  asked: number | undefined,
  preferred: readonly [number | undefined, number],
  not: number[],
  server: string,
): Promise<number> {
  if (asked !== undefined) return requirePort(asked, server);
  const [last, first] = preferred;
  if (last !== undefined && !not.includes(last) && (await isPortFree(last))) return last;
  return nextFreePort(first, not);
}

async function launch(setup: TemporalSetup, port: number, uiPort: number): Promise<RunningTemporal | undefined> {
  const log = await open(setup.logFile, 'a');
  try {
    // A bare environment: no secrets of ours, and no profile of the user's own Temporal tools.
    const env = { PATH: '/usr/bin:/bin', HOME: setup.dir, TZ: 'UTC' };
    const stdio: ['ignore', number, number] = ['ignore', log.fd, log.fd];
    const options = { detached: true, cwd: setup.dir, env, stdio };
    const child = spawn(setup.binary.path, argumentsFor(setup, port, uiPort), options);
    await new Promise<void>((resolve, reject) => child.once('spawn', resolve).once('error', reject));
    child.unref();
    const ref = child.pid === undefined ? undefined : await processRef(child.pid);
    if (!ref) return undefined;
    const running: RunningTemporal = {
      process: ref,
      port,
      ui_port: uiPort,
      server_version: setup.binary.serverVersion,
      database: setup.database,
    };
    await writeStateFile(setup.stateFile, running);
    return running;
  } catch (cause) {
    throw new XynFault('server_start_failed', `${setup.binary.path} cannot be run: ${(cause as Error).message}`, {
      cause,
    });
  } finally {
    await log.close();
  }
}

async function becomesReady(running: RunningTemporal): Promise<boolean> {
  const state = await waitUntil(
    async () => {
      if (!(await isAlive(running.process))) return 'gone' as const;
      return (await takesWork(`${loopback}:${running.port}`)) ? ('ready' as const) : undefined;
    },
    { timeoutMs: readyMs, intervalMs: 50 },
  );
  return state === 'ready';
}

function startFailed(setup: TemporalSetup, said: string): XynFault {
  const message = `The Temporal server did not start. The end of ${setup.logFile} says:\n${said}`;
  return new XynFault('server_start_failed', message, { details: { log: setup.logFile } });
}

/** Ends every server that works in this folder, whichever version and whoever started it; none other. */
export async function endServersOf(dir: string): Promise<number[]> {
  const ended: number[] = [];
  for (const pid of await allPids()) {
    if (!(await isServerOf(dir, pid))) continue;
    const ref = await processRef(pid);
    if (!ref) continue;
    await endProcess(ref, stopGraceMs);
    ended.push(pid);
  }
  return ended;
}

/** Whether the number belongs to a dev server with a database in this folder. */
export async function isServerOf(dir: string, pid: number): Promise<boolean> {
  const words = await argumentsOf(pid);
  const file = words[words.indexOf('--db-filename') + 1] ?? '';
  return words.includes('start-dev') && path.dirname(file) === dir;
}
