import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { durationMs, formatDuration } from './duration.js';

describe('durationMs', () => {
  it.each([
    ['90s', 90_000],
    ['0s', 0],
    ['1h30m', 5_400_000],
    ['1d12h', 129_600_000],
    ['1d2h3m4s', 93_784_000],
    ['PT5M', 300_000],
    ['P1D', 86_400_000],
    ['P1DT2H3M4S', 93_784_000],
    ['PT90S', 90_000],
  ])('reads %s', (text, ms) => {
    expect(durationMs(text)).toBe(ms);
  });

  it.each([
    '',
    'P',
    'PT',
    'P1DT',
    '5',
    '1.5h',
    '30m1h',
    '1h 30m',
    '-1h',
    '1w',
    'P1Y',
    'P1W',
    'PT1.5S',
    '1H',
    '10ms',
    '9007199254740992s',
  ])('refuses %p', (text) => {
    expect(durationMs(text)).toBeUndefined();
  });
});

describe('formatDuration', () => {
  it('is read back', () => {
    fc.assert(
      fc.property(fc.nat(), (seconds) => expect(durationMs(formatDuration(seconds * 1_000))).toBe(seconds * 1_000)),
    );
  });

  it('shows parts of a second', () => {
    expect(formatDuration(61_500)).toBe('1m1.5s');
    expect(formatDuration(0)).toBe('0s');
    expect(formatDuration(129_600_000)).toBe('1d12h');
  });
});
