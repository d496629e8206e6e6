import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { getTimePart, parseDuration, parseTimestamp, specialText, timestampOfMs } from './time.js';

describe('timestamps', () => {
  it.each([
    ['2026-01-31T08:00:00Z', '2026-01-31T08:00:00Z'],
    ['2026-01-31T08:00:00.500Z', '2026-01-31T08:00:00.5Z'],
    ['2026-01-31T08:00:00.000000001+01:30', '2026-01-31T06:30:00.000000001Z'],
    ['2025-12-31T23:59:59-00:01', '2026-01-01T00:00:59Z'],
    ['2024-02-29T00:00:00Z', '2024-02-29T00:00:00Z'],
    ['2000-02-29T00:00:00Z', '2000-02-29T00:00:00Z'],
    ['0001-01-01T00:00:00Z', '0001-01-01T00:00:00Z'],
    ['9999-12-31T23:59:59.999999999Z', '9999-12-31T23:59:59.999999999Z'],
    ['1969-12-31T23:59:59.25Z', '1969-12-31T23:59:59.25Z'],
  ])('reads %s', (text, shortest) => {
    expect(specialText(parseTimestamp(text))).toBe(shortest);
  });

  it.each([
    '2026-01-31',
    '2026-01-31T08:00:00',
    '2026-01-31t08:00:00z',
    '2026-00-01T00:00:00Z',
    '2026-13-01T00:00:00Z',
    '2026-01-00T00:00:00Z',
    '2026-01-32T00:00:00Z',
    '2026-02-29T00:00:00Z',
    '1900-02-29T00:00:00Z',
    '2026-04-31T00:00:00Z',
    '2026-06-31T00:00:00Z',
    '2026-09-31T00:00:00Z',
    '2026-11-31T00:00:00Z',
    '2026-01-01T24:00:00Z',
    '2026-01-01T00:60:00Z',
    '2026-01-01T00:00:60Z',
    '2026-01-01T00:00:00+24:00',
    '2026-01-01T00:00:00+00:60',
    '2026-01-01T00:00:00.1234567890Z',
  ])('refuses %s', (text) => {
    expect(() => parseTimestamp(text)).toThrow(expect.objectContaining({ detail: 'conversion' }));
  });

  it('ends with the years 1 and 9999', () => {
    for (const text of ['0001-01-01T00:00:00+00:01', '9999-12-31T23:59:59-00:01']) {
      expect(() => parseTimestamp(text)).toThrow(expect.objectContaining({ detail: 'number_range' }));
    }
  });

  it('agrees with the calendar of the platform', () => {
    fc.assert(
      fc.property(
        fc.date({ min: new Date('0001-01-01'), max: new Date('9999-12-31'), noInvalidDate: true }),
        (date) => {
          const timestamp = timestampOfMs(date.getTime());
          expect(new Date(specialText(timestamp)).getTime()).toBe(date.getTime());
          expect(parseTimestamp(date.toISOString()).nanos).toBe(timestamp.nanos);
          const yearStart = new Date(date);
          yearStart.setUTCMonth(0, 1);
          const part = (name: string): number => getTimePart(name, timestamp, undefined);
          expect(part('getFullYear')).toBe(date.getUTCFullYear());
          expect(part('getMonth')).toBe(date.getUTCMonth());
          expect(part('getDate')).toBe(date.getUTCDate());
          expect(part('getDayOfMonth')).toBe(date.getUTCDate() - 1);
          expect(part('getDayOfWeek')).toBe(date.getUTCDay());
          expect(part('getDayOfYear')).toBe(Math.round((date.getTime() - yearStart.getTime()) / 86_400_000));
          expect(part('getHours')).toBe(date.getUTCHours());
          expect(part('getMinutes')).toBe(date.getUTCMinutes());
          expect(part('getSeconds')).toBe(date.getUTCSeconds());
          expect(part('getMilliseconds')).toBe(date.getUTCMilliseconds());
        },
      ),
    );
  });

  it('takes offsets, no named zones', () => {
    const midnight = parseTimestamp('2026-01-01T00:30:00Z');
    expect(getTimePart('getHours', midnight, 'UTC')).toBe(0);
    expect(getTimePart('getHours', midnight, '+02:00')).toBe(2);
    expect(getTimePart('getHours', midnight, '02:00')).toBe(2);
    expect(getTimePart('getFullYear', midnight, '-01:00')).toBe(2025);
    expect(() => getTimePart('getHours', midnight, 'Europe/Berlin')).toThrow(
      expect.objectContaining({ detail: 'conversion' }),
    );
    expect(() => getTimePart('getHours', midnight, 2)).toThrow(expect.objectContaining({ detail: 'wrong_type' }));
  });
});

describe('durations', () => {
  it.each([
    ['90s', '90s'],
    ['1h30m', '5400s'],
    ['1d12h', '129600s'],
    ['PT5M', '300s'],
    ['1.5h', '5400s'],
    ['.5s', '0.5s'],
    ['1.s', '1s'],
    ['-1.5s', '-1.5s'],
    ['+2ms', '0.002s'],
    ['1us', '0.000001s'],
    ['1µs', '0.000001s'],
    ['10ns', '0.00000001s'],
    ['1m500ms', '60.5s'],
    ['0s', '0s'],
  ])('reads %s', (text, seconds) => {
    expect(specialText(parseDuration(text))).toBe(seconds);
  });

  it.each(['', '-', '1', 's', '.s', '1x', '1h ', 'P', 'PT', '1h1', `${'1'.repeat(100)}s`])('refuses %p', (text) => {
    expect(() => parseDuration(text)).toThrow(expect.objectContaining({ detail: 'conversion' }));
  });

  it('ends at about 292 years', () => {
    expect(specialText(parseDuration('9223372036s'))).toBe('9223372036s');
    for (const text of ['9223372037s', '-9223372037s']) {
      expect(() => parseDuration(text)).toThrow(expect.objectContaining({ detail: 'number_range' }));
    }
  });

  it('counts hours, minutes and seconds in all', () => {
    const duration = parseDuration('1h1m1.25s');
    expect(
      ['getHours', 'getMinutes', 'getSeconds', 'getMilliseconds'].map((name) => getTimePart(name, duration, undefined)),
    ).toEqual([1, 61, 3661, 250]);
  });
});
