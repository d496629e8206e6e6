import {
  COUNTED_RUNS,
  MOST_LISTED_BLUEPRINTS,
  type BlueprintLine,
  type EndedRun,
  type OpenRuns,
  type RunDay,
  type VersionFacts,
} from '../domain/blueprint-page.js';
import type { Catalog } from './connect.js';
import { catalogFault } from './faults.js';

const RECENT = 50;
const MOST_ENDED = 40;
/** Open runs that are counted. */
const MOST_OPEN = 1_000;
const ISO = 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"';

/** What the pages of blueprints ask about their runs; every query starts from the index of a blueprint's runs. */
export class BlueprintPageStore {
  readonly #catalog: Catalog;

  constructor(catalog: Catalog) {
    this.#catalog = catalog;
  }

  /** By name. @throws XynFault `db_unavailable` */
  async lines(): Promise<BlueprintLine[]> {
    return this.#read(
      (db) => db.$queryRaw<BlueprintLine[]>`
        SELECT b.blueprint_id, b.name, b.active_version, b.enabled, v.digest, newest.last_run,
          coalesce(newest.recent, 0)::int AS recent, coalesce(newest.failed, 0)::int AS recent_failed,
          coalesce((SELECT jsonb_agg(split_part(t.event_pattern, '#', 1) ORDER BY t.ordinal) FROM blueprint_triggers t
            WHERE t.blueprint_id = b.blueprint_id AND t.enabled), '[]'::jsonb) AS listens_to
        FROM (SELECT * FROM blueprints ORDER BY name, blueprint_id LIMIT ${MOST_LISTED_BLUEPRINTS}) b
        LEFT JOIN blueprint_versions v ON v.blueprint_id = b.blueprint_id AND v.version = b.active_version
        LEFT JOIN LATERAL (
          SELECT count(*) AS recent, count(*) FILTER (WHERE r.status = 'failed') AS failed,
            (array_agg(jsonb_build_object('run_id', r.run_id, 'status', r.status,
              'at', to_char(r.created_at AT TIME ZONE 'UTC', ${ISO})) ORDER BY r.created_at DESC))[1] AS last_run
          FROM (SELECT run_id, status, created_at FROM runs WHERE runs.blueprint_id = b.blueprint_id
            ORDER BY created_at DESC LIMIT ${RECENT}) r) newest ON true
        ORDER BY b.name, b.blueprint_id`,
    );
  }

  /** The newest runs of a blueprint that completed or failed, oldest first. @throws XynFault `db_unavailable` */
  async ended(blueprintId: string): Promise<EndedRun[]> {
    return this.#read(
      (db) => db.$queryRaw<EndedRun[]>`
        SELECT run_id, status, at, ms FROM (
          SELECT run_id, status, created_at, to_char(created_at AT TIME ZONE 'UTC', ${ISO}) AS at,
            extract(epoch FROM completed_at - started_at)::float8 * 1000 AS ms
          FROM (SELECT * FROM runs WHERE blueprint_id = ${blueprintId} ORDER BY created_at DESC LIMIT ${RECENT * 4}) r
          WHERE status IN ('completed', 'failed') AND started_at IS NOT NULL AND completed_at IS NOT NULL
          ORDER BY created_at DESC LIMIT ${MOST_ENDED}) newest
        ORDER BY created_at`,
    );
  }

  /**
   * How many runs of a blueprint ended on each of the newest days, today (UTC) among them, and how many failed; days
   * without any are there too. Exact at any moment: it adds up the days and what is not folded into them yet.
   * @throws XynFault `db_unavailable`
   */
  async days(blueprintId: string, count: number): Promise<RunDay[]> {
    return this.#read(
      (db) => db.$queryRaw<RunDay[]>`
        WITH days AS (SELECT (now() AT TIME ZONE 'UTC')::date - n AS day FROM generate_series(0, ${count - 1}::int) n),
          counted AS (
            SELECT f.day, f.name, f.quantity FROM days JOIN footprint_days f ON f.day = days.day
              AND f.blueprint_id = ${blueprintId} AND f.source = 'run' AND f.metric = 'run.count'
            UNION ALL
            SELECT f.day, f.name, f.quantity FROM footprint_deltas f
              WHERE f.blueprint_id = ${blueprintId} AND f.source = 'run' AND f.metric = 'run.count')
        SELECT days.day::text AS day, coalesce(sum(quantity), 0)::int AS runs,
          coalesce(sum(quantity) FILTER (WHERE name = 'failed'), 0)::int AS failed
        FROM days LEFT JOIN counted ON counted.day = days.day GROUP BY days.day ORDER BY days.day`,
    );
  }

  /** Open runs of a blueprint by their version, newest version first; of more than a thousand the newest thousand. @throws XynFault `db_unavailable` */
  async openByVersion(blueprintId: string): Promise<OpenRuns[]> {
    return this.#read(
      (db) => db.$queryRaw<OpenRuns[]>`
        SELECT blueprint_version AS version, count(*)::int AS open FROM (
          SELECT blueprint_version FROM runs WHERE status IN ('created', 'running') AND blueprint_id = ${blueprintId}
            AND blueprint_version IS NOT NULL ORDER BY created_at DESC LIMIT ${MOST_OPEN}) newest
        GROUP BY 1 ORDER BY 1 DESC`,
    );
  }

  /**
   * What became of versions of a blueprint: how those went whose runs are among its newest thousand, and where the ones that are
   * asked for came from. `counted`: how many runs these were, those without a version among them. @throws XynFault `db_unavailable`
   */
  async versionFacts(
    blueprintId: string,
    versions: readonly number[],
  ): Promise<{ facts: VersionFacts[]; counted: number }> {
    const rows = await this.#read(
      (db) => db.$queryRaw<(Omit<VersionFacts, 'version'> & { version: number | null; newest: number })[]>`
        WITH newest AS (
            SELECT blueprint_version, status FROM runs WHERE blueprint_id = ${blueprintId}
            ORDER BY created_at DESC LIMIT ${COUNTED_RUNS}),
          counted AS (
            SELECT blueprint_version AS version, count(*) AS runs, count(*) FILTER (WHERE status = 'failed') AS failed
            FROM newest WHERE blueprint_version IS NOT NULL GROUP BY 1),
          promoted AS (
            SELECT DISTINCT ON (r.promoted_version) r.promoted_version AS version, r.notes,
              CASE WHEN r.tests IS NOT NULL
                THEN jsonb_build_object('passed', r.tests -> 'passed', 'failed', r.tests -> 'failed') END AS tests
            FROM drafts d JOIN draft_revisions r USING (draft_id)
            WHERE d.blueprint_id = ${blueprintId} AND r.promoted_version = ANY(${[...versions]}::int[])
            ORDER BY r.promoted_version, r.promoted_at DESC)
        SELECT looked_at.newest, version, coalesce(c.runs, 0)::int AS runs, coalesce(c.failed, 0)::int AS failed, p.tests, p.notes
        FROM (SELECT count(*)::int AS newest FROM newest) looked_at
          LEFT JOIN (counted c FULL JOIN promoted p USING (version)) ON true`,
    );
    const facts = rows.flatMap(({ newest: _newest, version, ...one }) =>
      version === null ? [] : [{ version, ...one }],
    );
    return { facts, counted: rows[0]?.newest ?? 0 };
  }

  async #read<T>(query: (db: Catalog['prisma']) => Promise<T>): Promise<T> {
    try {
      return await query(this.#catalog.prisma);
    } catch (error) {
      throw catalogFault(error);
    }
  }
}
