import { describe, expect, it } from '@jest/globals';
import { act, forEach, sketchPlan } from '../../../test/ui/support/graph-plans.js';
import { buildTree } from './build-tree.js';
import { cut } from './cut.js';
import { layout } from './layout.js';
import { mapSvg } from './map-svg.js';
import { roundedPath } from './rounded-path.js';
import { timeAxis } from './time-axis.js';

const START = Date.UTC(2026, 10, 21, 14, 2, 0);
const MINUTE = 60_000;

describe('timeAxis', () => {
  it('puts ticks on round times of the zone', () => {
    const axis = timeAxis({ startMs: START, endMs: START + 22 * MINUTE, zone: 'Asia/Kolkata' });
    expect(axis.ticks.map(({ label }) => label)).toEqual(['19:35', '19:40', '19:45', '19:50']);
    expect([axis.place(START), axis.place(START + 11 * MINUTE), axis.place(START + 22 * MINUTE)]).toEqual([0, 50, 100]);
    expect(axis.place(0)).toBe(0);
  });

  it('leaves out long waits in working time, and keeps order and ends', () => {
    const working = [
      { startMs: START, endMs: START + 10 * MINUTE },
      { startMs: START + 190 * MINUTE, endMs: START + 200 * MINUTE },
    ];
    const axis = timeAxis({ startMs: START, endMs: START + 200 * MINUTE, zone: 'UTC', working });
    expect(axis.breaks).toEqual([50]);
    expect([axis.place(START + 10 * MINUTE), axis.place(START + 190 * MINUTE)].map(Math.round)).toEqual([49, 51]);
    expect(axis.place(START + 200 * MINUTE)).toBeCloseTo(100);
  });

  it('holds for runs of no time and of years', () => {
    expect(timeAxis({ startMs: START, endMs: START, zone: 'UTC' }).ticks.length).toBeLessThanOrEqual(6);
    expect(timeAxis({ startMs: START, endMs: START * 2, zone: 'UTC' }).ticks.length).toBeLessThanOrEqual(1_000);
  });
});

describe('cut', () => {
  it('keeps what fits, marks what is missing, and hides nothing', () => {
    expect(cut('Plan scope', 74, 11.5)).toBe('Plan scope');
    expect(cut('Restart the load balancer', 74, 11.5)).toMatch(/^Restart.*…$/);
    expect(cut('a\u202eb', 74, 11.5)).toBe('a\ufffdb');
    expect(cut('x'.repeat(1_000_000), 74, 11.5).length).toBeLessThan(14);
    expect(cut('', 74, 11.5)).toBe('');
  });
});

describe('roundedPath', () => {
  it('rounds corners, less where there is no room', () => {
    const points: [number, number][] = [
      [0, 0],
      [7, 0],
      [7, 56],
      [14, 56],
    ];
    expect(roundedPath(points, 7)).toBe('M0 0H0Q7 0 7 7V49Q7 56 14 56H14');
    expect(
      roundedPath(
        [
          [0, 0],
          [7, 0],
          [7, 6],
          [14, 6],
        ],
        7,
      ),
    ).toBe('M0 0H4Q7 0 7 3V3Q7 6 10 6H14');
  });
});

describe('mapSvg', () => {
  const view = {
    now: START,
    selected: null,
    glyphs: '/glyphs.svg#',
    linkOf: (path: string) => `?step=${path}`,
    unfoldLink: '?steps=all',
    label: 'Run graph',
  };

  it('escapes what people wrote', () => {
    const tree = buildTree(sketchPlan([act('a', '"><script>alert(1)</script>')]));
    const svg = mapSvg(layout(tree), view).toString();
    expect(svg).not.toContain('<script');
    expect(svg).toContain('&lt;script&gt;');
  });

  it('draws a loop of 10 000 items as a bar with a tick for each place where something failed', () => {
    const states = `${'d'.repeat(5_000)}f${'d'.repeat(4_999)}`;
    const loops = new Map([['rows', { states, total: 10_000, failed: [] }]]);
    const tree = buildTree(sketchPlan([forEach('rows', [act('copy')])]), {
      open: true,
      records: [],
      loops,
      usualMs: new Map(),
    });
    const svg = mapSvg(layout(tree), view).toString();
    expect(svg.match(/class="fill is-fail"/g)).toHaveLength(1);
    expect(svg.length).toBeLessThan(2_000);
    expect(svg).toContain('9\u202f999 of 10\u202f000 · 1 failed');
  });
});
