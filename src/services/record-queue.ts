import type { RecordBatch } from '../catalog/records.js';
import type { Transition } from '../domain/engine/state.js';
import type { ErrorCode } from '../domain/error-codes.js';
import type { XynFault } from '../domain/fault.js';
import type { AttemptEnd, AttemptStart } from '../domain/records.js';

/** One call of the buffer that is not committed yet. */
export type Row =
  | { kind: 'running'; start: AttemptStart }
  | { kind: 'end'; end: AttemptEnd }
  | { kind: 'begin'; start: AttemptStart; transitions: readonly Transition[]; durable: Durable }
  | { kind: 'record'; runId: string; transitions: readonly Transition[]; durable: Durable };

/** Somebody waits for this row. */
export interface Durable {
  resolve: () => void;
  reject: (error: XynFault) => void;
  timer: NodeJS.Timeout;
  code: ErrorCode;
  settled: boolean;
}

export interface Bounds {
  rows: number;
  bytes: number;
}

/** What a row weighs beside its values: keys, ids, times. */
const ROW_BYTES = 512;

/** Rows that wait for Postgres, oldest first, with what they weigh in memory. */
export class RecordQueue {
  #rows: Row[] = [];
  /** Of the rows that wait and of those that are being written. */
  readonly #sizes = new Map<Row, number>();
  #bytes = 0;

  get length(): number {
    return this.#rows.length;
  }

  get rows(): readonly Row[] {
    return this.#rows;
  }

  /** Weight of all rows that are not settled, those that are being written included. */
  get bytes(): number {
    return this.#bytes;
  }

  push(row: Row): void {
    const bytes = ROW_BYTES + weightOf(row);
    this.#sizes.set(row, bytes);
    this.#bytes += bytes;
    this.#rows.push(row);
  }

  /** Puts rows that were taken back in front. */
  putBack(rows: readonly Row[]): void {
    this.#rows.unshift(...rows);
  }

  /** Takes a row that waits out; its weight stays until it is settled. */
  remove(row: Row): void {
    const at = this.#rows.indexOf(row);
    if (at !== -1) this.#rows.splice(at, 1);
  }

  /** The row is committed or let go. */
  settle(row: Row): void {
    this.#bytes -= this.#sizes.get(row) ?? 0;
    this.#sizes.delete(row);
  }

  takeAll(): Row[] {
    return this.#rows.splice(0);
  }

  /** The rows that somebody waits for, and as many of the others as fit, oldest first; at least one. */
  take({ rows: most, bytes }: Bounds): Row[] {
    const chosen = new Set<Row>();
    let weight = 0;
    for (const waited of [true, false]) {
      for (const row of this.#rows) {
        if (chosen.size >= most) break;
        if ((durableOf(row) !== undefined) !== waited) continue;
        weight += this.#sizes.get(row) ?? 0;
        // Going on would bring smaller, younger rows before this one.
        if (weight > bytes && chosen.size > 0) break;
        chosen.add(row);
      }
    }
    const taken = this.#rows.filter((row) => chosen.has(row));
    this.#rows = this.#rows.filter((row) => !chosen.has(row));
    return taken;
  }

  /**
   * Takes out rows that nobody waits for until the bounds hold: rows of steps that merely run say the least, after them
   * the oldest go.
   */
  makeRoom(bounds: Bounds): Row[] {
    const out: Row[] = [];
    let bytes = this.#bytes;
    for (const kind of ['running', 'end'] as const) {
      while (this.#rows.length > bounds.rows || bytes > bounds.bytes) {
        const at = this.#rows.findIndex((row) => row.kind === kind);
        if (at === -1) break;
        for (const row of this.#rows.splice(at, 1)) {
          bytes -= this.#sizes.get(row) ?? 0;
          out.push(row);
        }
      }
    }
    return out;
  }
}

/** Who waits for a row, if anybody. */
export function durableOf(row: Row): Durable | undefined {
  return 'durable' in row ? row.durable : undefined;
}

/** Run and path of a row, for logs. */
export function addressOf(row: Row): { run_id: string; path?: string } {
  if (row.kind === 'record') return { run_id: row.runId };
  const { run_id, path } = row.kind === 'end' ? row.end : row.start;
  return { run_id, path };
}

/** Rows as the writer takes them. */
export function batchOf(rows: readonly Row[]): RecordBatch {
  const batch: RecordBatch = { transitions: [], begins: [], runnings: [], ends: [] };
  for (const row of rows) {
    switch (row.kind) {
      case 'running':
        batch.runnings.push(row.start);
        break;
      case 'end':
        batch.ends.push(row.end);
        break;
      case 'begin':
        batch.begins.push(row.start);
        if (row.transitions.length > 0) {
          batch.transitions.push({ run_id: row.start.run_id, transitions: row.transitions });
        }
        break;
      case 'record':
        batch.transitions.push({ run_id: row.runId, transitions: row.transitions });
        break;
    }
  }
  return batch;
}

/** What is large in a row, about as many bytes as it takes in memory and in a statement. */
function weightOf(row: Row): number {
  switch (row.kind) {
    case 'running':
      return bytesOf(row.start.input);
    case 'end':
      return bytesOf(row.end.input) + bytesOf(row.end.outputs) + bytesOf(row.end.error);
    case 'begin':
      return bytesOf(row.start.input) + bytesOf(row.transitions);
    case 'record':
      return bytesOf(row.transitions);
  }
}

/** Without making the JSON text, which takes a millisecond where it is large; a walk does not. */
function bytesOf(value: unknown): number {
  if (typeof value === 'string') return 16 + value.length;
  if (typeof value !== 'object' || value === null) return 8;
  let bytes = 16;
  if (Array.isArray(value)) for (const member of value) bytes += bytesOf(member);
  else for (const [key, member] of Object.entries(value)) bytes += key.length + bytesOf(member);
  return bytes;
}
