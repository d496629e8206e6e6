import type { ArtifactStore } from '../artifacts/store.js';
import type { DueRunLog, RunLogCursor, RunLogEntry, SettlingTimes } from '../catalog/run-log-rows.js';
import type { CatalogAccess } from '../catalog/unit-of-work.js';
import { uuidV5 } from '../domain/hash.js';
import type { Log } from './log.js';
import { startWakeLoop, type WakeLoop } from './wake-loop.js';

export interface RunLogDeps {
  catalog: Pick<CatalogAccess, 'runLogs' | 'transaction'>;
  /** Pages of what happened in a run; see `runLogEntries` of the catalog. */
  entries: (runId: string, logId: string) => AsyncIterable<RunLogEntry[]>;
  store: ArtifactStore;
  /** Masks what looks like a secret in a text: people write reasons, and targets write errors. */
  redact: (text: string) => string;
  log: Log;
}

/**
 * Three seconds are far above the 50 ms that workers write behind. What stays open longer than ten minutes (the reconciler
 * gives lost attempts up after one) is told as it is.
 */
const TIMES: SettlingTimes = { settledMs: 3_000, patienceMs: 600_000 };
const BATCH = 100;
/** Logs wait for nobody; between two looks at the queue. */
const PAUSE_MS = 2_000;
const ERROR_PAUSE_MS = 10_000;
/** Kept free for the line that says where a log stops. */
const RESERVE_BYTES = 1_024;

/** The artifact of a run's log, whoever writes it. */
export function runLogIdOf(runId: string): string {
  return uuidV5(runId, 'run_log');
}

/**
 * Keeps the log of every ended run as an artifact `run.jsonl`: one JSON line for each thing that happened. It is written
 * from the catalog's rows, after the run, by any API process: one that dies leaves the run in the queue, and writing it
 * twice gives the same artifact. Works at most half of the time, so that runs under way feel little of it.
 */
export class RunLogWriter {
  readonly #deps: RunLogDeps;
  readonly #times: SettlingTimes;
  #after: RunLogCursor | undefined;
  #loop: WakeLoop | undefined;
  #stopping = false;

  constructor(deps: RunLogDeps, times: Partial<SettlingTimes> = {}) {
    this.#deps = deps;
    this.#times = { ...TIMES, ...times };
  }

  /** Writes due logs, until `stop`. */
  start(): void {
    this.#loop ??= startWakeLoop({
      work: async () => {
        const startedAt = performance.now();
        await this.sweep();
        return Math.max(PAUSE_MS, performance.now() - startedAt);
      },
      onError: (error) => this.#deps.log.warn({ err: error }, 'logs of runs wait; the next sweep goes on'),
      errorPauseMs: ERROR_PAUSE_MS,
    });
  }

  /** Lets the log that is being written end. */
  async stop(): Promise<void> {
    this.#stopping = true;
    await this.#loop?.stop();
  }

  /**
   * Writes the logs of the next ended runs, at most a hundred. A log that cannot be written is passed over until the walk
   * begins again.
   * @returns how many were written.
   */
  async sweep(): Promise<number> {
    const due = await this.#deps.catalog.runLogs.due(this.#times, BATCH, this.#after);
    this.#after = due.length < BATCH ? undefined : due.at(-1);
    let written = 0;
    for (const run of due) {
      if (this.#stopping) break;
      try {
        await this.#keep(run);
        written += 1;
      } catch (error) {
        this.#deps.log.warn({ err: error, run_id: run.run_id }, 'the log of a run cannot be kept for now');
      }
    }
    return written;
  }

  async #keep(run: DueRunLog): Promise<void> {
    const { catalog, store } = this.#deps;
    const artifactId = runLogIdOf(run.run_id);
    const content = await store.write(this.#lines(run, artifactId));
    await catalog.transaction(async (unit) => {
      await unit.artifacts.insert({
        artifact_id: artifactId,
        name: 'run.jsonl',
        kind: 'run_log',
        content_type: 'application/x-ndjson',
        byte_length: content.bytes,
        sha256: content.sha256,
        created_by: 'system',
        run_id: run.run_id,
        step_id: null,
        metadata: {},
        correlation_id: run.correlation_id,
        env_id: run.env_id,
      });
      await unit.runLogs.kept(run.run_id);
    });
  }

  async *#lines(run: DueRunLog, logId: string): AsyncGenerator<Uint8Array> {
    let room = this.#deps.store.maxBytes - RESERVE_BYTES;
    for await (const entries of this.#deps.entries(run.run_id, logId)) {
      const lines: string[] = [];
      for (const entry of entries) {
        const line = this.#line(run, entry);
        room -= Buffer.byteLength(line);
        if (room >= 0) lines.push(line);
        else break;
      }
      if (room < 0) {
        lines.push(
          this.#line(run, { at: run.completed_at, event: 'log.truncated', step_id: null, path: null, facts: {} }),
        );
      }
      yield Buffer.from(lines.join(''));
      if (room < 0) return;
    }
  }

  #line({ run_id, correlation_id }: DueRunLog, { at, event, step_id, path, facts }: RunLogEntry): string {
    const known = Object.fromEntries(Object.entries(facts).filter(([, value]) => value !== null));
    const line = { at: at.toISOString(), event, correlation_id, run_id, step_id, path, ...known };
    const masked = (_key: string, value: unknown): unknown =>
      typeof value === 'string' ? this.#deps.redact(value) : value;
    return `${JSON.stringify(line, masked)}\n`;
  }
}
