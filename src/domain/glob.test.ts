import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { globMatches, globWork } from './glob.js';

/** What a pattern means, by the platform's regular expressions; slow for some patterns, which is why they are not used. */
function asRegExp(pattern: string): RegExp {
  const source = Array.from(pattern, (char) =>
    char === '*' ? '.*' : char === '?' ? '.' : char === '.' ? '\\.' : char,
  );
  return new RegExp(`^${source.join('')}$`, 'su');
}

describe('globMatches', () => {
  it.each([
    ['', '', true],
    ['', '*', true],
    ['', '?', false],
    ['a/b\nc', '*', true],
    ['😀', '?', true],
    ['ab', 'a', false],
    ['a', 'ab', false],
    ['aba', 'ab*ba', false],
    ['abba', 'ab*ba', true],
    ['a.b', 'a[.]b', false],
    ['a[x', 'a[*', true],
    ['xabcabdx', '*ab?x', true],
    ['web-17.example', 'web-*.ex*e', true],
    ['db', 'web*', false],
    ['ab', '*abc*', false],
  ])('%p against %p', (text, pattern, matches) => {
    expect(globMatches(text, pattern)).toBe(matches);
  });

  it('agrees with the regular expression of the same meaning', () => {
    const unit = fc.constantFrom('a', 'b', '😀', '.');
    const patternUnit = fc.constantFrom('a', 'b', '*', '?', '.', '😀');
    fc.assert(
      fc.property(
        fc.string({ unit, maxLength: 12 }),
        fc.string({ unit: patternUnit, maxLength: 8 }),
        (text, pattern) => {
          expect(globMatches(text, pattern)).toBe(asRegExp(pattern).test(text));
        },
      ),
      { numRuns: 2_000 },
    );
  });

  it('finds segments longer than a machine word', () => {
    const long = `${'ab'.repeat(40)}c`;
    expect(globMatches(`x${'ab'.repeat(3)}${long}y`, `*${long}*`)).toBe(true);
    expect(globMatches(`x${'ab'.repeat(43)}y`, `*${long}*`)).toBe(false);
    expect(globMatches(`x${long}y`, `*${long.replace('c', '?')}*`)).toBe(true);
  });

  it('takes linear time where backtracking explodes', () => {
    const text = 'a'.repeat(65_536);
    const started = performance.now();
    expect(globMatches(text, `${'*a'.repeat(15)}*b`)).toBe(false);
    expect(globMatches(text, `*${'?'.repeat(20)}aab*`)).toBe(false);
    expect(performance.now() - started).toBeLessThan(20_000);
    expect(globWork(text, '*a*')).toBeLessThan(3 * text.length);
  });
});
