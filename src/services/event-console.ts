import type { EventConsoleStore } from '../catalog/event-console-store.js';
import type { EventFacts, EventLine, EventSearch, EventStats, EventToday } from '../domain/event-console.js';
import { XynFault } from '../domain/fault.js';
import { cached } from './cached.js';
import type { Caller } from './caller.js';
import type { EventService } from './events.js';

export interface EventConsoleDeps {
  store: Pick<EventConsoleStore, keyof EventConsoleStore>;
  events: Pick<EventService, 'repeat' | 'today'>;
  clock: () => number;
}

/** One page of the log, newest first. */
export interface EventPage {
  lines: EventLine[];
  /** Where the next page begins; null at the end. */
  older: string | null;
  /** Events that came after the page was begun; 0 on the newest page. */
  newer: number;
}

const MINUTE_MS = 60_000;
const SPAN_MINUTES = 60;
/** Many pages ask for the last hour; it may be that old. Less than after what a live page is drawn once more (`SETTLE_MS`). */
const STATS_MS = 2_000;
/** Figures that nobody asked for in a while may have to come from disk, event by event: the list does not wait for them. */
const STATS_PATIENCE_MS = 1_000;
const NOTHING = { all: 0, started: 0, nomatch: 0, held: 0, refused: 0, important: 0, minutes: [] };

/** What came in, and why it did something or not. */
export class EventConsole {
  readonly #deps: EventConsoleDeps;
  readonly #lastHour: () => Promise<EventStats>;

  constructor(deps: EventConsoleDeps) {
    this.#deps = deps;
    this.#lastHour = cached(STATS_MS, deps.clock, () => {
      const { from, to } = this.#span();
      return deps.store.stats(from, to);
    });
  }

  /** The last 60 minutes. Whole ones, so that a bar does not change by being looked at. */
  #span(): { from: string; to: string } {
    const end = Math.floor(this.#deps.clock() / MINUTE_MS) * MINUTE_MS + MINUTE_MS;
    const at = (ms: number): string => new Date(ms).toISOString();
    return { from: at(end - SPAN_MINUTES * MINUTE_MS), to: at(end) };
  }

  /** The last 60 minutes, at most two seconds old; not counted while that takes long, or where it cannot be done. */
  async lastHour(): Promise<EventStats> {
    let timer: NodeJS.Timeout | undefined;
    const uncounted = { ...this.#span(), is_counted: false, ...NOTHING };
    const late = new Promise<EventStats>((resolve) => {
      timer = setTimeout(() => resolve(uncounted), STATS_PATIENCE_MS);
    });
    try {
      return await Promise.race([this.#lastHour().catch(() => uncounted), late]);
    } finally {
      clearTimeout(timer);
    }
  }

  /**
   * @param before place in the log above which the page does not reach; absent: the newest.
   * @throws XynFault `db_unavailable`
   */
  async page(search: EventSearch, limit: number, before?: string): Promise<EventPage> {
    const { store } = this.#deps;
    const [rows, newer] = await Promise.all([
      store.lines(search, limit + 1, before),
      before === undefined ? 0 : store.newer(search, before),
    ]);
    const lines = rows.slice(0, limit);
    return { lines, older: rows.length > limit ? (lines.at(-1)?.seq ?? null) : null, newer };
  }

  /**
   * Emits an event again; see `EventService.repeat`.
   * @returns the id of the new event.
   * @throws XynFault `event_not_found`, `event_name_reserved`, `audit_unavailable`, `db_unavailable`
   */
  async repeat(caller: Caller, eventId: string, key: string): Promise<string> {
    return (await this.#deps.events.repeat(caller, eventId, key)).event_id;
  }

  /** What the event would do if it came today. @throws XynFault `event_not_found`, `db_unavailable` */
  async today(eventId: string): Promise<EventToday> {
    const [facts, { verdicts }] = await Promise.all([this.facts(eventId), this.#deps.events.today(eventId)]);
    return {
      event: facts.event,
      then: facts.verdicts,
      verdicts: verdicts.map(({ candidate, verdict, detail = null, inputs = null }) => {
        const { blueprint_id, name } = candidate;
        return { blueprint_id, name, verdict, detail, inputs, run_id: null };
      }),
    };
  }

  /** @throws XynFault `event_not_found`, `db_unavailable` */
  async facts(eventId: string): Promise<EventFacts> {
    const facts = await this.#deps.store.facts(eventId);
    if (facts === undefined) throw new XynFault('event_not_found', 'No event has that id.');
    return facts;
  }
}
