import { expect, it } from '@jest/globals';
import { lineDiff, wordDiff } from './line-diff.js';

const text = (...lines: string[]): string => lines.join('\n');
const told = (before: string, after: string): string[] =>
  lineDiff(before, after).map((line) => (line.kind === 'skipped' ? `~${line.count}` : `${line.kind[0]}:${line.text}`));

it('says nothing about equal texts', () => {
  expect(lineDiff('a\nb', 'a\nb')).toEqual([]);
});

it('finds what was added, removed and kept', () => {
  expect(told(text('a', 'b', 'c'), text('a', 'x', 'c', 'd'))).toEqual(['s:a', 'r:b', 'a:x', 's:c', 'a:d']);
  expect(told('', 'a')).toEqual(['r:', 'a:a']);
});

it('folds what is far from a change', () => {
  const many = Array.from({ length: 20 }, (_, n) => `line ${n}`);
  const changed = [...many.slice(0, 10), 'new', ...many.slice(10)];
  expect(told(text(...many), text(...changed))).toEqual([
    '~7',
    's:line 7',
    's:line 8',
    's:line 9',
    'a:new',
    's:line 10',
    's:line 11',
    's:line 12',
    '~7',
  ]);
});

it('stays bounded for texts that have nothing in common', () => {
  const a = Array.from({ length: 3_000 }, (_, n) => `a${n}`);
  const b = Array.from({ length: 3_000 }, (_, n) => `b${n}`);
  expect(lineDiff(a.join('\n'), b.join('\n'))).toHaveLength(6_000);
});

it('tells words inside of a line apart, and says nothing about lines that have nothing in common', () => {
  const told = wordDiff('    timeout: 10s # short', '    timeout: 30s # short')?.map(({ kind, text }) => [kind, text]);
  expect(told).toEqual([
    ['same', '    timeout: '],
    ['removed', '10s'],
    ['added', '30s'],
    ['same', ' # short'],
  ]);
  expect(wordDiff('id: approve', 'kind: transform')).toBeNull();
  expect(wordDiff('    x', '    y')).toBeNull();
  expect(wordDiff('', 'x')).toBeNull();
  expect(wordDiff('a'.repeat(500), 'a')).toBeNull();
});
