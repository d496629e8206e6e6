import type { FootprintDto, FootprintTotalDto } from '../domain/dtos.js';
import type { JsonObject } from '../domain/json.js';
import type { Database } from './database.js';

/** Keyset of the listing: the last footprint shown. */
export interface FootprintCursor {
  recorded_at: string;
  source_kind: string;
  source_ref: string;
  metric: string;
}

interface FootprintRow extends Omit<FootprintDto, 'recorded_at' | 'dims'> {
  recorded_at: Date;
  dims_json: JsonObject | null;
}

/** What runs used. */
export class FootprintStore {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  /** Of one run, oldest first. */
  async list(runId: string, limit: number, cursor?: FootprintCursor): Promise<FootprintDto[]> {
    const { recorded_at: at = '-infinity', source_kind: kind = '', source_ref: ref = '', metric = '' } = cursor ?? {};
    const rows = await this.#db.$queryRaw<FootprintRow[]>`
      SELECT recorded_at, source_kind, source_ref, metric, run_id, step_id, quantity, unit, dims_json FROM footprints
      WHERE run_id = ${runId}::uuid
        AND (recorded_at, source_kind, source_ref, metric) > (${at}::timestamptz, ${kind}, ${ref}, ${metric})
      ORDER BY recorded_at, source_kind, source_ref, metric LIMIT ${limit}`;
    return rows.map(({ recorded_at, dims_json: dims, ...row }) => ({
      ...row,
      recorded_at: recorded_at.toISOString(),
      dims,
    }));
  }

  /** Of one run, added up by metric and unit. */
  async totals(runId: string): Promise<FootprintTotalDto[]> {
    return this.#db.$queryRaw<FootprintTotalDto[]>`
      SELECT metric, unit, sum(quantity)::float8 AS quantity FROM footprints WHERE run_id = ${runId}::uuid
      GROUP BY metric, unit ORDER BY metric, unit`;
  }
}
