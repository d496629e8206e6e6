import { fork, type ChildProcess } from 'node:child_process';
import { chmod, mkdir, mkdtemp, open, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { XynFault } from '../../src/domain/fault.js';
import { startPostgres, type PostgresServer } from '../../src/servers/postgres.js';
import { processRef } from '../../src/servers/process-ref.js';
import { findTemporalBinary, type TemporalBinary } from '../../src/servers/temporal-binary.js';
import { startTemporal, type TemporalServer } from '../../src/servers/temporal.js';
import { emptyDatabase, type EmptyDatabase } from './database.js';
import { until } from './until.js';

/** What can be killed. */
export type Part = 'api' | 'worker' | 'temporal' | 'postgres';

/** A process that ended although nobody ended it. */
export interface UnexpectedEnd {
  part: Part;
  code: number | null;
  signal: NodeJS.Signals | null;
}

export interface XynProcessesOptions {
  /** Also shown in the names of folder and task queue. */
  name: string;
  /** Further variables of both processes. */
  env?: Record<string, string>;
  /** Further variables of the worker. */
  workerEnv?: Record<string, string>;
  /** Without it only servers and worker run, and nothing drains the outbox. Default true. */
  api?: boolean;
  /** A database and the Temporal server of all tests, which nobody may kill, instead of servers of its own. Default false. */
  shared?: boolean;
}

interface Child {
  process: ChildProcess;
  ended: Promise<void>;
  /** The end was asked for. */
  ending: boolean;
}

const repository = (file: string): string => fileURLToPath(new URL(`../../${file}`, import.meta.url));
const silentLog = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };
const READY_MS = 90_000;
const STOP_MS = 30_000;

/**
 * An installation of its own for a test: private Postgres and Temporal servers (unless it shares those of all tests), one
 * API and one worker process, as `xynctl up` starts them but without anything that would start a killed part again.
 */
export class XynProcesses {
  readonly dir: string;
  readonly taskQueue: string;
  readonly unexpectedEnds: UnexpectedEnd[] = [];
  readonly #options: XynProcessesOptions;
  readonly #binary: TemporalBinary;
  readonly #children = new Map<Part, Child>();
  #postgres: PostgresServer | undefined;
  #database: EmptyDatabase | undefined;
  #temporal: Pick<TemporalServer, 'address'> & Partial<TemporalServer>;
  #apiUrl = '';

  private constructor(options: XynProcessesOptions, dir: string, binary: TemporalBinary) {
    this.#options = options;
    this.#binary = binary;
    this.dir = dir;
    this.taskQueue = `faults-${options.name}-${process.pid}`;
    this.#temporal = { address: '' };
  }

  /** Starts all parts; a few seconds. */
  static async start(options: XynProcessesOptions): Promise<XynProcesses> {
    const dir = await mkdtemp(path.join(tmpdir(), `xyn-faults-${options.name}-`));
    // The database server may run under another account: it has to pass through.
    await chmod(dir, 0o711);
    await mkdir(path.join(dir, 'logs'));
    const binary = await findTemporalBinary({
      stateDir: dir,
      env: process.env,
      goModule: repository('tools/temporal-cli'),
    });
    const processes = new XynProcesses(options, dir, binary);
    try {
      await Promise.all([processes.restart('postgres'), processes.restart('temporal')]);
      if (options.api !== false) await processes.restart('api');
      await processes.restart('worker');
    } catch (error) {
      await processes.stopAll();
      throw error;
    }
    return processes;
  }

  get apiUrl(): string {
    return this.#apiUrl;
  }
  /** As the application's role. */
  get databaseUrl(): string {
    return this.#database?.url ?? this.#postgres?.appUrl ?? '';
  }
  /** As the owner of the tables. */
  get ownerUrl(): string {
    return this.#database?.ownerUrl ?? this.#postgres?.ownerUrl ?? '';
  }
  get temporalAddress(): string {
    return this.#temporal.address;
  }
  get stateDir(): string {
    return path.join(this.dir, 'state');
  }
  get logFiles(): string[] {
    return ['api', 'worker'].map((part) => this.#logFile(part));
  }

  /** Passwords of the installation: they belong into no log, table, history or argument list. */
  get passwords(): string[] {
    return [this.databaseUrl, this.ownerUrl].map((url) => decodeURIComponent(new URL(url).password));
  }

  /** The process of a part; undefined when it does not run. */
  async pid(part: Part): Promise<number | undefined> {
    if (part === 'temporal') return this.#temporal.pid;
    if (part === 'postgres') return this.#postmasterPid();
    return this.#children.get(part)?.process.pid;
  }

  /** SIGKILL, and gone when this resolves. */
  async kill(part: Part): Promise<void> {
    const pid = await this.pid(part);
    if (pid === undefined) throw new Error(`${part} does not run`);
    const child = this.#children.get(part);
    if (child) child.ending = true;
    process.kill(pid, 'SIGKILL');
    await child?.ended;
    this.#children.delete(part);
    await until(`${part} is gone`, async () => (await processRef(pid)) === undefined);
  }

  /** SIGSTOP: the part stays where it is, its connections stay open, and it answers nothing. */
  async pause(part: Part): Promise<void> {
    process.kill(await this.#running(part), 'SIGSTOP');
  }

  /** Undoes `pause`. */
  async resume(part: Part): Promise<void> {
    process.kill(await this.#running(part), 'SIGCONT');
  }

  /** Starts a part that was killed or never ran, in the same place; resolves when it is ready. */
  async restart(part: Part): Promise<void> {
    switch (part) {
      case 'postgres':
        if (this.#options.shared === true) this.#database ??= await emptyDatabase();
        else this.#postgres = await startPostgres({ dir: path.join(this.dir, 'postgres'), log: silentLog });
        return;
      case 'temporal':
        this.#temporal = await this.#startTemporal();
        return;
      case 'api': {
        const { url } = await this.#startChild('api', { DATABASE_OWNER_URL: this.ownerUrl, XYN_PORT: '0' });
        this.#apiUrl = url ?? '';
        return;
      }
      case 'worker':
        await this.#startChild('worker', this.#options.workerEnv ?? {});
    }
  }

  /** Ends everything and removes its folder. */
  async stopAll(): Promise<void> {
    const children = [...this.#children.values()];
    for (const child of children) {
      child.ending = true;
      child.process.kill('SIGCONT');
      child.process.kill('SIGTERM');
    }
    const killer = setTimeout(() => children.forEach((child) => child.process.kill('SIGKILL')), STOP_MS);
    await Promise.all(children.map((child) => child.ended));
    clearTimeout(killer);
    await this.#temporal.stop?.();
    await this.#database?.drop();
    await this.#postgres?.stop();
    await rm(this.dir, { recursive: true, force: true });
  }

  /** API and worker know the server by its address, so that it has to come back there: its port may be held for a moment. */
  async #startTemporal(): Promise<Pick<TemporalServer, 'address'> & Partial<TemporalServer>> {
    const given = process.env['XYN_TEST_TEMPORAL_ADDRESS'] ?? '';
    if (this.#options.shared === true && given !== '') return { address: given };
    const { address } = this.#temporal;
    const port = address === '' ? {} : { port: Number(address.split(':').at(-1)) };
    const options = { dir: path.join(this.dir, 'temporal'), binary: this.#binary, log: silentLog, ...port };
    return until('the port of the Temporal server is free', () =>
      startTemporal(options).catch((error: unknown) => {
        if (error instanceof XynFault && error.code === 'port_taken') return undefined;
        throw error;
      }),
    );
  }

  async #running(part: Part): Promise<number> {
    const pid = await this.pid(part);
    if (pid === undefined) throw new Error(`${part} does not run`);
    return pid;
  }

  async #postmasterPid(): Promise<number | undefined> {
    const file = path.join(this.dir, 'postgres', 'data', 'postmaster.pid');
    const text = await readFile(file, 'utf8').catch(() => '');
    return Number(text.split('\n', 1)[0]) || undefined;
  }

  #logFile(part: string): string {
    return path.join(this.dir, 'logs', `${part}.log`);
  }

  async #logTail(part: string): Promise<string> {
    return (await readFile(this.#logFile(part), 'utf8').catch(() => '')).slice(-3_000);
  }

  async #startChild(part: 'api' | 'worker', env: Record<string, string>): Promise<{ url?: string }> {
    const log = await open(this.#logFile(part), 'a');
    const child = fork(repository(`dist/src/main/${part}.js`), [], {
      // Nothing of the test runner's own environment, flags or arguments.
      execArgv: [],
      env: {
        PATH: process.env['PATH'],
        HOME: this.dir,
        DATABASE_URL: this.databaseUrl,
        TEMPORAL_ADDRESS: this.temporalAddress,
        XYN_TASK_QUEUE: this.taskQueue,
        XYN_STATE_DIR: this.stateDir,
        XYN_LOG_LEVEL: 'info',
        ...this.#options.env,
        ...env,
      },
      stdio: ['ignore', log.fd, log.fd, 'ipc'],
    });
    await log.close();
    const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
    const running: Child = { process: child, ended, ending: false };
    this.#children.set(part, running);
    child.once('exit', (code, signal) => {
      if (running.ending) return;
      this.unexpectedEnds.push({ part, code, signal });
      void this.#logTail(part).then((text) =>
        process.stderr.write(`${part} ended by itself; its log ends so:\n${text}\n`),
      );
    });
    return new Promise((resolve, reject) => {
      const fail = (why: string): void => {
        clearTimeout(timer);
        void this.#logTail(part).then((text) => reject(new Error(`${part} ${why}:\n${text}`)));
      };
      const timer = setTimeout(() => fail('was not ready in time'), READY_MS);
      child.once('exit', () => fail('ended before it was ready'));
      child.once('message', (message) => {
        clearTimeout(timer);
        resolve(message as { url?: string });
      });
    });
  }
}
