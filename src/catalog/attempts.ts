import { stepIdOf } from '../domain/ids.js';
import type { Catalog } from './connect.js';
import { catalogFault } from './faults.js';

/**
 * How long the retries of a step have paused so far, milliseconds: the time between the end of a failed attempt and the
 * beginning of the next, the present pause included.
 * @throws XynFault `db_unavailable`
 */
export async function pausedMs({ pool }: Pick<Catalog, 'pool'>, runId: string, path: string): Promise<number> {
  try {
    const { rows } = await pool.query<{ paused_ms: string }>(
      `SELECT coalesce(sum(extract(epoch FROM (coalesce(next_start, now()) - ended_at)) * 1000), 0) AS paused_ms
       FROM (SELECT status, ended_at, lead(started_at) OVER (ORDER BY attempt) AS next_start
             FROM step_attempts WHERE step_id = $1) attempts
       WHERE status = 'failed'`,
      [stepIdOf(runId, path)],
    );
    return Math.max(0, Math.round(Number(rows[0]?.paused_ms ?? 0)));
  } catch (error) {
    throw catalogFault(error);
  }
}

/** One attempt at a step. */
export interface AttemptKey {
  runId: string;
  path: string;
  attempt: number;
}

/**
 * Which of these attempts are on record and over, in the same order: ended, lost, or of a run that has ended.
 * @throws XynFault `db_unavailable`
 */
export async function attemptsOver(
  { pool }: Pick<Catalog, 'pool'>,
  attempts: readonly AttemptKey[],
): Promise<boolean[]> {
  try {
    const { rows } = await pool.query<{ over: boolean | null }>(
      `SELECT a.status <> 'running' OR r.status IN ('completed', 'failed', 'cancelled') AS over
       FROM unnest($1::uuid[], $2::int[]) WITH ORDINALITY AS asked (step_id, attempt, place)
       LEFT JOIN step_attempts a USING (step_id, attempt)
       LEFT JOIN runs r USING (run_id)
       ORDER BY asked.place`,
      [attempts.map(({ runId, path }) => stepIdOf(runId, path)), attempts.map(({ attempt }) => attempt)],
    );
    return rows.map(({ over }) => over === true);
  } catch (error) {
    throw catalogFault(error);
  }
}
