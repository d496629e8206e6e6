import type { RunDto } from '../domain/dtos.js';
import type { runModel } from './generated/models/run.js';
import type { Database } from './database.js';
import { runDto } from './run-store.js';

/** An open run that has made no progress for a while. */
export interface QuietRunDto extends RunDto {
  last_progress_at: string;
}

/** Keyset of the walk over quiet runs: the last one looked at. */
export interface StuckCursor {
  last_progress_at: string;
  run_id: string;
}

/** What the catalog's server says about itself and about work that is left. */
export interface CatalogFacts {
  postgres_version: string;
  /** Milliseconds since the epoch by the server's clock. */
  now_ms: number;
  /** Of the oldest event that nobody dispatched, milliseconds; null when there is none. */
  dispatch_age_ms: number | null;
  /** Of the oldest audit entry that is not linked, milliseconds; null when there is none. */
  audit_age_ms: number | null;
  /** Schedules that Temporal does not have as they shall be, for longer than a minute. */
  schedules_pending: number;
}

/** A cancel that was asked for, or steps that wait, are found among runs that made no progress for that long. */
const QUIET_MS = 2_000;

/** Reads what a look after stuck runs needs. */
export class StuckRuns {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  /** Open runs, counted up to `most`. */
  async countOpen(most: number): Promise<number> {
    const rows = await this.#db.$queryRaw<{ count: number }[]>`
      SELECT count(*)::int AS count FROM (
        SELECT 1 FROM runs WHERE status IN ('created', 'running') LIMIT ${most}) AS open`;
    return rows[0]?.count ?? 0;
  }

  /** Open runs without progress for two seconds, longest first. */
  async quiet(limit: number, after?: StuckCursor): Promise<QuietRunDto[]> {
    const from = after?.last_progress_at ?? '1970-01-01T00:00:00Z';
    const id = after?.run_id ?? '00000000-0000-0000-0000-000000000000';
    const rows = await this.#db.$queryRaw<runModel[]>`
      SELECT * FROM runs
      WHERE status IN ('created', 'running') AND last_progress_at < now() - ${QUIET_MS} * interval '1 ms'
        AND (last_progress_at, run_id) > (${from}::timestamptz, ${id}::uuid)
      ORDER BY last_progress_at, run_id LIMIT ${limit}`;
    return rows.map((row) => ({ ...runDto(row), last_progress_at: row.last_progress_at.toISOString() }));
  }

  async facts(): Promise<CatalogFacts> {
    const rows = await this.#db.$queryRaw<CatalogFacts[]>`
      SELECT current_setting('server_version') AS postgres_version,
        (extract(epoch FROM clock_timestamp()) * 1000)::float8 AS now_ms,
        (SELECT (extract(epoch FROM now() - occurred_at) * 1000)::float8 FROM events
          WHERE dispatched_at IS NULL ORDER BY dispatched_at, seq LIMIT 1) AS dispatch_age_ms,
        (SELECT (extract(epoch FROM now() - l.at) * 1000)::float8 FROM audit_pending p JOIN audit_log l USING (audit_id)
          ORDER BY p.audit_id LIMIT 1) AS audit_age_ms,
        (SELECT count(*)::int FROM schedules
          WHERE applied_generation < generation AND updated_at < now() - interval '1 min') AS schedules_pending`;
    return rows[0] as CatalogFacts;
  }
}
