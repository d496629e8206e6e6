import { Memo } from '../domain/memo.js';

export { about, duration, times } from './duration.js';

/** Narrow no-break space: keeps a number and what belongs to it together. */
const THIN = '\u202f';

/** A whole number with its thousands set apart: `10 000`. */
export function count(value: number): string {
  return String(Math.round(value)).replace(/\B(?=(\d{3})+(?!\d))/g, THIN);
}

/** A large number in short: `9.4 M`, `820 k`; below a thousand as it is. */
export function compact(value: number): string {
  const units = ['', 'k', 'M', 'G', 'T'];
  let amount = value;
  let unit = 0;
  while (amount >= 999.5 && unit < units.length - 1) {
    amount /= 1_000;
    unit += 1;
  }
  if (unit === 0) return String(Math.round(amount * 10) / 10);
  return `${amount >= 99.5 ? Math.round(amount) : amount.toFixed(1)}${THIN}${units[unit]}`;
}

/** A count that was capped while counting: `10 000+` for anything above `cap`. */
export function cappedCount(value: number, cap = 10_000): string {
  return value > cap ? `${count(cap)}+` : count(value);
}

/** Bytes in the unit that fits: `980 B`, `4.2 GB`. */
export function bytes(value: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let amount = value;
  let unit = 0;
  while (amount >= 999.5 && unit < units.length - 1) {
    amount /= 1_000;
    unit += 1;
  }
  return `${unit === 0 || amount >= 99.5 ? Math.round(amount) : amount.toFixed(1)}${THIN}${units[unit]}`;
}

/** Dollars: `$1.84`. */
export function money(dollars: number): string {
  const [whole = '0', cents] = dollars.toFixed(2).split('.');
  return `$${count(Number(whole))}.${cents}`;
}

const WORDS = [
  'Nothing',
  'One',
  'Two',
  'Three',
  'Four',
  'Five',
  'Six',
  'Seven',
  'Eight',
  'Nine',
  'Ten',
  'Eleven',
  'Twelve',
];

/** A small number as a word at the beginning of a sentence, a large one in digits. */
export function countWord(value: number): string {
  return WORDS[value] ?? count(value);
}

/** `1 run`, `2 runs`. */
export function plural(value: number, one: string, many = `${one}s`): string {
  return `${count(value)}${THIN}${value === 1 ? one : many}`;
}

/** A digest as people read it: the first and the last four digits. */
export function shortDigest(digest: string): string {
  const hex = digest.replace(/^sha256:/, '');
  return hex.length > 10 ? `${hex.slice(0, 4)}…${hex.slice(-4)}` : hex;
}

/** Times of day in one time zone, seen from one moment. */
export interface Clock {
  /** Milliseconds since 1970. */
  now: number;
  /** IANA name, e.g. `Europe/Helsinki`. */
  zone: string;
}

type Fields = Record<'year' | 'month' | 'day' | 'hour' | 'minute' | 'second', string>;

const formatters = new Map<string, Intl.DateTimeFormat>();

/** Zones differ from UTC by whole quarters of an hour, at least since 1973. */
const QUARTER_MS = 900_000;
const REGULAR_FROM_MS = Date.UTC(1973, 0);
/** Times on pages lie close together: a list of fifty runs meets a few quarters. */
const MOST_QUARTERS = 500;
const quarters = new Memo<string, Fields>(MOST_QUARTERS);

/** The fields of a moment in a zone, as texts. A formatter takes 10 µs for it, and a list asks a hundred times. */
export function fieldsIn(zone: string, ms: number): Fields {
  if (!(ms >= REGULAR_FROM_MS)) return formatted(zone, ms);
  const quarter = Math.floor(ms / QUARTER_MS);
  const first = quarters.get(`${zone} ${quarter}`, () => formatted(zone, quarter * QUARTER_MS));
  const seconds = Math.floor(ms / 1_000) - quarter * (QUARTER_MS / 1_000);
  const minute = Number(first.minute) + Math.floor(seconds / 60);
  const { year, month, day, hour } = first;
  return { year, month, day, hour, minute: twoDigits(minute), second: twoDigits(seconds % 60) };
}

const twoDigits = (value: number): string => (value < 10 ? `0${value}` : String(value));

/** Formatters are kept, since making one costs a millisecond. */
function formatted(zone: string, ms: number): Fields {
  let formatter = formatters.get(zone);
  if (formatter === undefined) {
    const options = { hourCycle: 'h23', year: 'numeric', month: 'short', day: 'numeric' } as const;
    const times = { hour: '2-digit', minute: '2-digit', second: '2-digit' } as const;
    formatter = new Intl.DateTimeFormat('en-GB', { ...options, ...times, timeZone: zone });
    formatters.set(zone, formatter);
  }
  const fields = { year: '', month: '', day: '', hour: '', minute: '', second: '' };
  for (const { type, value } of formatter.formatToParts(ms)) if (type in fields) fields[type as 'year'] = value;
  return fields;
}

/** Every time on a page is compared with the moment of the page. */
let newest: (Clock & { fields: Fields }) | undefined;

function fieldsOfNow({ zone, now }: Clock): Fields {
  if (newest?.now !== now || newest.zone !== zone) newest = { zone, now, fields: fieldsIn(zone, now) };
  return newest.fields;
}

/** `14:02` today, `12 Nov` in this year, `12 Nov 2024` before; with `precise` the seconds, and the time on other days. */
export function moment(iso: string, clock: Clock, precise = false): string {
  const then = fieldsIn(clock.zone, Date.parse(iso));
  const now = fieldsOfNow(clock);
  const time = `${then.hour}:${then.minute}${precise ? `:${then.second}` : ''}`;
  const isSameYear = then.year === now.year;
  if (isSameYear && then.month === now.month && then.day === now.day) return time;
  const day = `${then.day}${THIN}${then.month}${isSameYear ? '' : `${THIN}${then.year}`}`;
  return precise ? `${day} ${time}` : day;
}

/** A moment to come with its time: `03:00` today, `22 Nov 03:00` later. */
export function planned(iso: string, clock: Clock): string {
  const { hour, minute } = fieldsIn(clock.zone, Date.parse(iso));
  const day = moment(iso, clock);
  return day.includes(':') ? day : `${day} ${hour}:${minute}`;
}

/** Whether the platform knows the zone; names come from cookies. */
export function isZone(name: string): boolean {
  if (!/^[A-Za-z0-9_+/-]{1,64}$/.test(name)) return false;
  try {
    fieldsIn(name, 0);
    return true;
  } catch {
    return false;
  }
}
