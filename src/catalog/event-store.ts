import type { EventDto, EventWithVerdicts, Verdict, VerdictDto } from '../domain/dtos.js';
import { matchesPattern } from '../domain/event-name.js';
import type { JsonObject } from '../domain/json.js';
import type { Prisma } from './generated/client.js';
import type { event_verdictModel } from './generated/models/event_verdict.js';
import type { eventModel } from './generated/models/event.js';
import type { Database } from './database.js';
import { OFTEN } from './often.js';
import { byOwnIndex } from './own-index.js';
import { insertEvents, triggersWith, type EventRow } from './start-rows.js';
import { timeRange } from './time-range.js';

export interface VerdictRow {
  event_id: string;
  blueprint_id: string;
  verdict: Verdict;
  detail: JsonObject | null;
  run_id: string | null;
}

/** An entry of an active version's trigger list whose pattern matches an event's name. */
export interface TriggerRow {
  blueprint_id: string;
  version: number;
  ordinal: number;
  event_pattern: string;
  trigger_enabled: boolean;
  blueprint_enabled: boolean;
  blueprint_name: string;
}

/** An event with what the outbox needs to know about it. */
export interface OutboxRow extends EventDto {
  cause_depth: number;
  matched: boolean;
}

export interface EventFilter {
  /** A name, or a trigger's pattern (`a.*`, `a.**`). */
  event_name?: string;
  run_id?: string;
  correlation_id?: string;
  actor?: string;
  /** Occurred at this time or later. */
  from?: string;
  /** Occurred before this time. */
  to?: string;
}

/** Keyset of the listing: the last event shown. */
export interface EventCursor {
  seq: string;
  /** In listings with bounds of time. */
  occurred_at?: string;
}

export interface ClaimOptions {
  limit: number;
  /** Whether events whose run is to be started are wanted. */
  starts: boolean;
  /** A claim of a run's start that is older than this is taken over. Milliseconds. */
  leaseMs: number;
  /** Events to leave alone. */
  except: readonly string[];
}

/** Names of events that a pattern is looked for among, at most: more than anybody tells apart. */
const MAX_NAMES = 10_000;

/** Emitted for every new run; its row in the outbox stays until the run's workflow is started. */
export const RUN_CREATED = 'xyn.run.created';

/** Events, their verdicts and the outbox that they are. */
export class EventStore {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  /**
   * Inserts events; one with a known id or idempotency key is passed over.
   * @returns how many were new.
   */
  async insert(rows: readonly EventRow[]): Promise<number> {
    if (rows.length === 0) return 0;
    return this.#db.$executeRaw`${OFTEN}${insertEvents(rows)} ON CONFLICT DO NOTHING`;
  }

  /** Says what became of events that were held. */
  async settleBacklog(rows: readonly VerdictRow[]): Promise<void> {
    if (rows.length === 0) return;
    await this.#db.$executeRaw`
      UPDATE event_verdicts v SET verdict = r.verdict, detail = nullif(r.detail, 'null'), run_id = r.run_id
      FROM jsonb_to_recordset(${JSON.stringify(rows)}::jsonb)
        AS r(event_id uuid, blueprint_id text, verdict text, detail jsonb, run_id uuid)
      WHERE v.event_id = r.event_id AND v.blueprint_id = r.blueprint_id AND v.verdict = 'backlog'`;
  }

  /** Triggers of active versions with one of the patterns, in order of blueprint and place in the list. */
  async triggersOf(patterns: readonly string[]): Promise<TriggerRow[]> {
    return this.#db.$queryRaw<TriggerRow[]>`${OFTEN}${triggersWith(patterns)} ORDER BY t.blueprint_id, t.ordinal`;
  }

  /** The event that came with an idempotency key, and the digest of the request that brought it. */
  async byKey(key: string): Promise<{ event: EventWithVerdicts; bodySha256: string | null } | undefined> {
    const row = await this.#db.event.findUnique({ where: { idempotency_key: key } });
    if (row === null) return undefined;
    return { event: await this.#withVerdicts(row), bodySha256: row.body_sha256 };
  }

  async get(eventId: string): Promise<EventWithVerdicts | undefined> {
    const row = await this.#db.event.findUnique({ where: { event_id: eventId } });
    return row === null ? undefined : this.#withVerdicts(row);
  }

  /** Newest first: by number, or with bounds of time by time and number. */
  async list(filter: EventFilter, limit: number, cursor?: EventCursor): Promise<{ event: EventDto; seq: string }[]> {
    const { event_name: name, from, to, ...equal } = filter;
    const byTime = from !== undefined || to !== undefined;
    const alone = byTime || Object.keys(equal).length > 0 ? undefined : name;
    const own = byOwnIndex(equal, 'desc', name === undefined && !byTime && cursor === undefined);
    const rows = await this.#db.event.findMany({
      where: {
        ...own.where,
        ...(name === undefined ? {} : { event_name: await this.#nameCondition(name, alone !== undefined) }),
        ...timeRange('occurred_at', from, to),
        ...(cursor === undefined ? {} : byTime ? before(cursor) : { seq: { lt: BigInt(cursor.seq) } }),
      },
      orderBy: [
        ...own.orderBy,
        ...(byTime ? [{ occurred_at: 'desc' as const }] : []),
        // Every row has that name. Without it Postgres may walk the log by number until it meets enough of them, which
        // takes seconds when a name that was frequent has not come for long.
        ...(alone === undefined || alone.includes('*') ? [] : [{ event_name: 'asc' as const }]),
        { seq: 'desc' },
      ],
      take: limit,
    });
    return rows.map((row) => ({ event: eventDto(row), seq: row.seq.toString() }));
  }

  async #nameCondition(name: string, isAlone: boolean): Promise<string | Prisma.StringFilter> {
    if (name.includes('*')) return { in: await this.#namesLike(name) };
    // With an equal sign Postgres would know that the name says nothing about the order.
    return isAlone ? { gte: name, lte: name } : name;
  }

  /** The names that occur and fit a pattern. The index is skipped through from name to name, so the log's length is no matter. */
  async #namesLike(pattern: string): Promise<string[]> {
    const rows = await this.#db.$queryRaw<{ event_name: string }[]>`
      WITH RECURSIVE names AS (
        (SELECT event_name FROM events ORDER BY event_name LIMIT 1)
        UNION ALL
        SELECT (SELECT e.event_name FROM events e WHERE e.event_name > n.event_name ORDER BY e.event_name LIMIT 1)
        FROM names n WHERE n.event_name IS NOT NULL
      )
      SELECT event_name FROM names WHERE event_name IS NOT NULL LIMIT ${MAX_NAMES}`;
    return rows.map((row) => row.event_name).filter((name) => matchesPattern(pattern, name));
  }

  /**
   * Locks and returns events that nobody works on, oldest first: those that were never matched, and starts whose claim
   * is older than the lease. Inside a transaction only: locks end with it. Ordered as its index is: by `seq` alone Postgres walks
   * all events when it believes that many are left.
   */
  async claim({ limit, starts, leaseMs, except }: ClaimOptions): Promise<OutboxRow[]> {
    const rows = await this.#db.$queryRaw<eventModel[]>`
      SELECT * FROM events
      WHERE dispatched_at IS NULL
        AND (matched_at IS NULL OR (event_name = ${RUN_CREATED} AND matched_at < now() - ${leaseMs} * interval '1 ms'))
        AND (${starts} OR event_name <> ${RUN_CREATED})
        AND event_id <> ALL(${except}::uuid[])
      ORDER BY dispatched_at, seq LIMIT ${limit} FOR UPDATE SKIP LOCKED`;
    return rows.map((row) => ({ ...eventDto(row), cause_depth: row.cause_depth, matched: row.matched_at !== null }));
  }

  /** Ends the claim: what needs no start is done, starts are leased from now on. */
  async markMatched(eventIds: readonly string[]): Promise<void> {
    if (eventIds.length === 0) return;
    await this.#db.$executeRaw`
      UPDATE events SET matched_at = now(), dispatched_at = CASE WHEN event_name = ${RUN_CREATED} THEN NULL ELSE now() END
      WHERE event_id = ANY(${eventIds}::uuid[])`;
  }

  async #withVerdicts(row: eventModel): Promise<EventWithVerdicts> {
    const verdicts = await this.#db.event_verdict.findMany({
      where: { event_id: row.event_id },
      orderBy: { blueprint_id: 'asc' },
    });
    return { ...eventDto(row), verdicts: verdicts.map(verdictDto) };
  }
}

/** What comes after a place in the listing by time. */
function before({ occurred_at: at, seq }: EventCursor): Prisma.eventWhereInput {
  if (at === undefined) return { seq: { lt: BigInt(seq) } };
  const time = new Date(at);
  return {
    AND: [
      // Repeats what `OR` says in a form that the index can start from.
      { occurred_at: { lte: time } },
      { OR: [{ occurred_at: { lt: time } }, { seq: { lt: BigInt(seq) } }] },
    ],
  };
}

/** The event as the API shows it. */
export function eventDto(row: eventModel): EventDto {
  return {
    event_id: row.event_id,
    event_name: row.event_name,
    occurred_at: row.occurred_at.toISOString(),
    env_id: row.env_id,
    actor: row.actor,
    correlation_id: row.correlation_id,
    run_id: row.run_id,
    step_id: row.step_id,
    resource: row.resource as EventDto['resource'],
    data: row.data as JsonObject,
  };
}

function verdictDto(row: event_verdictModel): VerdictDto {
  return {
    blueprint_id: row.blueprint_id,
    verdict: row.verdict as Verdict,
    detail: row.detail as JsonObject | null,
    run_id: row.run_id,
  };
}
