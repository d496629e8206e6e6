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
