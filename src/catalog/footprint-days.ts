import type { Catalog } from './connect.js';
import { catalogFault } from './faults.js';

/** Deltas that one fold takes: some hundred milliseconds at most. */
const MOST_FOLDED = 5_000;
/** One folder at a time, over all processes: two would wait for each other's rows. */
const FOLD_LOCK = 72_707_374;

/** A sum of footprints; what is null was added up over. */
export interface FootprintSum {
  /** ISO date in UTC. */
  day: string | null;
  /** Empty: of no run. */
  blueprint_id: string | null;
  /** `run`, `agent`, `action`, or the kind of a step that no worker ran. */
  source: string | null;
  /** The run's status, the model, or the action. */
  name: string | null;
  metric: string;
  quantity: number;
}

/** What one blueprint used of a metric; days without any are left out. */
export interface BlueprintDays {
  /** Empty: of no run. */
  blueprint_id: string;
  metric: string;
  /** By the number of the day, counted from the first of those that were asked for. */
  by_day: Readonly<Record<string, number>>;
}

/** Days as they are asked for, and what is known of them, folded or not. */
const USED = `first AS (SELECT (now() AT TIME ZONE 'UTC')::date - $1::int + 1 AS day),
  used AS (
    SELECT day, blueprint_id, source, name, metric, quantity FROM footprint_days WHERE day >= (SELECT day FROM first)
    UNION ALL
    SELECT day, blueprint_id, source, name, metric, quantity FROM footprint_deltas WHERE day >= (SELECT day FROM first))`;

/** Footprints by day: what pages ask for, whatever the number of runs. */
export class FootprintDayStore {
  readonly #catalog: Pick<Catalog, 'pool'>;

  constructor(catalog: Pick<Catalog, 'pool'>) {
    this.#catalog = catalog;
  }

  /**
   * Moves noted footprints into their days, in one statement: a process that dies leaves them where they were.
   * @returns how many were moved; zero also while another process folds.
   * @throws XynFault `db_unavailable`
   */
  async fold(): Promise<number> {
    const [row] = await this.#rows<{ n: number }>(
      `WITH mine AS MATERIALIZED (SELECT 1 WHERE pg_try_advisory_xact_lock($1)),
         chosen AS MATERIALIZED (SELECT delta_id FROM footprint_deltas, mine ORDER BY delta_id LIMIT $2),
         taken AS (DELETE FROM footprint_deltas WHERE delta_id IN (SELECT delta_id FROM chosen) RETURNING *),
         folded AS (
           INSERT INTO footprint_days AS d (day, blueprint_id, source, name, metric, unit, quantity)
           SELECT day, blueprint_id, source, name, metric, unit, sum(quantity) FROM taken GROUP BY 1, 2, 3, 4, 5, 6
           ON CONFLICT (day, blueprint_id, source, name, metric, unit)
             DO UPDATE SET quantity = d.quantity + excluded.quantity)
       SELECT count(*)::int AS n FROM taken`,
      [FOLD_LOCK, MOST_FOLDED],
    );
    return row?.n ?? 0;
  }

  /**
   * Sums of the newest days, today (UTC) among them: by day and source, by blueprint, and by source and name. Exact at any
   * moment, folded or not.
   * @throws XynFault `db_unavailable`
   */
  async sums(days: number): Promise<FootprintSum[]> {
    return this.#rows<FootprintSum>(
      `WITH ${USED}
       SELECT day::text, blueprint_id, source, name, metric, sum(quantity)::float8 AS quantity FROM used
       GROUP BY GROUPING SETS ((day, source, metric), (blueprint_id, metric), (source, name, metric))`,
      [days],
    );
  }

  /** Each blueprint's days, of the newest, today (UTC) among them. @throws XynFault `db_unavailable` */
  async blueprintDays(days: number): Promise<BlueprintDays[]> {
    return this.#rows<BlueprintDays>(
      `WITH ${USED}
       SELECT blueprint_id, metric, json_object_agg(day - (SELECT day FROM first), quantity) AS by_day
       FROM (SELECT day, blueprint_id, metric, sum(quantity)::float8 AS quantity FROM used GROUP BY 1, 2, 3) one
       GROUP BY 1, 2`,
      [days],
    );
  }

  async #rows<T extends object>(text: string, values: unknown[]): Promise<T[]> {
    try {
      return (await this.#catalog.pool.query<T>(text, values)).rows;
    } catch (error) {
      throw catalogFault(error);
    }
  }
}
