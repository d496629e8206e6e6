import { describe, expect, it } from '@jest/globals';
import type { ScheduleSpec } from '../domain/plan.js';
import { localTime, timesOf } from './schedule-times.js';

const after = (spec: Partial<ScheduleSpec>, from: string, limit = 10): string[] =>
  timesOf({ catchup_ms: 600_000, ...spec }, Date.parse(from), { limit }).map(localTime);
const berlin = (cron: string): Partial<ScheduleSpec> => ({ cron, timezone: 'Europe/Berlin' });

describe('timesOf', () => {
  it('keeps to the clock of its zone over the change to summer time', () => {
    expect(after(berlin('0 3 * * *'), '2027-03-26T12:00:00Z', 3)).toEqual([
      '2027-03-27T03:00:00+01:00',
      '2027-03-28T03:00:00+02:00',
      '2027-03-29T03:00:00+02:00',
    ]);
  });

  it('passes over a time that the clock skips', () => {
    expect(after(berlin('30 2 * * *'), '2027-03-26T12:00:00Z', 3)).toEqual([
      '2027-03-27T02:30:00+01:00',
      '2027-03-29T02:30:00+02:00',
      '2027-03-30T02:30:00+02:00',
    ]);
  });

  it('takes a time that the clock shows twice as Temporal does: west of Greenwich twice, east of it once', () => {
    expect(after({ cron: '30 1 * * *', timezone: 'America/New_York' }, '2027-11-06T12:00:00Z', 3)).toEqual([
      '2027-11-07T01:30:00-04:00',
      '2027-11-07T01:30:00-05:00',
      '2027-11-08T01:30:00-05:00',
    ]);
    expect(after(berlin('30 2 * * *'), '2027-10-30T12:00:00Z', 2)).toEqual([
      '2027-10-31T02:30:00+01:00',
      '2027-11-01T02:30:00+01:00',
    ]);
  });

  it('is exclusive at its beginning and inclusive at its end', () => {
    const spec = { ...berlin('0 3 * * *'), catchup_ms: 0 };
    const [from, until] = ['2026-11-21T02:00:00Z', '2026-11-23T02:00:00Z'].map((text) => Date.parse(text));
    expect(timesOf(spec, from as number, { limit: 9, until: until as number }).map(localTime)).toEqual([
      '2026-11-22T03:00:00+01:00',
      '2026-11-23T03:00:00+01:00',
    ]);
  });

  it('takes either day where both are said', () => {
    expect(after({ cron: '0 0 13 * FRI', timezone: 'UTC' }, '2026-11-01T00:00:00Z', 3)).toEqual([
      '2026-11-06T00:00:00+00:00',
      '2026-11-13T00:00:00+00:00',
      '2026-11-20T00:00:00+00:00',
    ]);
    expect(after({ cron: '0 0 29 2 *', timezone: 'UTC' }, '2026-11-01T00:00:00Z', 2)).toEqual([
      '2028-02-29T00:00:00+00:00',
      '2032-02-29T00:00:00+00:00',
    ]);
  });

  it('counts intervals from 1970, and zones with odd offsets', () => {
    expect(after({ every_ms: 21_600_000 }, '2026-11-21T05:00:00Z', 2)).toEqual([
      '2026-11-21T06:00:00+00:00',
      '2026-11-21T12:00:00+00:00',
    ]);
    expect(after({ cron: '0 0 * * *', timezone: 'Asia/Kathmandu' }, '2026-11-21T05:00:00Z', 1)).toEqual([
      '2026-11-22T00:00:00+05:45',
    ]);
    expect(after({ cron: '30 23 * * *', timezone: 'America/St_Johns' }, '2026-11-21T05:00:00Z', 1)).toEqual([
      '2026-11-21T23:30:00-03:30',
    ]);
  });
});
