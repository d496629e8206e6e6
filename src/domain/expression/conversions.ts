import { expressionError } from './evaluation-error.js';
import { epochSeconds, parseDuration, parseTimestamp, specialText, timestampOfMs } from './time.js';
import { Duration, Timestamp, wrongType, type Value } from './value.js';
import { intOf } from './numbers.js';

const INT = /^[+-]?\d+$/;
const DOUBLE = /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?$/;
const TRUE_TEXTS: readonly string[] = ['1', 't', 'true', 'TRUE', 'True'];
const FALSE_TEXTS: readonly string[] = ['0', 'f', 'false', 'FALSE', 'False'];
/** Seconds of the year 9999's end; more would only overflow later. */
const MAX_EPOCH_SECONDS = 253_402_300_799;

/** `int(v)`: truncates a double, reads decimal text, gives a timestamp's seconds. */
export function toInt(value: Value | undefined): number {
  if (value instanceof Timestamp) return epochSeconds(value);
  if (typeof value !== 'number' && typeof value !== 'string')
    throw wrongType(value, 'int()', 'a number, text or timestamp');
  if (typeof value === 'string' && !INT.test(value)) throw expressionError('conversion', 'the text is no int');
  const int = Math.trunc(Number(value)) + 0;
  if (!Number.isSafeInteger(int)) throw expressionError('number_range', 'the int is outside ±(2^53−1)');
  return int;
}

/** `double(v)`: reads decimal text. */
export function toDouble(value: Value | undefined): number {
  if (typeof value === 'number') return value;
  if (typeof value !== 'string') throw wrongType(value, 'double()', 'a number or text');
  if (!DOUBLE.test(value)) throw expressionError('conversion', 'the text is no number');
  const double = Number(value);
  if (!Number.isFinite(double)) throw expressionError('number_range', 'the number is too large');
  return double + 0;
}

/** `bool(v)`: reads CEL's texts for true and false. */
export function toBool(value: Value | undefined): boolean {
  if (typeof value === 'boolean') return value;
  if (typeof value !== 'string') throw wrongType(value, 'bool()', 'a bool or text');
  if (TRUE_TEXTS.includes(value)) return true;
  if (FALSE_TEXTS.includes(value)) return false;
  throw expressionError('conversion', 'the text is neither true nor false');
}

/** The text of a scalar, a timestamp or a duration; undefined for null, lists, maps and optionals. */
export function scalarText(value: Value | undefined): string | undefined {
  if (typeof value === 'string') return value;
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  return value instanceof Timestamp || value instanceof Duration ? specialText(value) : undefined;
}

/** `string(v)`. */
export function toText(value: Value | undefined): string {
  const text = scalarText(value);
  if (text === undefined) throw wrongType(value, 'string()', 'a scalar or a time (write json(x) for others)');
  return text;
}

/** `timestamp(v)`: RFC 3339 text or seconds since the epoch. */
export function toTimestamp(value: Value | undefined): Timestamp {
  if (value instanceof Timestamp) return value;
  if (typeof value === 'string') return parseTimestamp(value);
  if (typeof value !== 'number') throw wrongType(value, 'timestamp()', 'text or seconds');
  const seconds = intOf(value, 'timestamp()');
  if (Math.abs(seconds) > MAX_EPOCH_SECONDS)
    throw expressionError('number_range', 'the timestamp is outside the years 1 to 9999');
  return timestampOfMs(seconds * 1_000);
}

/** `duration(v)`. */
export function toDuration(value: Value | undefined): Duration {
  if (value instanceof Duration) return value;
  if (typeof value !== 'string') throw wrongType(value, 'duration()', 'text');
  return parseDuration(value);
}
