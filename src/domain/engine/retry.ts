import type { Retry } from '../plan.js';

/** `Retry-After` is honoured up to this, above `backoff.max` too (language §4.3). */
const MAX_RETRY_AFTER_MS = 86_400_000;

/** What decides about another attempt. */
export interface FailedAttempt {
  /** Failed attempts so far, this one included; lost ones do not count. */
  attempt: number;
  error: { code: string; retryable: boolean; retry_after_ms?: number };
  /** Milliseconds since the first attempt began. */
  elapsedMs: number;
  /** In 0…1, from a source of the caller's: spreads the pause over ± `jitter`. 0.5 is no jitter. */
  random: number;
}

/**
 * The pause before the next attempt in milliseconds, or undefined when none follows (language §4.3). Pure: the worker and
 * the scenario runner both ask it.
 */
export function nextDelayMs(retry: Retry, failed: FailedAttempt): number | undefined {
  const { error, attempt } = failed;
  if (!error.retryable || attempt >= retry.attempts) return undefined;
  if (retry.only && !retry.only.some((pattern) => matchesCode(pattern, error.code))) return undefined;
  if (retry.never?.some((pattern) => matchesCode(pattern, error.code))) return undefined;
  const { first_ms: first, factor, max_ms: max, jitter } = retry.backoff;
  const pause = Math.min(Math.max(max, first), first * factor ** (attempt - 1));
  const spread = Math.round(pause * (1 + jitter * (2 * failed.random - 1)));
  const delay = Math.max(spread, Math.min(error.retry_after_ms ?? 0, MAX_RETRY_AFTER_MS));
  if (retry.deadline_ms !== undefined && failed.elapsedMs + delay >= retry.deadline_ms) return undefined;
  return delay;
}

/** Whether a code fits a pattern: exact, or with one trailing `*`. */
export function matchesCode(pattern: string, code: string): boolean {
  return pattern.endsWith('*') ? code.startsWith(pattern.slice(0, -1)) : pattern === code;
}
