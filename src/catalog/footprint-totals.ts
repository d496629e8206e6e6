import type { Catalog } from './connect.js';

/** All footprints of a run of one metric, added up. */
export interface FootprintTotal {
  metric: string;
  quantity: number;
  unit: string;
}

/** What a run used, by metric. */
export async function footprintTotals(catalog: Catalog, runId: string): Promise<FootprintTotal[]> {
  const { rows } = await catalog.pool.query<FootprintTotal>(
    `SELECT metric, unit, sum(quantity)::float8 AS quantity FROM footprints WHERE run_id = $1
     GROUP BY metric, unit ORDER BY metric`,
    [runId],
  );
  return rows;
}
