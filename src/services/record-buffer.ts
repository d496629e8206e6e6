import type { RecordWriter } from '../catalog/records.js';
import type { Transition } from '../domain/engine/state.js';
import type { ErrorCode } from '../domain/error-codes.js';
import { XynFault } from '../domain/fault.js';
import type { AttemptEnd, AttemptStart, RecordSink } from '../domain/records.js';
import { addressOf, batchOf, durableOf, RecordQueue, type Bounds, type Durable, type Row } from './record-queue.js';
import { StatementPace } from './statement-pace.js';

/** Where the buffer tells what went wrong; a pino logger fits. */
export interface RecordLog {
  warn(facts: Record<string, unknown>, message: string): void;
  error(facts: Record<string, unknown>, message: string): void;
}

export interface RecordBufferOptions {
  writer: RecordWriter;
  log: RecordLog;
  /**
   * How long a row may wait for others; default 100. A statement costs Postgres over a millisecond, each row in it a quarter of
   * one, and nobody sees a step end sooner.
   */
  lingerMs?: number;
  /**
   * How long a row that somebody waits for may be kept back so that others share its statement; default 15. It is kept back only
   * while statements take a quarter of the time, which the steps of one run hardly reach.
   */
  maxShareMs?: number;
  /** Rows that are written without waiting for more; default 100. */
  batchRows?: number;
  /** Rows of one statement at most; default 500. */
  maxStatementRows?: number;
  /** About so many bytes of one statement; default 4 MiB, which Postgres takes in a tenth of the 5 s it has for it. */
  maxStatementBytes?: number;
  /** Rows kept while Postgres is away; default 10 000. */
  maxRows?: number;
  /**
   * About so many bytes of rows in memory; default 64 MiB: a sixth of the 400 MiB of a worker. Ordinary rows have one KiB
   * and reach the bound of rows first, results at their limit of 256 KiB reach this one after some 250.
   */
  maxBytes?: number;
  /** How long `begin` and `record` try; default 2000. */
  durableTimeoutMs?: number;
}

/** What the buffer has done so far. */
export interface RecordBufferCounts {
  written: number;
  /** Refused by Postgres, one by one. */
  refused: number;
  /** Let go because too many waited, or none could be written before the end. */
  dropped: number;
}

interface Flush {
  open: Set<Row>;
  resolve: () => void;
}

const MIB = 1024 * 1024;
const FIRST_PAUSE_MS = 25;
/** Well below the time that `begin` tries, so that it succeeds once Postgres is back. */
const MAX_PAUSE_MS = 400;

/**
 * Writes behind the workers, in batches: a row waits for others up to `lingerMs`, one statement is under way at a time, and
 * what comes meanwhile makes the next batch. Rows that somebody waits for (`begin`, `record`) go at once and take along what
 * lies there; when there are many of them they share statements. While Postgres is away rows are kept and tried again; a row
 * that Postgres refuses is found by halving its batch, logged and let go. What is let go the reconciler repairs from the history.
 */
export class RecordBuffer implements RecordSink {
  readonly #writer: RecordWriter;
  readonly #log: RecordLog;
  readonly #lingerMs: number;
  readonly #pace: StatementPace;
  readonly #batchRows: number;
  readonly #statement: Bounds;
  readonly #most: Bounds;
  readonly #durableTimeoutMs: number;
  readonly #queue = new RecordQueue();
  #writing = false;
  #closing: Promise<void> | undefined;
  #stopped = false;
  #timer: NodeJS.Timeout | undefined;
  #failures = 0;
  /** When the last row was committed, or the first came after none waited. */
  #progressAt = 0;
  readonly #flushes = new Set<Flush>();
  readonly #inFlight = new Set<Row>();
  readonly #counts: RecordBufferCounts = { written: 0, refused: 0, dropped: 0 };

  constructor(options: RecordBufferOptions) {
    this.#writer = options.writer;
    this.#log = options.log;
    this.#lingerMs = options.lingerMs ?? 100;
    this.#pace = new StatementPace(options.maxShareMs ?? 15);
    this.#batchRows = options.batchRows ?? 100;
    this.#statement = { rows: options.maxStatementRows ?? 500, bytes: options.maxStatementBytes ?? 4 * MIB };
    this.#most = { rows: options.maxRows ?? 10_000, bytes: options.maxBytes ?? 64 * MIB };
    this.#durableTimeoutMs = options.durableTimeoutMs ?? 2_000;
  }

  /** A copy of the counts. */
  get counts(): RecordBufferCounts {
    return { ...this.#counts };
  }

  /** How long nothing was committed although rows wait, milliseconds; 0 when none waits. */
  get stalledMs(): number {
    return this.pending === 0 ? 0 : performance.now() - this.#progressAt;
  }

  /** Rows that are not committed yet. */
  get pending(): number {
    return this.#queue.length + this.#inFlight.size;
  }

  begin(start: AttemptStart, transitions: readonly Transition[]): Promise<void> {
    return this.#durable('audit_unavailable', (durable) => ({ kind: 'begin', start, transitions, durable }));
  }

  record(runId: string, transitions: readonly Transition[]): Promise<void> {
    if (transitions.length === 0) return Promise.resolve();
    return this.#durable('db_unavailable', (durable) => ({ kind: 'record', runId, transitions, durable }));
  }

  running(start: AttemptStart): void {
    this.#add({ kind: 'running', start });
  }

  end(end: AttemptEnd): void {
    this.#add({ kind: 'end', end });
  }

  async flush(timeoutMs: number): Promise<void> {
    const open = new Set([...this.#queue.rows, ...this.#inFlight]);
    if (open.size === 0) return;
    await new Promise<void>((resolve, reject) => {
      const flush: Flush = { open, resolve: () => done(resolve) };
      const timer = setTimeout(
        () => done(() => reject(unavailable('db_unavailable', `Records were not committed within ${timeoutMs} ms.`))),
        timeoutMs,
      );
      const done = (then: () => void): void => {
        clearTimeout(timer);
        this.#flushes.delete(flush);
        then();
      };
      this.#flushes.add(flush);
      this.#goOn();
    });
  }

  /**
   * Takes nothing more, writes what it has for at most `timeoutMs` (default 5000), and lets go of the rest, which is counted
   * and logged. Leaves no timer behind. Never rejects; calling it again gives the same promise.
   */
  close(timeoutMs = 5_000): Promise<void> {
    this.#closing ??= this.#close(timeoutMs);
    return this.#closing;
  }

  async #close(timeoutMs: number): Promise<void> {
    await this.flush(timeoutMs).catch(() => undefined);
    this.#stopped = true;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const left = this.#queue.takeAll();
    for (const row of [...left, ...this.#inFlight]) this.#settle(row, stopping(row));
    this.#dropped(left.length, 'records were not written before the worker stopped');
  }

  #durable(code: ErrorCode, rowOf: (durable: Durable) => Row): Promise<void> {
    if (this.#closing) return Promise.reject(unavailable(code, 'The worker is stopping.'));
    return new Promise<void>((resolve, reject) => {
      const durable: Durable = {
        resolve,
        reject,
        code,
        settled: false,
        timer: setTimeout(() => this.#giveUp(row), this.#durableTimeoutMs),
      };
      const row = rowOf(durable);
      this.#push(row);
      this.#goOn();
    });
  }

  /** Nobody waits any longer. If its statement is under way it may still commit, which does no harm. */
  #giveUp(row: Row): void {
    this.#queue.remove(row);
    this.#settle(row, unavailable(codeOf(row), 'Postgres did not commit the record in time; nothing was done.'));
  }

  #add(row: Row): void {
    if (this.#closing) {
      this.#dropped(1, 'a record came after the worker stopped');
      return;
    }
    this.#push(row);
    if (this.#queue.length > this.#most.rows || this.#queue.bytes > this.#most.bytes) this.#makeRoom();
    if (this.#isFull()) this.#goOn();
    else this.#schedule(this.#lingerMs);
  }

  #push(row: Row): void {
    if (this.pending === 0) this.#progressAt = performance.now();
    this.#queue.push(row);
  }

  #makeRoom(): void {
    const rows = this.#queue.makeRoom(this.#most);
    for (const row of rows) this.#settle(row);
    this.#dropped(rows.length, 'too many records wait for Postgres');
  }

  /** Whether what waits fills a batch. */
  #isFull(): boolean {
    return this.#queue.length >= this.#batchRows || this.#queue.bytes >= this.#statement.bytes;
  }

  /** Whether what waits is to be written without a look for more. */
  #isPressing(): boolean {
    return this.#flushes.size > 0 || this.#isFull();
  }

  #schedule(delayMs: number): void {
    if (this.#timer !== undefined || this.#writing) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#goOn();
    }, delayMs);
  }

  /** Starts the next statement, unless one is under way, or a pause after a failure or between statements is not over. */
  #goOn(): void {
    if (this.#writing || this.#queue.length === 0) return;
    if (this.#failures > 0 && this.#timer !== undefined) return;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const pauseMs = this.#isPressing() ? 0 : this.#pace.nextAt() - performance.now();
    if (pauseMs > 0) {
      this.#schedule(pauseMs);
      return;
    }
    this.#writing = true;
    void this.#writeNext();
  }

  async #writeNext(): Promise<void> {
    const rows = this.#take();
    for (const row of rows) this.#inFlight.add(row);
    const beganAt = performance.now();
    const failed = await this.#writeRows(rows);
    this.#pace.took(beganAt, performance.now());
    const kept = failed.filter((row) => durableOf(row)?.settled !== true);
    this.#inFlight.clear();
    this.#writing = false;
    if (this.#stopped) {
      this.#dropped(kept.length, 'records were not written before the worker stopped');
      return;
    }
    this.#queue.putBack(kept);
    if (failed.length > 0) {
      this.#failures += 1;
      this.#schedule(Math.min(MAX_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(this.#failures, 10)));
      return;
    }
    this.#failures = 0;
    const urgent = this.#isPressing() || this.#queue.rows.some(durableOf);
    if (urgent) this.#goOn();
    else if (this.#queue.length > 0) this.#schedule(this.#lingerMs);
  }

  /** Fewer after each failure, since the statement may have been too much for its time-out. */
  #take(): Row[] {
    const shift = Math.min(this.#failures, 10);
    return this.#queue.take({
      rows: Math.max(1, this.#statement.rows >> shift),
      bytes: this.#statement.bytes >> shift,
    });
  }

  /** Writes rows and settles them; returns those to try again later. */
  async #writeRows(rows: readonly Row[]): Promise<Row[]> {
    try {
      await this.#writer.write(batchOf(rows));
    } catch (error) {
      return this.#failed(rows, error);
    }
    this.#counts.written += rows.length;
    this.#progressAt = performance.now();
    for (const row of rows) this.#settle(row);
    return [];
  }

  async #failed(rows: readonly Row[], error: unknown): Promise<Row[]> {
    if (!this.#writer.isRefusal(error)) {
      if (this.#failures === 0) this.#log.warn({ err: error, rows: rows.length }, 'records wait for Postgres');
      return [...rows];
    }
    const [first] = rows;
    if (rows.length > 1 || first === undefined) {
      const middle = Math.ceil(rows.length / 2);
      const kept = await this.#writeRows(rows.slice(0, middle));
      return [...kept, ...(await this.#writeRows(rows.slice(middle)))];
    }
    this.#counts.refused += 1;
    this.#log.error({ err: error, kind: first.kind, ...addressOf(first) }, 'Postgres refused a record; it is left out');
    this.#settle(first, unavailable(codeOf(first), 'Postgres refused the record; nothing was done.', error));
    return [];
  }

  /** The row is committed or let go. */
  #settle(row: Row, failure?: XynFault): void {
    const durable = durableOf(row);
    if (durable && !durable.settled) {
      durable.settled = true;
      clearTimeout(durable.timer);
      if (failure) durable.reject(failure);
      else durable.resolve();
    }
    this.#inFlight.delete(row);
    this.#queue.settle(row);
    for (const flush of this.#flushes) {
      flush.open.delete(row);
      if (flush.open.size === 0) flush.resolve();
    }
  }

  #dropped(rows: number, why: string): void {
    if (rows === 0) return;
    const before = this.#counts.dropped;
    this.#counts.dropped += rows;
    // The first, and then each thousandth: an outage must not fill the log.
    if (before === 0 || Math.floor(before / 1000) !== Math.floor(this.#counts.dropped / 1000)) {
      this.#log.error({ dropped: this.#counts.dropped }, `${why}; the reconciler will repair them`);
    }
  }
}

function codeOf(row: Row): ErrorCode {
  return durableOf(row)?.code ?? 'db_unavailable';
}

function stopping(row: Row): XynFault {
  return unavailable(codeOf(row), 'The worker is stopping.');
}

function unavailable(code: ErrorCode, message: string, cause?: unknown): XynFault {
  return new XynFault(code, message, { cause });
}
