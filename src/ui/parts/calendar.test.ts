import { describe, expect, it } from '@jest/globals';
import type { RunDay } from '../../domain/blueprint-page.js';
import { calendar } from './calendar.js';

const days = (first: string, count: number, over: Readonly<Record<number, Partial<RunDay>>> = {}): RunDay[] =>
  Array.from({ length: count }, (_, at) => {
    const day = new Date(Date.parse(`${first}T00:00:00Z`) + at * 86_400_000).toISOString().slice(0, 10);
    return { day, runs: 0, failed: 0, ...over[at] };
  });

describe('a calendar of runs', () => {
  it('begins in the row of its first weekday, and a week is a column', () => {
    // A Wednesday.
    const text = calendar(days('2026-11-18', 8), 'x').toString();
    const squares = [...text.matchAll(/M([\d.]+) ([\d.]+)h12/g)].map(([, x, y]) => [Number(x), Number(y)]);
    expect(squares).toHaveLength(8);
    expect(squares[0]).toEqual([34, 45.6]);
    expect(squares[5]).toEqual([48.8, 16]);
  });

  it('shades days by their share of the fullest one, and outlines those with a failure', () => {
    const text = calendar(
      days('2026-11-16', 5, { 1: { runs: 100 }, 2: { runs: 1 }, 3: { runs: 60, failed: 2 } }),
      'x',
    ).toString();
    const count = (name: string): number =>
      (new RegExp(`class="${name}" d="([^"]*)"`).exec(text)?.[1] ?? '').split('z').length - 1;
    expect(['fill-line', 'fill-d5', 'fill-d4', 'fill-d3', 'fill-d2', 'failed-day'].map(count)).toEqual([
      2, 1, 0, 1, 1, 1,
    ]);
  });

  it('names a month over the first week that begins in it', () => {
    const text = calendar(days('2026-10-01', 60), 'x').toString();
    expect([...text.matchAll(/<text x="([\d.]+)" y="9">(\w+)</g)].map(([, , name]) => name)).toEqual(['Oct', 'Nov']);
  });
});
