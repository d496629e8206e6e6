import type { EventDto } from '../domain/dtos.js';
import { eventDto } from './event-store.js';
import type { eventModel } from './generated/models/event.js';
import { Prisma } from './generated/client.js';
import type { Database } from './database.js';
import { recentStarts } from './start-rows.js';
import type { RecentStarts } from './start-store.js';

export interface HeldStart {
  event_id: string;
  blueprint_id: string;
  expires_at: string;
}

/** A start that was held for so long that it never happens. */
export interface ExpiredStart {
  event_id: string;
  /** Of the event. */
  correlation_id: string;
  held_at: Date;
}

/** An event whose start was held and may happen now. */
export interface ReleasedEvent {
  event: EventDto;
  causeDepth: number;
}

/** Starts that wait since their blueprint starts too often. */
export class HoldStore {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  /** Until the transaction ends nobody else decides about starts of the blueprint. */
  async lock(blueprintId: string): Promise<void> {
    await this.#db.$executeRaw`SELECT pg_advisory_xact_lock(hashtextextended(${`xyn/starts/${blueprintId}`}, 0))`;
  }

  /** Runs of the blueprint that events started within the last minute, counted up to `atMost`, and whether some are held. */
  async recent(blueprintId: string, atMost: number): Promise<RecentStarts> {
    const rows = await this.#db.$queryRaw<RecentStarts[]>`${recentStarts(Prisma.sql`${blueprintId}`, atMost)}`;
    return rows[0] ?? { starts: 0, held: false };
  }

  /** Holds starts; those that are held already stay as they are. Their events are in the same transaction or before it. */
  async hold(rows: readonly HeldStart[]): Promise<void> {
    if (rows.length === 0) return;
    await this.#db.$executeRaw`
      INSERT INTO held_starts (event_id, blueprint_id, seq, expires_at)
      SELECT event_id, r.blueprint_id, e.seq, r.expires_at
      FROM jsonb_to_recordset(${JSON.stringify(rows)}::jsonb)
        AS r(event_id uuid, blueprint_id text, expires_at timestamptz) JOIN events e USING (event_id)
      ON CONFLICT DO NOTHING`;
  }

  /** Blueprints with held starts. */
  async blueprints(limit: number): Promise<string[]> {
    const rows = await this.#db.held_start.findMany({
      distinct: ['blueprint_id'],
      select: { blueprint_id: true },
      orderBy: { blueprint_id: 'asc' },
      take: limit,
    });
    return rows.map((row) => row.blueprint_id);
  }

  /**
   * Gives up starts that were held too long, and says so in their verdicts. Inside a transaction that audits it.
   * @returns those that it gave up.
   */
  async expire(blueprintId: string, limit: number): Promise<ExpiredStart[]> {
    return this.#db.$queryRaw<ExpiredStart[]>`
      WITH due AS (
        SELECT event_id FROM held_starts WHERE blueprint_id = ${blueprintId} AND expires_at <= now()
        ORDER BY seq LIMIT ${limit}
      ), gone AS (
        DELETE FROM held_starts h USING due d WHERE h.blueprint_id = ${blueprintId} AND h.event_id = d.event_id
        RETURNING h.event_id, h.held_at
      )
      UPDATE event_verdicts v
      SET detail = coalesce(v.detail, '{}') || jsonb_build_object('expired', true, 'expired_at', now())
      FROM gone g JOIN events e USING (event_id)
      WHERE v.event_id = g.event_id AND v.blueprint_id = ${blueprintId} AND v.verdict = 'backlog'
      RETURNING v.event_id, e.correlation_id, g.held_at`;
  }

  /** Takes the oldest held starts of a blueprint out. Inside a transaction that starts them. */
  async release(blueprintId: string, limit: number): Promise<ReleasedEvent[]> {
    const rows = await this.#db.$queryRaw<eventModel[]>`
      WITH due AS (
        SELECT event_id FROM held_starts WHERE blueprint_id = ${blueprintId} ORDER BY seq LIMIT ${limit}
      ), gone AS (
        DELETE FROM held_starts h USING due d WHERE h.blueprint_id = ${blueprintId} AND h.event_id = d.event_id
        RETURNING h.event_id
      )
      SELECT e.* FROM events e JOIN gone g USING (event_id) ORDER BY e.seq`;
    return rows.map((row) => ({ event: eventDto(row), causeDepth: row.cause_depth }));
  }
}
