import { fork, type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { packagePaths } from '../../src/main/package-paths.js';
import type { Ground } from './ground.js';
import type { FromChild, ToChild, Usage, Variant, WorkerChildSettings } from './worker-messages.js';

const READY_MS = 30_000;
const ANSWER_MS = 10_000;
const STOP_MS = 30_000;

/** A worker process as the benchmark sees it. */
export class WorkerLink {
  readonly variant: Variant;
  readonly taskQueue: string;
  readonly pid: number;
  readonly #child: ChildProcess;
  readonly #marks = new Map<string, (at: number) => void>();

  private constructor(child: ChildProcess, settings: WorkerChildSettings) {
    this.#child = child;
    this.variant = settings.variant;
    this.taskQueue = settings.taskQueue;
    this.pid = child.pid ?? 0;
    child.on('message', (message: FromChild) => {
      if (message.t !== 'mark') return;
      this.#marks.get(message.runId)?.(message.at);
      this.#marks.get(message.path)?.(message.at);
    });
  }

  /** Starts a worker and resolves when it polls. */
  static async start(ground: Ground, variant: Variant, keepsLists = false): Promise<WorkerLink> {
    const settings: WorkerChildSettings = {
      variant,
      address: ground.address,
      taskQueue: `bench-${variant}-${randomUUID()}`,
      bundlePath: variant === 'hand' ? ground.baselineBundle : packagePaths.workflowBundle,
      databaseUrl: variant === 'full' ? ground.databaseUrl : '',
      keepsLists,
    };
    const main = fileURLToPath(new URL('./worker-child.js', import.meta.url));
    const child = fork(main, [JSON.stringify(settings)], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    const link = new WorkerLink(child, settings);
    await link.#answer('ready', READY_MS);
    return link;
  }

  /** What the process has used so far. */
  async usage(): Promise<Usage> {
    this.#send({ t: 'usage' });
    return (await this.#answer('usage', ANSWER_MS)) as Usage & { t: 'usage' };
  }

  /** Resolves when a marked step begins, of the run of that id or at that path, with the moment. */
  marked(runOrPath: string): Promise<number> {
    return new Promise((resolve) => {
      this.#marks.set(runOrPath, (at) => {
        this.#marks.delete(runOrPath);
        resolve(at);
      });
    });
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null) return;
    const ended = new Promise<void>((resolve) => this.#child.once('exit', () => resolve()));
    this.#send({ t: 'stop' });
    const killer = setTimeout(() => this.#child.kill('SIGKILL'), STOP_MS);
    await ended;
    clearTimeout(killer);
  }

  #send(message: ToChild): void {
    this.#child.send(message);
  }

  #answer(kind: FromChild['t'], withinMs: number): Promise<FromChild> {
    return new Promise((resolve, reject) => {
      const settle = (then: () => void): void => {
        clearTimeout(timer);
        this.#child.off('message', onMessage).off('exit', onExit);
        then();
      };
      const onMessage = (message: FromChild): void => {
        if (message.t === kind) settle(() => resolve(message));
      };
      const onExit = (): void => settle(() => reject(new Error(`the worker of ${this.variant} ended`)));
      const timer = setTimeout(
        () => settle(() => reject(new Error(`the worker of ${this.variant} does not answer`))),
        withinMs,
      );
      this.#child.on('message', onMessage).on('exit', onExit);
    });
  }
}
