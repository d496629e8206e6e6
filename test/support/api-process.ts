import { fork, type ChildProcess } from 'node:child_process';
import { mkdtemp, open, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { emptyDatabase, type EmptyDatabase } from './database.js';

const READY_MS = 90_000;
const STOP_MS = 30_000;
const apiMain = fileURLToPath(new URL('../../dist/src/main/api.js', import.meta.url));

/**
 * The API as it runs in production, in a process of its own over a database of its own. No Temporal server stands behind
 * it: what is accepted stays in the outbox.
 */
export class ApiProcess {
  readonly url: string;
  readonly port: number;
  /** As the owner of the tables. */
  readonly ownerUrl: string;
  /** Connected as the owner of the tables. */
  readonly pool: pg.Pool;
  readonly stateDir: string;
  readonly #child: ChildProcess;
  readonly #logFile: string;
  readonly #database: EmptyDatabase;

  private constructor(parts: { url: string; child: ChildProcess; dir: string; database: EmptyDatabase }) {
    this.url = parts.url;
    this.port = Number(new URL(parts.url).port);
    this.ownerUrl = parts.database.ownerUrl;
    this.pool = new pg.Pool({ connectionString: parts.database.ownerUrl, max: 2 });
    this.stateDir = stateOf(parts.dir);
    this.#child = parts.child;
    this.#logFile = logOf(parts.dir);
    this.#database = parts.database;
  }

  /** Starts it; one or two seconds. */
  static async start(env: Record<string, string> = {}): Promise<ApiProcess> {
    const dir = await mkdtemp(path.join(tmpdir(), 'xyn-test-api-'));
    const database = await emptyDatabase();
    const log = await open(logOf(dir), 'a');
    const child = fork(apiMain, [], {
      execArgv: [],
      env: {
        PATH: process.env['PATH'],
        HOME: dir,
        DATABASE_URL: database.url,
        DATABASE_OWNER_URL: database.ownerUrl,
        TEMPORAL_ADDRESS: '127.0.0.1:9',
        XYN_STATE_DIR: stateOf(dir),
        XYN_PORT: '0',
        ...env,
      },
      stdio: ['ignore', log.fd, log.fd, 'ipc'],
    });
    await log.close();
    const url = await readyUrl(child).catch(async (error: unknown) => {
      throw new Error(`${String(error)}:\n${(await readFile(logOf(dir), 'utf8')).slice(-3_000)}`);
    });
    return new ApiProcess({ url, child, dir, database });
  }

  /** Undefined once it has ended. */
  get pid(): number | undefined {
    return this.#child.exitCode === null && this.#child.signalCode === null ? this.#child.pid : undefined;
  }

  /** All that it logged so far. */
  log(): Promise<string> {
    return readFile(this.#logFile, 'utf8');
  }

  async rows<T extends object>(sql: string, values: unknown[] = []): Promise<T[]> {
    return (await this.pool.query(sql, values)).rows as T[];
  }

  /** Ends it and removes what it wrote. */
  async stop(): Promise<void> {
    await this.pool.end();
    if (this.pid !== undefined) {
      const ended = new Promise((resolve) => this.#child.once('exit', resolve));
      this.#child.kill('SIGTERM');
      const killer = setTimeout(() => this.#child.kill('SIGKILL'), STOP_MS);
      await ended;
      clearTimeout(killer);
    }
    await this.#database.drop();
    await rm(path.dirname(this.stateDir), { recursive: true, force: true });
  }
}

const stateOf = (dir: string): string => path.join(dir, 'state');
const logOf = (dir: string): string => path.join(dir, 'api.log');

function readyUrl(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error('the API was not ready in time')), READY_MS);
    child.once('exit', () => reject(new Error('the API ended before it was ready')));
    child.once('message', (message) => {
      clearTimeout(timer);
      resolve((message as { url: string }).url);
    });
  });
}
