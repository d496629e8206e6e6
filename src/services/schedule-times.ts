import { parseCron, type CronTimes } from '../domain/cron.js';
import { Memo } from '../domain/memo.js';
import type { ScheduleSpec } from '../domain/plan.js';

/** One time of a schedule. */
export interface ScheduleTime {
  /** Milliseconds since the epoch. */
  at: number;
  /** Minutes that the schedule's time zone is ahead of UTC then. */
  offsetMinutes: number;
}

const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;
const MINUTE_MS = 60_000;
/** Clocks are changed at whole quarters of hours. */
const QUARTER_MS = 900_000;
/** Offsets that are kept of one zone. */
const MOST_KNOWN = 10_000;
/** The calendar repeats after 28 years; with the leap day that 2100 lacks, within 40. */
const MOST_DAYS = 366 * 40;

/**
 * The nominal times of a schedule after a moment, in order: those at which Temporal fires, which a test compares. They keep
 * to the clock of the zone. A time that the clock skips in spring does not fire. In the hour that comes twice in autumn
 * Temporal fires once or twice, depending on the zone; this tells which.
 * @param after exclusive, milliseconds since the epoch.
 * @param bounds at most `limit` times, none after `until`.
 */
export function timesOf(spec: ScheduleSpec, after: number, bounds: { limit: number; until?: number }): ScheduleTime[] {
  const { limit, until = Infinity } = bounds;
  const times: ScheduleTime[] = [];
  for (const time of spec.every_ms === undefined ? cronTimes(spec, after) : intervalTimes(spec.every_ms, after)) {
    if (times.length >= limit || time.at > until) break;
    times.push(time);
  }
  return times;
}

function* intervalTimes(everyMs: number, after: number): Generator<ScheduleTime> {
  for (let at = (Math.floor(after / everyMs) + 1) * everyMs; ; at += everyMs) yield { at, offsetMinutes: 0 };
}

function* cronTimes({ cron = '', timezone = 'UTC' }: ScheduleSpec, after: number): Generator<ScheduleTime> {
  const times = parseCron(cron);
  if ('problem' in times) return;
  const zone = zoneOf(timezone);
  for (let at = nextTime(times, zone, after); at !== undefined; at = nextTime(times, zone, at))
    yield { at, offsetMinutes: zone.offsetMinutes(at) };
}

/**
 * Walks the local calendar from the minute after `after`. The server knows an hour that comes twice by two marks, and both
 * are kept here as they are: the hour before has the same number, or the next hour is two hours away.
 */
function nextTime(times: CronTimes, zone: Zone, after: number): number | undefined {
  const start = Math.floor(zone.toLocal(after) / MINUTE_MS) * MINUTE_MS;
  let { day, hour, minute } = partsOf(start);
  let repeatMs = partsOf(zone.toLocal(after - HOUR_MS)).hour === hour ? HOUR_MS : 0;
  minute += 1;
  for (const last = day + MOST_DAYS; day <= last;) {
    if (minute >= 60) {
      const hourMs = zone.fromLocal(localOf(day, hour + 1, 0)) - zone.fromLocal(localOf(day, hour, 0));
      const isRepeated = repeatMs === 0 && hourMs > HOUR_MS;
      repeatMs = isRepeated ? HOUR_MS : 0;
      [hour, minute] = [isRepeated ? hour : hour + 1, 0];
    }
    if (hour >= 24) [day, hour] = [day + 1, 0];
    if (!isDay(times, new Date(day * DAY_MS))) {
      [day, hour, minute, repeatMs] = [day + 1, 0, 0, 0];
      continue;
    }
    const nextHour = times.hours.find((one) => one >= hour);
    if (nextHour !== hour) [hour, minute, repeatMs] = [nextHour ?? 24, 0, 0];
    if (hour >= 24) continue;
    const nextMinute = times.minutes.find((one) => one >= minute);
    minute = nextMinute ?? 60;
    if (minute >= 60) continue;
    const at = zone.fromLocal(localOf(day, hour, minute));
    if (partsOf(zone.toLocal(at)).hour === hour) return at + repeatMs;
    // The clock skips this hour.
    [hour, minute] = [hour + 1, 0];
  }
  return undefined;
}

function localOf(day: number, hour: number, minute: number): number {
  return day * DAY_MS + hour * HOUR_MS + minute * MINUTE_MS;
}

function partsOf(local: number): { day: number; hour: number; minute: number } {
  const day = Math.floor(local / DAY_MS);
  const minutes = Math.floor((local - day * DAY_MS) / MINUTE_MS);
  return { day, hour: Math.floor(minutes / 60), minute: minutes % 60 };
}

function isDay({ months, daysOfMonth, weekdays, eitherDay }: CronTimes, date: Date): boolean {
  if (!months.includes(date.getUTCMonth() + 1)) return false;
  const byDate = daysOfMonth.includes(date.getUTCDate());
  const byWeekday = weekdays.includes(date.getUTCDay());
  return eitherDay ? byDate || byWeekday : byDate && byWeekday;
}

/** The clock of a zone; local times are milliseconds as if that clock were UTC. */
interface Zone {
  offsetMinutes(at: number): number;
  toLocal(at: number): number;
  fromLocal(local: number): number;
}

function newZone(timezone: string): Zone {
  const offsetMinutes = offsetsOf(timezone);
  const toLocal = (at: number): number => at + offsetMinutes(at) * MINUTE_MS;
  return {
    offsetMinutes,
    toLocal,
    fromLocal(local) {
      // Near a change of the clock the offset of the wrong side may come first; then that of the other side counts.
      const offset = offsetMinutes(local);
      const at = local - offset * MINUTE_MS;
      const there = offsetMinutes(at);
      return there === offset ? at : local - there * MINUTE_MS;
    },
  };
}

/** Making a formatter takes longer than all that is asked of it. */
const zones = new Map<string, Zone>();

function zoneOf(timezone: string): Zone {
  const known = zones.get(timezone);
  if (known !== undefined) return known;
  const zone = newZone(timezone);
  zones.set(timezone, zone);
  return zone;
}

/** Minutes ahead of UTC of a zone, by time. */
function offsetsOf(timezone: string): (at: number) => number {
  if (timezone === 'UTC') return () => 0;
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone: timezone,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  });
  const read = (at: number): number => {
    const part: Record<string, number> = {};
    for (const { type, value } of format.formatToParts(at)) part[type] = Number(value);
    const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = part;
    const local = Date.UTC(year, month - 1, day, hour, minute, second);
    return Math.round((local - Math.floor(at / 1_000) * 1_000) / MINUTE_MS);
  };
  // The same times are asked for again and again, by every look at a list.
  const known = new Memo<number, number>(MOST_KNOWN);
  return (at) => known.get(Math.floor(at / QUARTER_MS), () => read(at));
}

/** A time as its zone's clock shows it, with its distance from UTC: `2027-03-28T03:30:00+02:00`. */
export function localTime({ at, offsetMinutes }: ScheduleTime): string {
  const local = new Date(at + offsetMinutes * MINUTE_MS).toISOString().slice(0, 19);
  return local + offsetText(offsetMinutes);
}

function offsetText(minutes: number): string {
  const two = (value: number): string => String(value).padStart(2, '0');
  const size = Math.abs(minutes);
  return `${minutes < 0 ? '-' : '+'}${two(Math.floor(size / 60))}:${two(size % 60)}`;
}
