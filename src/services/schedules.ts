import { randomUUID } from 'node:crypto';
import type { ScheduleRow } from '../catalog/schedule-store.js';
import type { CatalogAccess, UnitOfWork } from '../catalog/unit-of-work.js';
import type { BackfillDto, ComingUpDto, ScheduleDetailDto, ScheduleDto, TriggeredScheduleDto } from '../domain/dtos.js';
import { XynFault } from '../domain/fault.js';
import { sha256Hex } from '../domain/hash.js';
import { runIdOf } from '../domain/ids.js';
import { canonicalJson, type Json } from '../domain/json.js';
import { nominalTime, scheduleEventIdOf, type Overlap } from '../domain/schedule.js';
import { localTime, timesOf } from './schedule-times.js';
import type { ScheduleGateway } from '../temporal/schedules.js';
import type { Caller } from './caller.js';
import { pauseEntry, scheduleEntry } from './schedule-audit.js';
import type { ScheduleSync } from './schedule-sync.js';
import { scheduleDto } from './schedule-view.js';
import { isStorableText } from './storable-json.js';

export interface ScheduleServiceDeps {
  catalog: CatalogAccess;
  gateway: Pick<ScheduleGateway, 'describe' | 'trigger' | 'backfill'>;
  sync: Pick<ScheduleSync, 'apply'>;
  envId: string;
  clock: () => number;
}

export interface BackfillRequest {
  /** Both included. */
  from: string;
  to: string;
  /** Tell the times and do nothing. */
  dry_run: boolean;
  /** Default `queue_all`: one after the other. */
  overlap?: 'queue_all' | 'allow' | undefined;
}

/** Somebody waits for the page, which does without the counts. */
const COUNTS_DEADLINE_MS = 1_500;
/** Runs that a schedule's page shows. */
const LAST_RUNS = 10;
/** Times of one backfill. */
export const MOST_BACKFILL = 100;
const TRIGGER = 'schedule.trigger';
const BACKFILL = 'schedule.backfill';
type Operation = typeof TRIGGER | typeof BACKFILL;

/** Schedules: seen, paused, resumed, and fired by hand. What they are is said by blueprints alone. */
export class ScheduleService {
  readonly #deps: ScheduleServiceDeps;

  constructor(deps: ScheduleServiceDeps) {
    this.#deps = deps;
  }

  /** In order of blueprint; with the next times, worked out here, so that it needs no Temporal. */
  async list(filter: { blueprint_id?: string } = {}): Promise<ScheduleDto[]> {
    const { schedules } = this.#deps.catalog;
    const rows = await schedules.list(filter);
    const last = await schedules.lastRuns(rows.map((row) => row.schedule_id));
    return rows.map((row) => scheduleDto(row, last.get(row.schedule_id) ?? null, this.#deps.clock()));
  }

  /** The next times of the schedules that fire, of all or of one blueprint, soonest first. */
  async comingUp(limit: number, filter: { blueprint_id?: string } = {}): Promise<ComingUpDto[]> {
    const rows = await this.#deps.catalog.schedules.list(filter);
    const now = this.#deps.clock();
    const times = rows
      .filter((row) => !row.is_paused && row.spec.disabled !== true)
      .flatMap((row) => timesOf(row.spec, now, { limit }).map(({ at }) => ({ row, at })));
    return times
      .sort((a, b) => a.at - b.at)
      .slice(0, limit)
      .map(({ row, at }) => ({
        schedule_id: row.schedule_id,
        blueprint_name: row.blueprint_name,
        at: new Date(at).toISOString(),
      }));
  }

  /** @throws XynFault `schedule_not_found`. */
  async get(scheduleId: string): Promise<ScheduleDetailDto> {
    const row = await this.#row(scheduleId);
    const { catalog, gateway, envId, clock } = this.#deps;
    const [runs, counts] = await Promise.all([
      catalog.schedules.runs(row.blueprint_id, scheduleId, LAST_RUNS),
      gateway.describe(envId, scheduleId, COUNTS_DEADLINE_MS).catch(() => undefined),
    ]);
    const dto = scheduleDto(row, runs[0] ?? null, clock());
    const { started = 0, skipped = 0, missed = 0 } = counts ?? {};
    return { ...dto, runs, counts: counts === undefined ? null : { started, skipped, missed } };
  }

  /**
   * Stops a schedule from firing until it is resumed; open runs go on. Pausing it again only changes the note.
   * @throws XynFault `schedule_not_found`, `request_invalid`, `audit_unavailable`, `db_unavailable`.
   */
  async pause(caller: Caller, scheduleId: string, note: string): Promise<ScheduleDetailDto> {
    return this.#setPause(caller, scheduleId, true, note);
  }

  /** The same with the end of the pause; what was missed meanwhile is not caught up. */
  async resume(caller: Caller, scheduleId: string, note = ''): Promise<ScheduleDetailDto> {
    return this.#setPause(caller, scheduleId, false, note);
  }

  /**
   * Fires a schedule now, also a paused one. Two calls within one second are one.
   * @param request.overlap instead of the schedule's own policy.
   * @throws XynFault `schedule_not_found`, `idempotency_mismatch`, `temporal_unavailable` (repeat it with the same key),
   * `audit_unavailable`, `db_unavailable`.
   */
  async trigger(
    caller: Caller,
    scheduleId: string,
    request: { overlap?: Overlap | undefined; idempotencyKey?: string },
  ): Promise<TriggeredScheduleDto> {
    const row = await this.#appliedRow(scheduleId);
    const { idempotencyKey: key, overlap = row.spec.overlap ?? 'skip' } = request;
    const answer = await this.#once(caller, row, { operation: TRIGGER, key, body: { scheduleId, overlap } }, () => {
      const at = new Date(this.#deps.clock());
      return { schedule_id: scheduleId, scheduled_at: nominalTime(at), ...this.#idsOf(row, at) };
    });
    const at = new Date(answer.scheduled_at);
    await this.#deps.gateway.trigger(this.#deps.envId, scheduleId, { id: answer.event_id, at, overlap });
    return answer;
  }

  /**
   * Fires a schedule for its times in the past, at most 100; a time that fired before is not run again.
   * @throws XynFault `schedule_not_found`, `range_invalid`, `backfill_limit`, and what `trigger` throws.
   */
  async backfill(
    caller: Caller,
    scheduleId: string,
    request: BackfillRequest & { idempotencyKey?: string },
  ): Promise<BackfillDto> {
    const { idempotencyKey: key, dry_run: isDryRun, overlap = 'queue_all', from, to } = request;
    const row = isDryRun ? await this.#row(scheduleId) : await this.#appliedRow(scheduleId);
    const plan = { ...(await this.#backfillOf(row, from, to)), is_dry_run: isDryRun, overlap };
    if (isDryRun || plan.times.length === 0) return plan;
    const body = { scheduleId, from, to, overlap };
    const answer = await this.#once(caller, row, { operation: BACKFILL, key, body }, () => plan);
    const [first, last] = [answer.times[0], answer.times.at(-1)];
    if (first !== undefined && last !== undefined) {
      // The same range is the same request, however often it has to be sent.
      const id = sha256Hex(`${scheduleId} ${first.scheduled_at} ${last.scheduled_at} ${key ?? randomUUID()}`);
      const range = { from: new Date(first.scheduled_at), to: new Date(last.scheduled_at) };
      await this.#deps.gateway.backfill(this.#deps.envId, scheduleId, { id, ...range, overlap });
    }
    return answer;
  }

  async #backfillOf(row: ScheduleRow, from: string, to: string): Promise<Pick<BackfillDto, 'schedule_id' | 'times'>> {
    const [start, end, now] = [Date.parse(from), Date.parse(to), this.#deps.clock()];
    if (start > end) throw new XynFault('range_invalid', 'The beginning of the range of times is after its end.');
    if (end > now) throw new XynFault('range_invalid', 'A backfill is about the past: its end is still to come.');
    const found = timesOf(row.spec, start - 1, { limit: MOST_BACKFILL + 1, until: end });
    if (found.length > MOST_BACKFILL) {
      throw new XynFault('backfill_limit', `The range holds more than ${MOST_BACKFILL} times; ask for a part of it.`, {
        details: { limit: MOST_BACKFILL, to: new Date((found[MOST_BACKFILL - 1] as { at: number }).at).toISOString() },
      });
    }
    const times = found.map((time) => ({ time, ...this.#idsOf(row, new Date(time.at)) }));
    const known = await this.#deps.catalog.schedules.knownEvents(times.map(({ event_id }) => event_id));
    return {
      schedule_id: row.schedule_id,
      times: times.map(({ time, event_id, run_id }) => ({
        scheduled_at: nominalTime(new Date(time.at)),
        local: localTime(time),
        is_known: known.has(event_id),
        run_id,
      })),
    };
  }

  #idsOf(row: ScheduleRow, at: Date): { event_id: string; run_id: string } {
    const eventId = scheduleEventIdOf(this.#deps.envId, row.schedule_id, at);
    return { event_id: eventId, run_id: runIdOf(eventId, row.blueprint_id) };
  }

  /** Writes the audit entry before Temporal is told, and the answer under the key: a repeat tells Temporal the same again. */
  async #once<T extends object>(
    caller: Caller,
    row: ScheduleRow,
    request: { operation: Operation; key: string | undefined; body: object },
    answerOf: () => T,
  ): Promise<T> {
    const { operation, key, body } = request;
    const { catalog, clock, envId } = this.#deps;
    const bodySha256 = sha256Hex(canonicalJson(body));
    const mismatch = (): XynFault =>
      new XynFault('idempotency_mismatch', 'The Idempotency-Key was used before, with another body.');
    const earlier = async (): Promise<T | undefined> => {
      const kept = key === undefined ? undefined : await catalog.answers.get(operation, key);
      if (kept !== undefined && kept.bodySha256 !== bodySha256) throw mismatch();
      return kept?.answer as T | undefined;
    };
    const before = await earlier();
    if (before !== undefined) return before;
    const answer = answerOf();
    const isMine = await catalog.transaction(async (unit) => {
      if (key !== undefined && !(await unit.answers.keep(operation, key, { bodySha256, answer: answer as Json })))
        return false;
      const circumstances = { caller, at: new Date(clock()), envId };
      await unit.audit([scheduleEntry(row, { action: operation, after: body as Record<string, Json> }, circumstances)]);
      return true;
    });
    if (isMine) return answer;
    const other = await earlier();
    if (other === undefined) throw new XynFault('internal', 'The answer of that key is gone.');
    return other;
  }

  async #setPause(caller: Caller, scheduleId: string, isPaused: boolean, note: string): Promise<ScheduleDetailDto> {
    if (!isStorableText(note)) throw new XynFault('request_invalid', 'The note holds characters that no text has.');
    const { catalog, clock, envId, sync } = this.#deps;
    await this.#row(scheduleId);
    await catalog.transaction(async (unit: UnitOfWork) => {
      const row = await unit.schedules.lock(scheduleId);
      if (row === undefined || row.is_removed) throw notFound();
      if (row.is_paused === isPaused && (!isPaused || row.pause_note === note)) return;
      const change = { is_paused: isPaused, note, by: caller.actor };
      await unit.schedules.pause(scheduleId, change);
      await unit.audit([pauseEntry(row, change, { caller, at: new Date(clock()), envId })]);
    });
    // Committed: where Temporal does not answer, the syncer goes on, and the answer says `pending`.
    await sync.apply(scheduleId);
    return this.get(scheduleId);
  }

  /** What Temporal does not have cannot be fired there. */
  async #appliedRow(scheduleId: string): Promise<ScheduleRow> {
    const row = await this.#row(scheduleId);
    if (row.applied_generation < row.generation) await this.#deps.sync.apply(scheduleId);
    return row;
  }

  async #row(scheduleId: string): Promise<ScheduleRow> {
    const row = isStorableText(scheduleId) ? await this.#deps.catalog.schedules.get(scheduleId) : undefined;
    if (row === undefined || row.is_removed) throw notFound();
    return row;
  }
}

function notFound(): XynFault {
  return new XynFault('schedule_not_found', 'No schedule has that id.');
}
