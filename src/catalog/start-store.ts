import type { Database } from './database.js';
import type { TriggerRow, VerdictRow } from './event-store.js';
import { Prisma } from './generated/client.js';
import { OFTEN } from './often.js';
import { insertEvents, insertRuns, recentStarts, triggersWith, type EventRow, type RunRow } from './start-rows.js';

/** What is known about the starts of a blueprint within the last minute. */
export interface RecentStarts {
  /** By events, counted up to a bound. */
  starts: number;
  /** Whether some wait. */
  held: boolean;
}

/** What listens to an event. */
export interface Listeners {
  /** In order of blueprint and place in its list. */
  triggers: TriggerRow[];
  /** Of each blueprint of the triggers, as far as it was asked for. */
  recent: Map<string, RecentStarts>;
}

/** What events do, ready to be written. */
export interface Settlement {
  verdicts: readonly VerdictRow[];
  runs: readonly RunRow[];
  /** Of the runs: each is inserted when its run is, or was before. */
  events: readonly EventRow[];
  /** Runs that the same transaction inserted before. */
  earlier: readonly string[];
}

type AcceptedRow = { is_new: boolean } & ((TriggerRow & Partial<RecentStarts>) | { blueprint_id: null });

/** The way from an event to its runs, in few statements: someone waits for the answer, and then for the first step. */
export class StartStore {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  /**
   * Inserts an event and looks for what listens to it.
   * @param atMost up to which number recent starts of each blueprint are counted; 0: they are not asked for.
   * @returns undefined when the event's id or idempotency key is known.
   */
  async accept(row: EventRow, patterns: readonly string[], atMost: number): Promise<Listeners | undefined> {
    const rows = await this.#db.$queryRaw<AcceptedRow[]>`${OFTEN}
      WITH added AS (${insertEvents([row])} ON CONFLICT DO NOTHING RETURNING event_id)
      SELECT EXISTS (SELECT 1 FROM added) AS is_new, t.*, s.starts, s.held
      FROM (SELECT 1) AS always
      LEFT JOIN (${triggersWith(patterns)}) AS t ON true
      LEFT JOIN LATERAL (${recentStarts(Prisma.sql`t.blueprint_id`, atMost)}) AS s ON ${atMost} > 0
      ORDER BY t.blueprint_id, t.ordinal`;
    if (rows[0]?.is_new !== true) return undefined;
    const triggers: TriggerRow[] = [];
    const recent = new Map<string, RecentStarts>();
    for (const { is_new: _isNew, ...found } of rows) {
      if (found.blueprint_id === null) continue;
      const { starts, held, ...trigger } = found;
      triggers.push(trigger);
      if (atMost > 0) recent.set(trigger.blueprint_id, { starts: starts ?? 0, held: held === true });
    }
    return { triggers, recent };
  }

  /**
   * Writes verdicts, of which the first of an event and blueprint stands, and runs with their events; known runs are passed
   * over.
   * @returns the ids of the runs that were new.
   */
  async settle({ verdicts, runs, events, earlier }: Settlement): Promise<string[]> {
    if (verdicts.length + events.length === 0) return [];
    const added = await this.#db.$queryRaw<{ run_id: string }[]>`${OFTEN}
      WITH told AS (
        INSERT INTO event_verdicts (event_id, blueprint_id, verdict, detail, run_id)
        SELECT event_id, blueprint_id, verdict, nullif(detail, 'null'), run_id
        FROM jsonb_to_recordset(${JSON.stringify(verdicts)}::jsonb)
          AS r(event_id uuid, blueprint_id text, verdict text, detail jsonb, run_id uuid)
        ON CONFLICT DO NOTHING
      ), added AS (${insertRuns(runs)}), sent AS (
        ${insertEvents(events)} WHERE run_id IN (SELECT run_id FROM added) OR run_id = ANY(${earlier}::uuid[])
        ON CONFLICT DO NOTHING
      )
      SELECT run_id FROM added`;
    return added.map((row) => row.run_id);
  }
}
