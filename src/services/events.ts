import { randomUUID } from 'node:crypto';
import type { EventCursor, EventFilter } from '../catalog/event-store.js';
import type { EventRow } from '../catalog/start-rows.js';
import type { RunToStart } from '../catalog/run-store.js';
import type { CatalogAccess } from '../catalog/unit-of-work.js';
import type { EventDto, EventWithVerdicts, Page, ResourceRef } from '../domain/dtos.js';
import { XynFault } from '../domain/fault.js';
import { sha256Hex } from '../domain/hash.js';
import { canonicalJson, type JsonObject } from '../domain/json.js';
import type { Caller } from './caller.js';
import { emitEntry, requireEmittable } from './emitted-event.js';
import type { MatchVerdict } from './matching.js';
import { matchAndCreate, matchesToday, patternsOfEvent, type RunCreationDeps } from './run-creation.js';

export interface EmitRequest {
  event_name: string;
  resource?: ResourceRef | null;
  data: JsonObject;
  run_id?: string | null;
  step_id?: string | null;
  /** The event that this one repeats, for the audit trail. */
  repeats?: string;
  /** The same key with the same body names the same event, for ever. */
  idempotencyKey?: string;
}

export interface EventServiceDeps extends RunCreationDeps {
  catalog: CatalogAccess;
  /** Told after the commit of an event that made runs, with those that it may start at once. */
  wake: (leased: readonly RunToStart[]) => void;
}

/** Events from outside: accepted, matched at once, and answered when all of it is committed. */
export class EventService {
  readonly #deps: EventServiceDeps;

  constructor(deps: EventServiceDeps) {
    this.#deps = deps;
  }

  /**
   * Accepts an event: one transaction holds the event, a verdict for every candidate blueprint, the new runs with their
   * outbox rows, and the audit entries.
   * @throws XynFault `event_name_format`, `event_name_reserved`, `request_invalid`, `idempotency_mismatch`,
   * `audit_unavailable`, `db_unavailable`.
   */
  async emit(caller: Caller, request: EmitRequest): Promise<EventWithVerdicts> {
    requireEmittable(request);
    const { idempotencyKey: key } = request;
    const { catalog } = this.#deps;
    const row = this.#rowOf(caller, request);
    const event = eventOf(row);
    const entries = [emitEntry(caller, row, request.repeats)];
    const created = await catalog.transaction(async (unit) => {
      const startsAtMost = this.#deps.rails?.startsPerMinute ?? 0;
      const listeners = await unit.starts.accept(row, patternsOfEvent(event), startsAtMost);
      if (listeners === undefined) return undefined;
      return matchAndCreate(unit, this.#deps, [{ event, causeDepth: row.cause_depth }], { entries, listeners });
    });
    if (created === undefined) return this.#earlier(key ?? '', row);
    if (created.created.ids.length > 0) this.#deps.wake(created.created.leased);
    const verdicts = created.verdicts.map(({ event_id: _id, ...verdict }) => verdict);
    return { ...event, verdicts };
  }

  /**
   * Emits an event with the name, resource and data of an earlier one, under its correlation id; the audit entry of the new
   * one names the old.
   * @param key a second call with it gives the same new event.
   * @throws XynFault `event_not_found`, and what `emit` throws.
   */
  async repeat(caller: Caller, eventId: string, key: string): Promise<EventWithVerdicts> {
    const { event_name, resource, data, correlation_id } = await this.get(eventId);
    const request = { event_name, resource, data, repeats: eventId, idempotencyKey: `repeat:${eventId}:${key}` };
    return this.emit({ ...caller, correlationId: correlation_id }, request);
  }

  /** @throws XynFault `event_not_found`. */
  async get(eventId: string): Promise<EventWithVerdicts> {
    const event = await this.#deps.catalog.events.get(eventId);
    if (event === undefined) throw new XynFault('event_not_found', 'No event has that id.');
    return event;
  }

  /**
   * What the event would do if it came today: a verdict for every blueprint that listens to it. Nothing is written, and how
   * often a blueprint may start is not asked.
   * @throws XynFault `event_not_found`, `db_unavailable`.
   */
  async today(eventId: string): Promise<{ event: EventDto; verdicts: MatchVerdict[] }> {
    const { catalog } = this.#deps;
    const { verdicts: _then, ...event } = await this.get(eventId);
    return { event, verdicts: await matchesToday(catalog, this.#deps, { event, causeDepth: 0 }) };
  }

  /** Newest first. */
  async list(query: EventFilter & { limit: number; cursor?: EventCursor }): Promise<Page<EventDto, EventCursor>> {
    const { limit, cursor, ...filter } = query;
    const rows = await this.#deps.catalog.events.list(filter, limit + 1, cursor);
    const shown = rows.slice(0, limit);
    const last = rows.length > limit ? shown.at(-1) : undefined;
    const items = shown.map((row) => row.event);
    if (last === undefined) return { items, next: null };
    const byTime = filter.from !== undefined || filter.to !== undefined;
    return { items, next: { seq: last.seq, ...(byTime && { occurred_at: last.event.occurred_at }) } };
  }

  async #earlier(key: string, row: EventRow): Promise<EventWithVerdicts> {
    const known = await this.#deps.catalog.events.byKey(key);
    if (known === undefined) throw new XynFault('internal', 'The event of that key is gone.');
    if (known.bodySha256 !== row.body_sha256) {
      throw new XynFault('idempotency_mismatch', 'The Idempotency-Key was used before, with another body.', {
        details: { event_id: known.event.event_id },
      });
    }
    return known.event;
  }

  #rowOf(caller: Caller, request: EmitRequest): EventRow {
    const body = {
      event_name: request.event_name,
      resource: request.resource ?? null,
      data: request.data,
      run_id: request.run_id ?? null,
      step_id: request.step_id ?? null,
    };
    const key = request.idempotencyKey;
    return {
      ...body,
      event_id: randomUUID(),
      occurred_at: new Date(this.#deps.clock()).toISOString(),
      env_id: this.#deps.env.id,
      actor: caller.actor,
      correlation_id: caller.correlationId,
      cause_depth: 0,
      idempotency_key: key ?? null,
      body_sha256: key === undefined ? null : sha256Hex(canonicalJson(body)),
      settled: true,
    };
  }
}

function eventOf(row: EventRow): EventDto {
  const { cause_depth: _depth, idempotency_key: _key, body_sha256: _body, settled: _settled, ...event } = row;
  return event;
}
