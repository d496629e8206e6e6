/** Narrow no-break space: keeps a number and its unit together. */
const THIN = '\u202f';
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

const two = (value: number): string => String(value).padStart(2, '0');

/** How long something took or has been going on: `340 ms`, `9 s`, `1:12`, `2:14:40`. Shared with the browser. */
export function duration(ms: number): string {
  if (ms < 1_000) return `${Math.max(0, Math.round(ms))}${THIN}ms`;
  const seconds = Math.floor(ms / 1_000);
  if (seconds < 60) return `${seconds}${THIN}s`;
  const rest = `${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`;
  return seconds < 3_600 ? rest.replace(/^0/, '') : `${Math.floor(seconds / 3_600)}:${rest}`;
}

/** How many times the usual something has taken: `2.1×`. Shared with the browser. */
export function times(ms: number, usualMs: number): string {
  return `${(ms / usualMs).toFixed(1)}×`;
}

/** A time that is about right, as people say it: `24 min`, `3 h 40 min`, `2 d`. Shared with the browser. */
export function about(ms: number): string {
  if (ms < MINUTE_MS) return `${Math.max(0, Math.round(ms / 1_000))}${THIN}s`;
  const wholeMinutes = Math.round(ms / MINUTE_MS);
  if (wholeMinutes < 60) return `${wholeMinutes}${THIN}min`;
  if (ms >= 2 * DAY_MS) return `${Math.floor(ms / DAY_MS)}${THIN}d`;
  const hours = `${Math.floor(wholeMinutes / 60)}${THIN}h`;
  return wholeMinutes % 60 === 0 || ms >= DAY_MS ? hours : `${hours} ${wholeMinutes % 60}${THIN}min`;
}
