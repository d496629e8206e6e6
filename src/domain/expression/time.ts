import { durationMs } from '../duration.js';
import { expressionError } from './evaluation-error.js';
import { Duration, Timestamp, wrongType, type Value } from './value.js';

const NANOS_PER_MS = 1_000_000n;
const NANOS_PER_SECOND = 1_000_000_000n;
const SECONDS_PER_DAY = 86_400;
/** 0001-01-01T00:00:00Z and the last nanosecond of the year 9999, in nanoseconds since the epoch. */
const MIN_TIMESTAMP = -62_135_596_800n * NANOS_PER_SECOND;
const MAX_TIMESTAMP = 253_402_300_800n * NANOS_PER_SECOND - 1n;
/** About 292 years, the bound of CEL: nanoseconds in 64 bits. */
const MAX_DURATION = 2n ** 63n - 1n;

const RFC3339 = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?(?:Z|([+-])(\d\d):(\d\d))$/;
const ZONE = /^([+-]?)(\d\d):(\d\d)$/;
const CEL_DURATION_PART = /(\d*)(?:\.(\d*))?(h|ms|us|µs|ns|m|s)/y;
const UNIT_NANOS: Readonly<Record<string, bigint>> = {
  h: 3_600n * NANOS_PER_SECOND,
  m: 60n * NANOS_PER_SECOND,
  s: NANOS_PER_SECOND,
  ms: NANOS_PER_MS,
  us: 1_000n,
  µs: 1_000n,
  ns: 1n,
};
/** Longer texts cannot be a duration in range, and big integers cost more than linear time. */
const MAX_DURATION_TEXT = 100;

/** A timestamp from nanoseconds. Throws `number_range` outside the years 1 to 9999. */
function timestampOfNanos(nanos: bigint): Timestamp {
  if (nanos < MIN_TIMESTAMP || nanos > MAX_TIMESTAMP) {
    throw expressionError('number_range', 'the timestamp is outside the years 1 to 9999');
  }
  return new Timestamp(nanos);
}

/** A timestamp from milliseconds since the epoch; for the variable `now`. */
export function timestampOfMs(ms: number): Timestamp {
  return timestampOfNanos(BigInt(ms) * NANOS_PER_MS);
}

/** A duration from nanoseconds. Throws `number_range` beyond about 292 years. */
function durationOfNanos(nanos: bigint): Duration {
  if (nanos > MAX_DURATION || nanos < -MAX_DURATION) throw expressionError('number_range', 'the duration is too long');
  return new Duration(nanos);
}

function daysInMonth(year: number, month: number): number {
  if (month === 2) return (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0 ? 29 : 28;
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
}

/** Days since 1970-01-01 in the proleptic Gregorian calendar. A year is counted from March, so that February ends it. */
function daysOfCivil(year: number, month: number, day: number): number {
  const marchYear = month <= 2 ? year - 1 : year;
  const era = Math.floor(marchYear / 400);
  const yearOfEra = marchYear - era * 400;
  const dayOfYear = Math.floor((153 * ((month + 9) % 12) + 2) / 5) + day - 1;
  return (
    era * 146_097 + yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear - 719_468
  );
}

/** The inverse of `daysOfCivil`. */
function civilOfDays(days: number): { year: number; month: number; day: number } {
  const shifted = days + 719_468;
  const era = Math.floor(shifted / 146_097);
  const dayOfEra = shifted - era * 146_097;
  const leaps = Math.floor(dayOfEra / 1_460) - Math.floor(dayOfEra / 36_524) + Math.floor(dayOfEra / 146_096);
  const yearOfEra = Math.floor((dayOfEra - leaps) / 365);
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const marchMonth = Math.floor((5 * dayOfYear + 2) / 153);
  const day = dayOfYear - Math.floor((153 * marchMonth + 2) / 5) + 1;
  const month = ((marchMonth + 2) % 12) + 1;
  return { year: yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, day };
}

/** Reads an RFC 3339 text with an offset. Throws `conversion`. */
export function parseTimestamp(text: string): Timestamp {
  const match = RFC3339.exec(text);
  if (match === null) throw notTimestamp();
  const part = (ix: number): number => Number(match[ix] ?? 0);
  const [year, month, day, hour, minute, second] = [part(1), part(2), part(3), part(4), part(5), part(6)];
  if (month < 1 || month > 12 || day < 1 || day > daysInMonth(year, month)) throw notTimestamp();
  if (hour > 23 || minute > 59 || second > 59 || part(9) > 23 || part(10) > 59) throw notTimestamp();
  const offset = (part(9) * 60 + part(10)) * (match[8] === '-' ? -60 : 60);
  const seconds = daysOfCivil(year, month, day) * SECONDS_PER_DAY + hour * 3_600 + minute * 60 + second - offset;
  const nanos = BigInt((match[7] ?? '').padEnd(9, '0'));
  return timestampOfNanos(BigInt(seconds) * NANOS_PER_SECOND + nanos);
}

function notTimestamp(): Error {
  return expressionError('conversion', 'the text is no RFC 3339 timestamp such as 2026-01-31T08:00:00Z');
}

/** Reads `1h30m`, `1.5s`, `-10ms` (CEL) and `1d12h`, `PT5M` (language §6.1). Throws `conversion`. */
export function parseDuration(text: string): Duration {
  if (text.length > MAX_DURATION_TEXT) throw notDuration();
  const ms = durationMs(text);
  if (ms !== undefined) return durationOfNanos(BigInt(ms) * NANOS_PER_MS);
  const signed = text.startsWith('-') || text.startsWith('+') ? 1 : 0;
  let nanos = 0n;
  let at = signed;
  do {
    CEL_DURATION_PART.lastIndex = at;
    const match = CEL_DURATION_PART.exec(text);
    if (match === null) throw notDuration();
    const [part, whole, fraction = '', unit] = match as unknown as [string, string, string | undefined, string];
    if (whole === '' && fraction === '') throw notDuration();
    nanos += (BigInt(whole + fraction) * (UNIT_NANOS[unit] as bigint)) / 10n ** BigInt(fraction.length);
    at += part.length;
  } while (at < text.length);
  return durationOfNanos(text.startsWith('-') ? -nanos : nanos);
}

function notDuration(): Error {
  return expressionError('conversion', 'the text is no duration such as 90s, 1h30m, 1d12h or PT5M');
}

function pad(value: number, width: number): string {
  return String(value).padStart(width, '0');
}

function fractionText(nanos: bigint): string {
  return nanos === 0n ? '' : `.${String(nanos).padStart(9, '0').replace(/0+$/, '')}`;
}

/** Whole seconds since the epoch, rounded down, and the rest. */
function splitSeconds(nanos: bigint): { seconds: number; rest: bigint } {
  const rest = ((nanos % NANOS_PER_SECOND) + NANOS_PER_SECOND) % NANOS_PER_SECOND;
  return { seconds: Number((nanos - rest) / NANOS_PER_SECOND), rest };
}

/** The shortest RFC 3339 UTC text of a timestamp; the seconds of a duration (`5400s`, `-1.5s`). */
export function specialText(special: Timestamp | Duration): string {
  if (special instanceof Duration) {
    const size = special.nanos < 0n ? -special.nanos : special.nanos;
    return `${special.nanos < 0n ? '-' : ''}${size / NANOS_PER_SECOND}${fractionText(size % NANOS_PER_SECOND)}s`;
  }
  const { seconds, rest } = splitSeconds(special.nanos);
  const days = Math.floor(seconds / SECONDS_PER_DAY);
  const { year, month, day } = civilOfDays(days);
  const inDay = seconds - days * SECONDS_PER_DAY;
  const time = [Math.floor(inDay / 3_600), Math.floor(inDay / 60) % 60, inDay % 60]
    .map((part) => pad(part, 2))
    .join(':');
  return `${pad(year, 4)}-${pad(month, 2)}-${pad(day, 2)}T${time}${fractionText(rest)}Z`;
}

/** Whole seconds since the epoch, rounded down. */
export function epochSeconds(timestamp: Timestamp): number {
  return splitSeconds(timestamp.nanos).seconds;
}

/** The offset of a zone in nanoseconds: `UTC` or `+02:00`. Names would need a database that changes. */
function zoneNanos(zone: Value | undefined, name: string): bigint {
  if (zone === undefined || zone === 'UTC') return 0n;
  if (typeof zone !== 'string') throw wrongType(zone, name, 'an offset such as +02:00');
  const match = ZONE.exec(zone);
  if (match === null) throw expressionError('conversion', `${name} takes an offset such as +02:00, no named time zone`);
  const minutes = BigInt(Number(match[2]) * 60 + Number(match[3]));
  return (match[1] === '-' ? -minutes : minutes) * 60n * NANOS_PER_SECOND;
}

type Getter = (days: number, secondOfDay: number, rest: bigint) => number;

const TIMESTAMP_GETTERS: ReadonlyMap<string, Getter> = new Map<string, Getter>([
  ['getFullYear', (days) => civilOfDays(days).year],
  ['getMonth', (days) => civilOfDays(days).month - 1],
  ['getDate', (days) => civilOfDays(days).day],
  ['getDayOfMonth', (days) => civilOfDays(days).day - 1],
  ['getDayOfWeek', (days) => (((days + 4) % 7) + 7) % 7],
  ['getDayOfYear', (days) => days - daysOfCivil(civilOfDays(days).year, 1, 1)],
  ['getHours', (_days, second) => Math.floor(second / 3_600)],
  ['getMinutes', (_days, second) => Math.floor(second / 60) % 60],
  ['getSeconds', (_days, second) => second % 60],
  ['getMilliseconds', (_days, _second, rest) => Number(rest / NANOS_PER_MS)],
]);

const DURATION_GETTERS: ReadonlyMap<string, (nanos: bigint) => bigint> = new Map([
  ['getHours', (nanos: bigint) => nanos / (3_600n * NANOS_PER_SECOND)],
  ['getMinutes', (nanos: bigint) => nanos / (60n * NANOS_PER_SECOND)],
  ['getSeconds', (nanos: bigint) => nanos / NANOS_PER_SECOND],
  ['getMilliseconds', (nanos: bigint) => (nanos % NANOS_PER_SECOND) / NANOS_PER_MS],
]);

/** Names of all getters; those of a duration are among them. */
export const GETTER_NAMES: readonly string[] = [...TIMESTAMP_GETTERS.keys()];

/**
 * A getter of a timestamp (in UTC, or at a numeric offset) or of a duration, with CEL's counting: months, days of month
 * and of year from 0, `getDate` from 1, Sunday is 0; a duration's hours, minutes and seconds are totals.
 * @param name one of `GETTER_NAMES`.
 */
export function getTimePart(name: string, value: Value | undefined, zone: Value | undefined): number {
  if (value instanceof Timestamp) {
    const { seconds, rest } = splitSeconds(value.nanos + zoneNanos(zone, name));
    const days = Math.floor(seconds / SECONDS_PER_DAY);
    return (TIMESTAMP_GETTERS.get(name) as Getter)(days, seconds - days * SECONDS_PER_DAY, rest);
  }
  const ofDuration = DURATION_GETTERS.get(name);
  if (value instanceof Duration && ofDuration !== undefined) return Number(ofDuration(value.nanos));
  throw wrongType(value, name, ofDuration === undefined ? 'a timestamp' : 'a timestamp or a duration');
}

/** `a + b` where one is a time; undefined for other types. */
export function addTimes(a: Value, b: Value): Value | undefined {
  if (a instanceof Duration && b instanceof Duration) return durationOfNanos(a.nanos + b.nanos);
  if (a instanceof Timestamp && b instanceof Duration) return timestampOfNanos(a.nanos + b.nanos);
  if (a instanceof Duration && b instanceof Timestamp) return timestampOfNanos(a.nanos + b.nanos);
  return undefined;
}

/** `a - b` where `a` is a time; undefined for other types. */
export function subtractTimes(a: Value, b: Value): Value | undefined {
  if (a instanceof Timestamp && b instanceof Timestamp) return durationOfNanos(a.nanos - b.nanos);
  if (a instanceof Timestamp && b instanceof Duration) return timestampOfNanos(a.nanos - b.nanos);
  if (a instanceof Duration && b instanceof Duration) return durationOfNanos(a.nanos - b.nanos);
  return undefined;
}
