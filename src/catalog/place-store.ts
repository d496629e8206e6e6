import type { Database } from './database.js';

/** Where a waiting run stands. */
export interface QueuePlace {
  lane: string;
  /** Of the lane, now. */
  running: number;
  /** Runs that come before it. */
  ahead: number;
  queued_at: string;
}

/** Runs of kinds of which only some run at once. */
export class PlaceStore {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  /** Until the transaction ends nobody else gives places of the lane. */
  async lock(lane: string): Promise<void> {
    await this.#db.$executeRaw`SELECT pg_advisory_xact_lock(hashtextextended(${`xyn/lane/${lane}`}, 0))`;
  }

  /** Forgets runs that have ended. */
  async clear(lane: string): Promise<void> {
    await this.#db.$executeRaw`
      DELETE FROM run_places p USING runs r
      WHERE p.lane = ${lane} AND r.run_id = p.run_id AND r.status NOT IN ('created', 'running')`;
  }

  async counts(lane: string): Promise<{ running: number; waiting: number }> {
    const rows = await this.#db.$queryRaw<{ running: number; waiting: number }[]>`
      SELECT count(*) FILTER (WHERE admitted_at IS NOT NULL)::int AS running,
        count(*) FILTER (WHERE admitted_at IS NULL)::int AS waiting
      FROM run_places JOIN runs r USING (run_id) WHERE lane = ${lane} AND r.status IN ('created', 'running')`;
    return rows[0] ?? { running: 0, waiting: 0 };
  }

  async insert(rows: readonly { run_id: string; lane: string; priority: number; admitted: boolean }[]): Promise<void> {
    if (rows.length === 0) return;
    await this.#db.$executeRaw`
      INSERT INTO run_places (run_id, lane, priority, admitted_at)
      SELECT run_id, lane, priority, CASE WHEN admitted THEN now() END
      FROM jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) AS r(run_id uuid, lane text, priority int, admitted boolean)
      ON CONFLICT DO NOTHING`;
  }

  async lanes(): Promise<string[]> {
    const rows = await this.#db.run_place.findMany({ distinct: ['lane'], select: { lane: true } });
    return rows.map((row) => row.lane);
  }

  /**
   * Lets runs in, the most urgent and then the oldest first, and puts their creation back into the outbox, which starts
   * them. Those that are to be cancelled go in without taking a place: they end at once.
   * @returns the runs that went in.
   */
  async admit(lane: string, free: number): Promise<string[]> {
    const rows = await this.#db.$queryRaw<{ run_id: string }[]>`
      WITH waiting AS (
        SELECT p.run_id, r.cancel_requested_at IS NOT NULL AS cancelled,
          row_number() OVER (PARTITION BY r.cancel_requested_at IS NOT NULL
            ORDER BY p.priority DESC, p.queued_at, p.run_id) AS place
        FROM run_places p JOIN runs r USING (run_id) WHERE p.lane = ${lane} AND p.admitted_at IS NULL
      ), admitted AS (
        UPDATE run_places p SET admitted_at = now() FROM waiting w
        WHERE p.run_id = w.run_id AND (w.cancelled OR w.place <= ${free}) RETURNING p.run_id
      ), reopened AS (
        UPDATE events e SET matched_at = NULL, dispatched_at = NULL FROM admitted a
        WHERE e.run_id = a.run_id AND e.event_name = 'xyn.run.created' RETURNING 1
      )
      SELECT run_id FROM admitted`;
    if (rows.length > 0) await this.#db.$executeRaw`SELECT pg_notify('xyn_outbox', '')`;
    return rows.map((row) => row.run_id);
  }

  /** Undefined when the run does not wait for a place. */
  async placeOf(runId: string): Promise<QueuePlace | undefined> {
    const own = await this.#db.run_place.findUnique({ where: { run_id: runId } });
    if (own?.admitted_at !== null) return undefined;
    const { lane, priority, queued_at: queuedAt } = own;
    const [{ running }, ahead] = await Promise.all([
      this.counts(lane),
      this.#db.run_place.count({
        where: {
          lane,
          admitted_at: null,
          OR: [{ priority: { gt: priority } }, { priority, queued_at: { lt: queuedAt } }],
        },
      }),
    ]);
    return { lane, running, ahead, queued_at: queuedAt.toISOString() };
  }
}
