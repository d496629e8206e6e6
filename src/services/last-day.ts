/** Runs that ended in an hour. */
export interface EndedRuns {
  hour: Date;
  completed: number;
  failed: number;
}

const HOUR_MS = 3_600_000;

/**
 * Runs that ended in each of the last 24 hours, oldest first; hours without any are left out. All of a day may be many: hours
 * that are over are counted once, the one before this a second time, since some records come late.
 * @param count reads the hours from a time on.
 */
export function lastDayOf(
  count: (from: Date) => Promise<EndedRuns[]>,
  clock: () => number,
): () => Promise<EndedRuns[]> {
  let kept: { hours: EndedRuns[]; hour: number } | undefined;
  return async () => {
    const hour = Math.floor(clock() / HOUR_MS) * HOUR_MS;
    const first = hour - 23 * HOUR_MS;
    const from = Math.max(first, (kept?.hour ?? 0) - HOUR_MS);
    const fresh = await count(new Date(from));
    const before = (kept?.hours ?? []).filter((one) => one.hour.getTime() >= first && one.hour.getTime() < from);
    kept = { hours: [...before, ...fresh], hour };
    return kept.hours;
  };
}
