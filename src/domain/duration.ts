const SHORT = /^(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?$/;
const ISO = /^P(?:(\d+)D)?(?:T(?=\d)(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?$/;
const UNITS_MS = [86_400_000, 3_600_000, 60_000, 1_000] as const;
const UNIT_NAMES = ['d', 'h', 'm', 's'] as const;

/**
 * Milliseconds of a duration in one of the two forms of language §6.1: whole numbers with `d h m s` in this order
 * (`90s`, `1d12h`), or ISO 8601 with D, H, M, S (`PT5M`). Undefined for any other text, also when the result is not a
 * safe integer. Bounds such as "1 s to 30 d" are the caller's.
 */
export function durationMs(text: string): number | undefined {
  const match = SHORT.exec(text) ?? ISO.exec(text);
  if (match === null) return undefined;
  const counts = match.slice(1) as (string | undefined)[];
  if (counts.every((count) => count === undefined)) return undefined;
  let totalMs = 0;
  UNITS_MS.forEach((unitMs, ix) => {
    totalMs += Number(counts[ix] ?? 0) * unitMs;
  });
  return Number.isSafeInteger(totalMs) ? totalMs : undefined;
}

/**
 * The short form of a number of milliseconds, largest unit first: `1d12h`, `1m30s`, `0s`. A rest below a second stands
 * as a fraction (`1.5s`), which `durationMs` does not read back.
 * @param ms a whole number, not negative.
 */
export function formatDuration(ms: number): string {
  let text = '';
  let restMs = ms;
  UNITS_MS.forEach((unitMs, ix) => {
    const count = unitMs === 1_000 ? restMs / unitMs : Math.floor(restMs / unitMs);
    if (count > 0) text += `${count}${UNIT_NAMES[ix]}`;
    restMs -= count * unitMs;
  });
  return text === '' ? '0s' : text;
}
