import { describe, expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';

const css = readFileSync(new URL('./styles/00-tokens.css', import.meta.url), 'utf8');
const tokens = new Map(
  [...css.matchAll(/--([a-z0-9-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\)/g)].map(([, name, light, dark]) => [
    name ?? '',
    [light ?? '', dark ?? ''] as const,
  ]),
);

function luminance(hex: string): number {
  const [r = 0, g = 0, b = 0] = [1, 3, 5].map((at) => {
    const value = Number.parseInt(hex.slice(at, at + 2), 16) / 255;
    return value <= 0.040_45 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

function ratio(one: string, other: string, theme: 0 | 1): number {
  const [a, b] = [one, other].map((name) => luminance(tokens.get(name)?.[theme] ?? '')) as [number, number];
  return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
}

/** Text needs 4.5 on everything that it stands on; marks and borders need 3. */
const TEXT = ['ink', 'ink-2', 'ink-3', 'done-text', 'run-text', 'gate-text', 'fail-text', 'odd-text'];
const GROUNDS = ['surface', 'bg', 'sunk', 'hover', 'sel'];
const MARKS = ['ctl', 'done', 'run', 'fail', 'odd', 'focus', 'gate-text', 'd1', 'd2', 'd3'];

describe.each([
  ['light', 0],
  ['dark', 1],
] as const)('contrast in the %s theme', (_name, theme) => {
  it.each(TEXT)('%s can be read on every ground', (text) => {
    for (const ground of GROUNDS) expect([ground, ratio(text, ground, theme) >= 4.5]).toEqual([ground, true]);
  });

  it.each(['done', 'run', 'gate', 'fail', 'odd'])('%s can be read on its own tint', (state) => {
    expect(ratio(`${state}-text`, `${state}-tint`, theme)).toBeGreaterThanOrEqual(4.5);
  });

  it.each(MARKS)('%s stands out from the surface', (mark) => {
    expect(ratio(mark, 'surface', theme)).toBeGreaterThanOrEqual(3);
  });
});
