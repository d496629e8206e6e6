import { describe, expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { ERROR_CODES } from './error-codes.js';

const page = readFileSync(new URL('../../docs/errors.md', import.meta.url), 'utf8');
const listed = new Map(
  [...page.matchAll(/^\| `([a-z_]+)` +\| (\d+) +\| (\d+) +\| (yes|no) +\| (.+?) +\|$/gm)].map((row) => [
    row[1],
    row.slice(2),
  ]),
);

describe('docs/errors.md', () => {
  it.each(Object.entries(ERROR_CODES))('lists %s as it is', (code, row) => {
    expect(code).toMatch(/^[a-z]+(_[a-z]+)*$/);
    expect(listed.get(code)).toEqual([String(row.status), String(row.exit), row.retryable ? 'yes' : 'no', row.help]);
  });

  it('lists no code that does not exist', () => {
    expect([...listed.keys()].filter((code) => !Object.hasOwn(ERROR_CODES, code ?? ''))).toEqual([]);
  });
});
