import { fork, type ChildProcess } from 'node:child_process';
import { open, readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

const READY_MS = 90_000;

/** One process of Xyn as production starts it: a program of the package, told everything by variables. */
export interface XynProcess {
  process: ChildProcess;
  /** Of an API. */
  url: string;
  /** Exit code, or the signal that ended it. */
  ended: Promise<number | NodeJS.Signals | null>;
  log(): Promise<string>;
}

/** Starts `xyn-api` or `xyn-worker`; resolves when it is ready. */
export async function startXyn(
  program: 'xyn-api' | 'xyn-worker',
  env: Record<string, string>,
  logFile: string,
  execArgv: readonly string[] = [],
): Promise<XynProcess> {
  const log = await open(logFile, 'a');
  const child = fork(fileURLToPath(new URL(`../../bin/${program}.js`, import.meta.url)), [], {
    // Nothing of the test runner's own environment, flags or arguments.
    execArgv: [...execArgv],
    env: { PATH: process.env['PATH'], ...env },
    stdio: ['ignore', log.fd, log.fd, 'ipc'],
  });
  await log.close();
  const read = (): Promise<string> => readFile(logFile, 'utf8');
  const ended = new Promise<number | NodeJS.Signals | null>((resolve) => {
    child.once('exit', (code, signal) => resolve(code ?? signal));
  });
  const ready = new Promise<{ url?: string }>((resolve) => {
    child.once('message', (message) => resolve(message as { url?: string }));
  });
  const late = AbortSignal.timeout(READY_MS);
  const tooLate = new Promise<never>((_, reject) => {
    late.addEventListener('abort', () => reject(new Error(`${program} was not ready in time`)));
    void ended.then(() => reject(new Error(`${program} ended before it was ready`)));
  });
  try {
    const { url = '' } = await Promise.race([ready, tooLate]);
    return { process: child, url, ended, log: read };
  } catch (error) {
    child.kill('SIGKILL');
    throw new Error(`${String(error)}\n${(await read()).slice(-3_000)}`, { cause: error });
  } finally {
    tooLate.catch(() => undefined);
  }
}
