import type { GateStatus, RunStatus, StepStatus } from '../domain/engine/state.js';
import type { StepKind } from '../domain/plan.js';
import type { Database } from './database.js';

/** An open run that has not been heard of for a while. */
export interface QuietRun {
  run_id: string;
  status: RunStatus;
  dispatched_at: Date;
  last_progress_at: Date;
}

/** Keyset of the walk over quiet runs. */
export interface QuietCursor {
  last_progress_at: Date;
  run_id: string;
}

/** What the catalog has of a run. */
export interface RecordedRun {
  status: RunStatus;
  seq: number;
  correlation_id: string;
  env_id: string;
  steps: RecordedStep[];
  /** `<step_id>/<attempt>` → status. */
  attempts: Map<string, string>;
  gates: RecordedGate[];
}

export interface RecordedStep {
  step_id: string;
  path: string;
  node_id: string;
  kind: StepKind;
  name: string;
  status: StepStatus;
  seq: number;
  attempts: number;
  started_at: Date | null;
}

export interface RecordedGate {
  path: string;
  status: GateStatus;
  purpose: 'approval' | 'recovery';
  require: number;
  reject: number;
  reason: string;
}

/** What the reconciler compares and repairs. */
export class RepairStore {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  /** Ended runs whose records are known to be incomplete, for at least that long. */
  async incomplete(olderThanMs: number, limit: number): Promise<string[]> {
    const rows = await this.#db.$queryRaw<{ run_id: string }[]>`
      SELECT run_id FROM runs WHERE needs_repair AND last_progress_at < now() - ${olderThanMs} * interval '1 ms'
      ORDER BY last_progress_at LIMIT ${limit}`;
    return rows.map((row) => row.run_id);
  }

  async clearIncomplete(runId: string): Promise<void> {
    await this.#db.$executeRaw`UPDATE runs SET needs_repair = false WHERE run_id = ${runId}::uuid AND needs_repair`;
  }

  /** Open runs that Temporal has taken and that were not heard of for that long, longest first. */
  async quiet(quietMs: number, limit: number, after?: QuietCursor): Promise<QuietRun[]> {
    const from = after?.last_progress_at ?? new Date(0);
    const id = after?.run_id ?? '00000000-0000-0000-0000-000000000000';
    return this.#db.$queryRaw<QuietRun[]>`
      SELECT run_id, status, dispatched_at, last_progress_at FROM runs
      WHERE status IN ('created', 'running') AND dispatched_at IS NOT NULL
        AND last_progress_at < now() - ${quietMs} * interval '1 ms'
        AND (last_progress_at, run_id) > (${from}::timestamptz, ${id}::uuid)
      ORDER BY last_progress_at, run_id LIMIT ${limit}`;
  }

  async recorded(runId: string): Promise<RecordedRun | undefined> {
    const where = { where: { run_id: runId } };
    const [run, steps, attempts, gates] = await Promise.all([
      this.#db.run.findUnique(where),
      this.#db.step.findMany(where),
      this.#db.step_attempt.findMany(where),
      this.#db.gate.findMany(where),
    ]);
    if (run === null) return undefined;
    return {
      status: run.status as RunStatus,
      seq: run.seq,
      correlation_id: run.correlation_id,
      env_id: run.env_id,
      steps: steps.map((row) => ({ ...row, kind: row.kind as StepKind, status: row.status as StepStatus })),
      attempts: new Map(attempts.map((row) => [`${row.step_id}/${row.attempt}`, row.status])),
      gates: gates.map((row) => ({
        ...row,
        status: row.status as GateStatus,
        purpose: row.purpose as RecordedGate['purpose'],
      })),
    };
  }

  /**
   * Attempts that still count as running while their run has ended become `lost`.
   * @returns how many of each run.
   */
  async loseAttempts(olderThanMs: number, limit: number): Promise<{ run_id: string; count: number }[]> {
    return this.#db.$queryRaw<{ run_id: string; count: number }[]>`
      WITH stale AS (
        SELECT a.step_id, a.attempt FROM step_attempts a JOIN runs r USING (run_id)
        WHERE a.status = 'running' AND a.started_at < now() - ${olderThanMs} * interval '1 ms'
          AND r.status IN ('completed', 'failed', 'cancelled')
        ORDER BY a.started_at LIMIT ${limit}
      ), lost AS (
        UPDATE step_attempts a SET status = 'lost', ended_at = now() FROM stale s
        WHERE a.step_id = s.step_id AND a.attempt = s.attempt AND a.status = 'running' RETURNING a.run_id
      )
      SELECT run_id, count(*)::int AS count FROM lost GROUP BY run_id`;
  }
}
