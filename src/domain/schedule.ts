import { uuidV5 } from './hash.js';
import { isJsonObject, type JsonObject } from './json.js';
import type { ScheduleSpec } from './plan.js';

/** Emitted each time that a schedule comes due; the run of its blueprint starts on it like on any other event. */
export const SCHEDULE_FIRED = 'xyn.schedule.fired';

/** What happens when a schedule comes due while its last run is still open (language §2). */
export type Overlap = NonNullable<ScheduleSpec['overlap']> | 'skip';

/** Every policy, the default first. */
export const OVERLAPS = [
  'skip',
  'queue_one',
  'queue_all',
  'cancel_other',
  'allow',
] as const satisfies readonly Overlap[];

/** Name space of the ids of events that schedules emit. */
const FIRED = '0d8a7e0e-5c1f-5a53-9a4c-3c1c2f4e9b72';

/**
 * The nth schedule that a blueprint ever had, counted from 1. Ids are kept when a schedule is edited, and never given to
 * another one.
 */
export function scheduleIdOf(blueprintId: string, n: number): string {
  return `${blueprintId}:${n}`;
}

/** Its number `n`; 0 when the id has none. */
export function scheduleNumber(scheduleId: string): number {
  return Number(/:(\d+)$/.exec(scheduleId)?.[1] ?? 0);
}

/**
 * The event of one time of a schedule. The same time fires once, however often it is asked for: by itself, again after a
 * crash, or by a backfill.
 * @param scheduledAt the nominal time; fractions of seconds do not count, as in Temporal's own ids.
 */
export function scheduleEventIdOf(envId: string, scheduleId: string, scheduledAt: Date): string {
  return uuidV5(FIRED, `${envId}/${scheduleId}/${nominalTime(scheduledAt)}`);
}

/** ISO 8601 in UTC to the second, the form of `event.data.scheduled_at`. */
export function nominalTime(at: Date): string {
  return new Date(Math.floor(at.getTime() / 1_000) * 1_000).toISOString();
}

/** What a run knows of the time that it is for, whenever it starts; nothing where no schedule started it. */
export function scheduledFacts(trigger: string, event: JsonObject | null): { scheduled_at?: string } {
  const data = event?.['data'];
  const at = isJsonObject(data) ? data['scheduled_at'] : undefined;
  return trigger === SCHEDULE_FIRED && typeof at === 'string' ? { scheduled_at: at } : {};
}

/** What triggers of a plan look for besides an event's name: only the event of its own schedule starts a scheduled run. */
export function schedulePattern(scheduleId: string): string {
  return `${SCHEDULE_FIRED}#${scheduleId}`;
}
