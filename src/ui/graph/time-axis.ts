import { fieldsIn } from '../format.js';

/** A stretch of time. Milliseconds since 1970. */
export interface Stretch {
  startMs: number;
  endMs: number;
}

/** A time axis of 0 to 100 percent. */
export interface TimeAxis {
  /** Where a moment is, in percent; moments outside are moved to the nearer end. */
  place(ms: number): number;
  ticks: { percent: number; label: string }[];
  /** Where a wait was left out. */
  breaks: number[];
}

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const STEPS_MS = [
  ...[1, 2, 5, 10, 15, 30].map((count) => count * SECOND),
  ...[1, 2, 5, 10, 15, 30].map((count) => count * MINUTE),
  ...[1, 2, 3, 6, 12].map((count) => count * HOUR),
  ...[1, 2, 7, 14, 30, 90, 365].map((count) => count * DAY),
];
/** As many labels as fit into a narrow panel. */
const MOST_TICKS = 5;
/** Waits longer than that part of the whole are left out of the working time, and drawn this wide. */
const LONG_WAIT = 0.1;
const BREAK_PERCENT = 2;

export interface AxisOptions extends Stretch {
  /** IANA name of the time zone of the labels. */
  zone: string;
  /** When steps worked: given, long times without any are left out. */
  working?: readonly Stretch[];
}

/** The axis of a run; at least a second long. */
export function timeAxis({ startMs, endMs, zone, working }: AxisOptions): TimeAxis {
  const end = Math.max(endMs, startMs + SECOND);
  const waits = working === undefined ? [] : longWaits({ startMs, endMs: end }, working);
  const left = end - startMs - waits.reduce((sum, wait) => sum + wait.endMs - wait.startMs, 0);
  const perMs = (100 - BREAK_PERCENT * waits.length) / left;
  const place = (ms: number): number => {
    let percent = (Math.min(Math.max(ms, startMs), end) - startMs) * perMs;
    for (const wait of waits) {
      if (ms <= wait.startMs) break;
      const passed = Math.min(ms, wait.endMs) - wait.startMs;
      percent += (BREAK_PERCENT * passed) / (wait.endMs - wait.startMs) - passed * perMs;
    }
    return percent;
  };
  const isLeftOut = (ms: number): boolean => waits.some((wait) => ms > wait.startMs && ms < wait.endMs);
  const ticks = tickTimes(startMs, end, left, zone)
    .filter((ms) => !isLeftOut(ms))
    .map((ms) => ({ percent: place(ms), label: label(ms, left, zone) }));
  return { place, ticks, breaks: waits.map((wait) => place((wait.startMs + wait.endMs) / 2)) };
}

function longWaits(span: Stretch, working: readonly Stretch[]): Stretch[] {
  const limit = (span.endMs - span.startMs) * LONG_WAIT;
  const waits: Stretch[] = [];
  let busyUntil = span.startMs;
  for (const { startMs, endMs } of [...working].sort((a, b) => a.startMs - b.startMs)) {
    if (startMs - busyUntil > limit) waits.push({ startMs: busyUntil, endMs: startMs });
    busyUntil = Math.max(busyUntil, endMs);
  }
  if (span.endMs - busyUntil > limit) waits.push({ startMs: busyUntil, endMs: span.endMs });
  return waits;
}

function tickTimes(startMs: number, endMs: number, length: number, zone: string): number[] {
  const step = STEPS_MS.find((ms) => length / ms <= MOST_TICKS) ?? length;
  const offset = offsetMs(startMs, zone);
  const first = Math.ceil((startMs + offset) / step) * step - offset;
  // What was left out has no ticks, so their number stays small; the bound is for a clock that went wild.
  return Array.from(
    { length: Math.min(1_000, Math.max(0, Math.floor((endMs - first) / step) + 1)) },
    (_, n) => first + n * step,
  );
}

/** How far the zone's clock is from UTC, within a day. */
function offsetMs(ms: number, zone: string): number {
  const { hour, minute } = fieldsIn(zone, ms);
  const inDay = Math.floor(ms / MINUTE) % (DAY / MINUTE);
  return (Number(hour) * 60 + Number(minute) - inDay) * MINUTE;
}

function label(ms: number, length: number, zone: string): string {
  const { day, month, hour, minute, second } = fieldsIn(zone, ms);
  if (length > 2 * DAY) return `${day} ${month}`;
  return length < MOST_TICKS * MINUTE ? `${hour}:${minute}:${second}` : `${hour}:${minute}`;
}
