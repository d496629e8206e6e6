import type { Database } from './database.js';

/** A line that a program printed. */
export interface TailLine {
  at: string;
  stream: string;
  text: string;
}

/** The newest lines of an attempt that runs. */
export interface StepTail {
  /** Temporal's number, with the rounds of recovery gates. */
  attempt: number;
  /** Lines in all, those that are not here any more too. */
  counted: number;
  lines: TailLine[];
}

/** What attempts print while they run. Only for people who watch: nothing else reads it. */
export class TailStore {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  /** Replaces the tail of a step; one of a later attempt stays. */
  async write(stepId: string, runId: string, { attempt, counted, lines }: StepTail): Promise<void> {
    await this.#db.$executeRaw`
      INSERT INTO step_tails AS t (step_id, run_id, attempt, counted, lines)
      VALUES (${stepId}::uuid, ${runId}::uuid, ${attempt}, ${counted}, ${JSON.stringify(lines)}::jsonb)
      ON CONFLICT (step_id) DO UPDATE SET attempt = EXCLUDED.attempt, counted = EXCLUDED.counted, lines = EXCLUDED.lines,
        updated_at = now() WHERE EXCLUDED.attempt >= t.attempt`;
  }

  /** The attempt has ended. */
  async drop(stepId: string, attempt: number): Promise<void> {
    await this.#db.$executeRaw`DELETE FROM step_tails WHERE step_id = ${stepId}::uuid AND attempt <= ${attempt}`;
  }

  /** When a run printed last, as a text to compare, and whether it is over. */
  async progress(runId: string): Promise<{ printed: string | null; is_over: boolean }> {
    const rows = await this.#db.$queryRaw<{ printed: string | null; is_over: boolean }[]>`
      SELECT (SELECT max(updated_at)::text FROM step_tails WHERE run_id = ${runId}::uuid) AS printed,
        NOT EXISTS (SELECT 1 FROM runs WHERE run_id = ${runId}::uuid AND completed_at IS NULL) AS is_over`;
    return rows[0] ?? { printed: null, is_over: true };
  }

  /** Forgets what workers left behind that died. @returns how many, at most `limit`. */
  async prune(olderThanMs: number, limit: number): Promise<number> {
    return this.#db.$executeRaw`
      DELETE FROM step_tails WHERE step_id IN (
        SELECT step_id FROM step_tails WHERE updated_at < now() - ${olderThanMs} * interval '1 ms'
        ORDER BY updated_at LIMIT ${limit} FOR UPDATE SKIP LOCKED)`;
  }
}
