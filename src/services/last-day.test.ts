import { expect, it } from '@jest/globals';
import { lastDayOf, type EndedRuns } from './last-day.js';

const HOUR_MS = 3_600_000;
const START = Date.parse('2026-11-21T10:20:00Z');

it('counts hours that are over once, and the newest two again', async () => {
  let now = START;
  let completed = 1;
  const asked: string[] = [];
  const read = lastDayOf(
    (from) => {
      asked.push(from.toISOString());
      const hours: EndedRuns[] = [];
      for (let at = from.getTime(); at <= now; at += HOUR_MS) hours.push({ hour: new Date(at), completed, failed: 0 });
      return Promise.resolve(hours);
    },
    () => now,
  );
  expect(await read()).toHaveLength(24);
  completed = 2;
  now += HOUR_MS;
  const next = await read();
  expect(asked).toEqual(['2026-11-20T11:00:00.000Z', '2026-11-21T09:00:00.000Z']);
  expect(next).toHaveLength(24);
  expect(next[0]?.hour.toISOString()).toBe('2026-11-20T12:00:00.000Z');
  expect(next.map((one) => one.completed)).toEqual([...Array<number>(21).fill(1), 2, 2, 2]);
  now += 30 * HOUR_MS;
  expect(await read()).toHaveLength(24);
  expect(asked.at(-1)).toBe('2026-11-21T18:00:00.000Z');
});
