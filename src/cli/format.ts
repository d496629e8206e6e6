import type { JsonObject } from '../domain/json.js';

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/** A span for people: `340 ms`, `2.4 s`, `3 m 05 s`, `2 h 10 m`, `4 d 3 h`. */
export function duration(ms: number): string {
  if (ms < SECOND_MS) return `${Math.max(0, Math.round(ms))} ms`;
  if (ms < MINUTE_MS) return `${(Math.floor(ms / 100) / 10).toFixed(1)} s`;
  const two = (value: number): string => String(Math.floor(value)).padStart(2, '0');
  if (ms < HOUR_MS) return `${Math.floor(ms / MINUTE_MS)} m ${two((ms % MINUTE_MS) / SECOND_MS)} s`;
  if (ms < DAY_MS) return `${Math.floor(ms / HOUR_MS)} h ${two((ms % HOUR_MS) / MINUTE_MS)} m`;
  return `${Math.floor(ms / DAY_MS)} d ${Math.floor((ms % DAY_MS) / HOUR_MS)} h`;
}

/** A moment relative to now: `2.4 s ago`, `in 3 m 05 s`; a dash for none. */
export function relativeTime(time: string | null, nowMs: number): string {
  if (time === null) return '-';
  const ms = Date.parse(time) - nowMs;
  return ms > 0 ? `in ${duration(ms)}` : `${duration(-ms)} ago`;
}

/** How long something took, or has taken so far; a dash when it has not begun. */
export function elapsed(from: string | null, to: string | null, nowMs: number): string {
  if (from === null) return '-';
  return duration((to === null ? nowMs : Date.parse(to)) - Date.parse(from));
}

/** A number of bytes for people: `340 B`, `2.4 KiB`, `1.0 GiB`; a dash for none. */
export function byteSize(bytes: number | null): string {
  if (bytes === null) return '-';
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  const power = bytes < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log2(bytes) / 10));
  return `${power === 0 ? bytes : (bytes / 1_024 ** power).toFixed(1)} ${units[power] ?? 'B'}`;
}

/** The part of an id that lists show; every command takes it. */
export function shortId(id: string): string {
  return id.slice(0, 8);
}

/** Text from elsewhere on one line, without what a terminal would obey, cut at `maxLength` characters. */
export function plain(text: string, maxLength = 200): string {
  const line = text.replace(/\s+/g, ' ').replace(/[\p{Cc}\p{Bidi_Control}]/gu, '\ufffd');
  const characters = Array.from(line);
  return characters.length <= maxLength ? line : `${characters.slice(0, maxLength - 1).join('')}…`;
}

/** `code: message` of an error that a run or step has; undefined when it has none. */
export function errorText(error: JsonObject | null): string | undefined {
  if (error === null) return undefined;
  const texts = [error['code'], error['message']].filter((part) => typeof part === 'string');
  return plain(texts.join(': '), 500);
}

/** Columns of equal width, two spaces apart; no space at the end of a line. */
export function alignColumns(rows: readonly (readonly string[])[]): string[] {
  const widths: number[] = [];
  for (const row of rows) {
    row.forEach((cell, column) => (widths[column] = Math.max(widths[column] ?? 0, Array.from(cell).length)));
  }
  return rows.map((row) =>
    row
      .map((cell, column) => cell + ' '.repeat((widths[column] ?? 0) - Array.from(cell).length))
      .join('  ')
      .trimEnd(),
  );
}
