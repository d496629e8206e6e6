import type { Transition } from '../domain/engine/state.js';
import { stepIdOf } from '../domain/ids.js';
import type { AttemptEnd, AttemptStart } from '../domain/records.js';
import type { Catalog } from './connect.js';
import { catalogFault, classifyCatalogError } from './faults.js';
import { Derived } from './record-derived.js';
import {
  addToRun,
  attemptRow,
  emptyRunRow,
  gateRow,
  loseEarlierAttempts,
  mergeAttempts,
  mergeGates,
  mergeSteps,
  stepOfAttempt,
  stepOfTransition,
  type AttemptRow,
  type GateRow,
  type RunRow,
  type StepRow,
} from './record-rows.js';
import { recordStatement, repairStatement, type RecordRows } from './record-statement.js';

/** What workers and the reconciler know about runs, in any order and as often as they like. */
export interface RecordBatch {
  transitions: { run_id: string; transitions: readonly Transition[] }[];
  /** Attempts whose effect is about to happen: with an audit entry. */
  begins: AttemptStart[];
  /** Attempts that last long enough to be shown as running. */
  runnings: AttemptStart[];
  ends: AttemptEnd[];
}

/** Writes batches, for those who get it handed in. */
export interface RecordWriter {
  /** See `writeRecords`. */
  write(batch: RecordBatch): Promise<void>;
  /** Whether `write` failed by a record that will never be taken, rather than by a server that is away. */
  isRefusal(error: unknown): boolean;
}

/** The writer of a catalog. */
export function recordWriter(catalog: Pick<Catalog, 'pool'>): RecordWriter {
  return {
    write: (batch) => writeRecords(catalog, batch),
    isRefusal: (error) => classifyCatalogError(error) === 'data',
  };
}

/**
 * Writes a batch in one transaction: runs, steps, attempts, gates, decisions, and the events, audit entries and footprints
 * that follow from them. Repeating a batch, or writing batches out of order, gives the same rows: an older number never
 * overwrites a newer one, and what ended stays ended.
 * @throws XynFault `db_unavailable` when the same call may succeed later; `internal` when Postgres refused a value.
 * @throws RangeError when a record holds a time that is none.
 */
export async function writeRecords(catalog: Pick<Catalog, 'pool'>, batch: RecordBatch): Promise<void> {
  const rows = rowsOf(batch);
  if (rows.runs.length === 0) return;
  try {
    if (rows.runs.some((run) => run.end_seq !== null)) await writeWithEnds(catalog, rows);
    else await catalog.pool.query(recordStatement(rows));
  } catch (error) {
    throw catalogFault(error);
  }
}

async function writeWithEnds({ pool }: Pick<Catalog, 'pool'>, rows: RecordRows): Promise<void> {
  const client = await pool.connect();
  let failure: Error | undefined;
  try {
    await client.query('BEGIN');
    await client.query(recordStatement(rows));
    await client.query(repairStatement(rows.runs));
    await client.query('COMMIT');
  } catch (error) {
    failure = error instanceof Error ? error : new Error(String(error));
    throw error;
  } finally {
    // A connection in an unknown state is not given back: closing it also rolls back.
    client.release(failure);
  }
}

function rowsOf(batch: RecordBatch): RecordRows {
  const building = new RowBuilder();
  for (const { run_id, transitions } of batch.transitions) {
    for (const transition of transitions) building.transition(run_id, transition);
  }
  for (const start of batch.begins) building.attempt(start, true);
  for (const start of batch.runnings) building.attempt(start, false);
  for (const end of batch.ends) building.attempt(end, false);
  return building.rows();
}

/** Collects one row per key: a statement must not touch a row twice. */
class RowBuilder {
  readonly #runs = new Map<string, RunRow>();
  readonly #steps = new Map<string, StepRow>();
  readonly #attempts = new Map<string, AttemptRow>();
  readonly #gates = new Map<string, GateRow>();
  readonly #derived = new Derived();

  transition(runId: string, transition: Transition): void {
    addToRun(this.#run(runId), transition);
    if (transition.t === 'step') {
      const row = stepOfTransition(runId, transition);
      merge(this.#steps, row.step_id, row, mergeSteps);
    } else if (transition.t === 'gate') {
      const row = gateRow(runId, transition);
      merge(this.#gates, row.gate_id, row, mergeGates);
    }
    this.#derived.add(runId, transition);
  }

  attempt(attempt: AttemptStart | AttemptEnd, isEffect: boolean): void {
    this.#run(attempt.run_id);
    const stepId = stepIdOf(attempt.run_id, attempt.path);
    merge(this.#steps, stepId, stepOfAttempt(stepId, attempt), mergeSteps);
    merge(this.#attempts, `${stepId}/${attempt.attempt}`, attemptRow(stepId, attempt), mergeAttempts);
    this.#derived.begun(stepId, attempt);
    if (isEffect) this.#derived.effect(stepId, attempt);
    if ('status' in attempt) this.#derived.ended(stepId, attempt);
  }

  rows(): RecordRows {
    const { events, audit, footprints, decisions } = this.#derived;
    return {
      runs: [...this.#runs.values()],
      steps: [...this.#steps.values()],
      attempts: loseEarlierAttempts([...this.#attempts.values()]),
      gates: [...this.#gates.values()],
      decisions: [...new Map(decisions.map((row) => [row.decision_id, row])).values()],
      events: events.map((event, ordinal) => ({ ...event, ordinal })),
      audit,
      footprints,
    };
  }

  #run(runId: string): RunRow {
    const known = this.#runs.get(runId);
    if (known) return known;
    const row = emptyRunRow(runId);
    this.#runs.set(runId, row);
    return row;
  }
}

function merge<T>(rows: Map<string, T>, key: string, row: T, both: (a: T, b: T) => T): void {
  const known = rows.get(key);
  rows.set(key, known === undefined ? row : both(known, row));
}
