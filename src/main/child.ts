import { fork, type ChildProcess } from 'node:child_process';
import { openSync, closeSync } from 'node:fs';
import { XynFault } from '../domain/fault.js';

/** Pauses between restarts of a process that keeps ending, milliseconds. */
const RESTART_PAUSES_MS = [200, 500, 1_000, 2_000, 5_000];
/** A process that lived this long starts again without a pause. */
const STABLE_MS = 30_000;
/** Draining takes up to 30 s (design §6); then the process is killed. */
const STOP_MS = 35_000;

/** How a child process is run. */
export interface ChildOptions {
  name: string;
  main: string;
  env: NodeJS.ProcessEnv;
  logFile: string;
  /** How long it may take to say that it is ready, milliseconds. */
  readyMs: number;
  onRestart: (code: number | null, signal: NodeJS.Signals | null) => void;
}

/** A child that is started again whenever it ends by itself. In a session of its own, so that Ctrl-C reaches us first. */
export class Child<Ready extends object> {
  readonly #options: ChildOptions;
  #process: ChildProcess | undefined;
  #stopping = false;
  #failures = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: ChildOptions) {
    this.#options = options;
  }

  get pid(): number | undefined {
    return this.#process?.pid;
  }

  /**
   * Starts it and resolves with its first message.
   * @throws XynFault `server_start_failed` when it ends or says nothing in time.
   */
  start(): Promise<Ready> {
    const { name, logFile, readyMs } = this.#options;
    return new Promise<Ready>((resolve, reject) => {
      const child = this.#spawn();
      const fail = (why: string): void =>
        reject(new XynFault('server_start_failed', `${name} ${why}; its log is ${logFile}`));
      const timer = setTimeout(() => fail(`was not ready after ${readyMs / 1_000} s`), readyMs);
      child.once('message', (message) => {
        clearTimeout(timer);
        this.#watch(child, Date.now());
        resolve(message as Ready);
      });
      child.once('exit', (code, signal) => {
        clearTimeout(timer);
        fail(`ended at once (${signal ?? `code ${code}`})`);
      });
    });
  }

  /** Ends it: first asked, after 35 s killed. */
  async stop(): Promise<void> {
    this.#stopping = true;
    clearTimeout(this.#timer);
    const child = this.#process;
    if (child?.exitCode !== null || child.signalCode !== null) return;
    const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
    child.kill('SIGTERM');
    const killer = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
    await exited;
    clearTimeout(killer);
  }

  #spawn(): ChildProcess {
    const { main, env, logFile } = this.#options;
    const log = openSync(logFile, 'a');
    const child = fork(main, [], { env, detached: true, stdio: ['ignore', log, log, 'ipc'] });
    closeSync(log);
    this.#process = child;
    return child;
  }

  #watch(child: ChildProcess, startedAt: number): void {
    child.once('exit', (code, signal) => {
      if (this.#stopping) return;
      this.#failures = Date.now() - startedAt > STABLE_MS ? 0 : this.#failures + 1;
      const pause = RESTART_PAUSES_MS[Math.min(this.#failures, RESTART_PAUSES_MS.length - 1)] ?? 5_000;
      this.#options.onRestart(code, signal);
      this.#timer = setTimeout(() => this.#watch(this.#spawn(), Date.now()), pause);
    });
  }
}
