import { expect, it } from '@jest/globals';
import { sparkline } from './sparkline.js';

/** The points of a drawn line. */
function pointsOf(values: readonly number[]): [x: number, y: number][] {
  const path = / d="M([^"]+)"/.exec(sparkline(values).toString())?.[1] ?? '';
  const pairs = path.split('l').map((pair) => pair.split(' ').map(Number));
  const points: [number, number][] = [];
  for (const [dx = NaN, dy = NaN] of pairs) {
    const [x, y] = points.at(-1) ?? [0, 0];
    points.push([x + dx, y + dy]);
  }
  return points;
}

it('goes from zero at the bottom to the most at the top, and ends in a dot', () => {
  const points = pointsOf([0, 5, 10, 5]);
  expect(points.map(([, y]) => y)).toEqual([19, 11, 3, 11]);
  expect(points.at(-1)?.[0]).toBeCloseTo(81, 0);
  expect(sparkline([0, 5, 10, 5]).toString()).toMatch(/<circle class="fill-d2" cx="81.0" cy="11" r="2"/);
});

it('adds up neighbours where there are many days, and keeps all that was used', () => {
  const flat = pointsOf(Array.from({ length: 90 }, () => 1));
  expect(flat).toHaveLength(30);
  expect(new Set(flat.map(([, y]) => y))).toEqual(new Set([3]));
  expect(pointsOf([...Array.from({ length: 89 }, () => 0), 7]).map(([, y]) => y)).toEqual([
    ...Array.from({ length: 29 }, () => 19),
    3,
  ]);
});

it('is a line at the bottom where nothing was used', () => {
  expect(pointsOf([0, 0, 0]).map(([, y]) => y)).toEqual([19, 19, 19]);
  expect(sparkline([]).toString()).not.toContain('NaN');
});
