import { setTimeout as delay } from 'node:timers/promises';

/** Bounds of a wait. */
export interface WaitBounds {
  timeoutMs: number;
  /** Pause between two checks; default 50. */
  intervalMs?: number;
}

/**
 * Checks until the answer is neither `undefined` nor `false`, and returns it; `undefined` when the deadline passed.
 * Checks at least once. What the check throws is not caught.
 */
export async function waitUntil<T>(
  check: () => Promise<T | undefined | false> | T | undefined | false,
  { timeoutMs, intervalMs = 50 }: WaitBounds,
): Promise<T | undefined> {
  const end = performance.now() + timeoutMs;
  for (;;) {
    const answer = await check();
    if (answer !== undefined && answer !== false) return answer;
    if (performance.now() >= end) return undefined;
    await delay(intervalMs);
  }
}
