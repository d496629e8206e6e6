import { describe, expect, it } from '@jest/globals';
import { parseCron } from './cron.js';

const all = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, ix) => from + ix);

describe('parseCron', () => {
  it('reads numbers, ranges, lists, steps and names, in any case and with any spaces', () => {
    expect(parseCron(' 5,*/20 \t8-17/3 1 jan-MAR,12 mon-FRI ')).toEqual({
      minutes: [0, 5, 20, 40],
      hours: [8, 11, 14, 17],
      daysOfMonth: [1],
      months: [1, 2, 3, 12],
      weekdays: [1, 2, 3, 4, 5],
      eitherDay: true,
    });
    expect(parseCron('50/4 * * * *')).toMatchObject({ minutes: [50, 54, 58], hours: all(0, 23) });
  });

  it('knows Sunday as 0, as 7 and at the end of a range', () => {
    expect(parseCron('0 0 * * 7')).toMatchObject({ weekdays: [0] });
    expect(parseCron('0 0 * * 5-7')).toMatchObject({ weekdays: [0, 5, 6] });
    expect(parseCron('0 0 * * */2')).toMatchObject({ weekdays: [0, 2, 4, 6] });
  });

  it('takes either day only where both are said', () => {
    expect(parseCron('0 0 13 * FRI')).toMatchObject({ eitherDay: true });
    expect(parseCron('0 0 */2 * FRI')).toMatchObject({ eitherDay: false });
    expect(parseCron('0 0 30 2 MON')).toMatchObject({ eitherDay: true });
  });

  it.each([
    ['', 'five fields'],
    ['0 3 * *', 'five fields'],
    ['0 0 3 * * *', 'Seconds and years'],
    ['@daily', 'five fields'],
    ['60 * * * *', '`60` is no minute: 0–59.'],
    ['FRI * * * *', '`FRI` is no minute: 0–59.'],
    ['0 25 * * *', '`25` is no hour: 0–23.'],
    ['0 0 0 * *', '`0` is no day of month: 1–31.'],
    ['0 0 * 13 *', '`13` is no month: 1–12 or JAN–DEC.'],
    ['0 0 * * FUN', '`FUN` is no weekday: 0–6 or SUN–SAT.'],
    ['*/0 * * * *', 'The step of `*/0` lies between 1 and 59.'],
    ['*/61 * * * *', 'The step of `*/61`'],
    ['30-10 * * * *', 'write `10-30`'],
    ['1,,2 * * * *', '`` is no minute'],
    ['0 0 30 2 *', 'It never fires: no month of `2` has a day 30.'],
    ['0 0 31 4,6 *', 'It never fires'],
    ['-5 * * * *', '`-5` is no minute'],
    ['*-5 * * * *', '`*-5` is no minute'],
  ])('refuses %j', (text, problem) => {
    expect(parseCron(text)).toEqual({ problem: expect.stringContaining(problem) });
  });

  it('takes the 29th of February', () => {
    expect(parseCron('0 0 29 2 *')).toMatchObject({ daysOfMonth: [29], months: [2] });
  });
});
