import { expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { PROFILES, SETTINGS, type Setting } from './settings.js';

/** Cells of the rows of a Markdown table whose first cell is a variable. */
function rows(text: string): string[][] {
  const lines = text.split('\n').filter((line) => line.startsWith('| `XYN_'));
  return lines.map((line) => line.split('|').map((cell) => cell.trim().replaceAll('`', '')));
}

it('docs/safety-rails.md has the defaults of every profile', () => {
  const settings: Setting<unknown>[] = Object.values(SETTINGS);
  const documented = rows(readFileSync('docs/safety-rails.md', 'utf8'));
  expect(documented).toHaveLength(12);
  for (const [, variable, unit, ...defaults] of documented) {
    const setting = settings.find((one) => one.variable === variable);
    const known = PROFILES.map(
      (profile) => new Map(Object.entries(setting?.profiles ?? {})).get(profile) ?? setting?.fallback,
    );
    expect([variable, unit, ...defaults.slice(0, 3)]).toEqual([variable, setting?.unit, ...known]);
  }
  const byProfile = settings.filter(({ profiles }) => profiles !== undefined).map(({ variable }) => variable);
  expect(documented.map(([, variable]) => variable)).toEqual(expect.arrayContaining(byProfile));
});
