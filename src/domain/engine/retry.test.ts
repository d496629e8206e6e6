import { describe, expect, it } from '@jest/globals';
import type { Retry } from '../plan.js';
import { matchesCode, nextDelayMs } from './retry.js';

const retry: Retry = { attempts: 5, backoff: { first_ms: 1_000, factor: 2, max_ms: 5_000, jitter: 0.2 } };
const failed = (attempt: number, more: object = {}): Parameters<typeof nextDelayMs>[1] => ({
  attempt,
  error: { code: 'http_status', retryable: true, ...more },
  elapsedMs: 0,
  random: 0.5,
});

describe('nextDelayMs', () => {
  it('doubles up to the maximum, and ends with the attempts', () => {
    expect([1, 2, 3, 4, 5].map((n) => nextDelayMs(retry, failed(n)))).toEqual([1_000, 2_000, 4_000, 5_000, undefined]);
  });

  it('counts a maximum below the first pause as the first pause', () => {
    expect(nextDelayMs({ ...retry, backoff: { ...retry.backoff, max_ms: 10 } }, failed(1))).toBe(1_000);
  });

  it('spreads by the jitter', () => {
    expect(nextDelayMs(retry, { ...failed(1), random: 0 })).toBe(800);
    expect(nextDelayMs(retry, { ...failed(1), random: 1 })).toBe(1_200);
  });

  it('never repeats what is not retryable, not in `only`, or in `never`', () => {
    expect(nextDelayMs(retry, failed(1, { retryable: false }))).toBeUndefined();
    expect(nextDelayMs({ ...retry, only: ['timeout'] }, failed(1))).toBeUndefined();
    expect(nextDelayMs({ ...retry, only: ['http_*'] }, failed(1))).toBe(1_000);
    expect(nextDelayMs({ ...retry, never: ['http_status'] }, failed(1))).toBeUndefined();
    expect(nextDelayMs({ ...retry, never: ['timeout'] }, failed(1))).toBe(1_000);
  });

  it('lets Retry-After raise the pause, also above the maximum, up to a day', () => {
    expect(nextDelayMs(retry, failed(1, { retry_after_ms: 3_600_000 }))).toBe(3_600_000);
    expect(nextDelayMs(retry, failed(1, { retry_after_ms: 10 }))).toBe(1_000);
    expect(nextDelayMs(retry, failed(1, { retry_after_ms: 1e12 }))).toBe(86_400_000);
  });

  it('ends now when the pause would pass the deadline', () => {
    const bounded = { ...retry, deadline_ms: 600_000 };
    expect(nextDelayMs(bounded, failed(1, { retry_after_ms: 3_600_000 }))).toBeUndefined();
    expect(nextDelayMs(bounded, { ...failed(1), elapsedMs: 599_000 })).toBeUndefined();
    expect(nextDelayMs(bounded, { ...failed(1), elapsedMs: 598_999 })).toBe(1_000);
  });
});

describe('matchesCode', () => {
  it('is exact, or by a trailing star', () => {
    expect(matchesCode('timeout', 'timeout')).toBe(true);
    expect(matchesCode('timeout', 'timeouts')).toBe(false);
    expect(matchesCode('http_*', 'http_status')).toBe(true);
  });
});
