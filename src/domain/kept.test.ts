import { describe, expect, it } from '@jest/globals';
import type { Json } from './json.js';
import { fieldsToMove, kept } from './kept.js';

const bytes = (value: Json): number => JSON.stringify(value).length;
const text = (length: number): string => 'x'.repeat(length);

describe('kept', () => {
  it('is the part of a result that later steps can read', () => {
    const result = { a: { b: 1, c: [2] }, d: 3, e: 4 };
    expect(kept(result, '*')).toBe(result);
    expect(kept('text', [['a']])).toBe('text');
    expect(kept(result, [['a', 'b'], ['a', 'c'], ['d', 'deeper'], ['missing'], []])).toEqual({
      a: { b: 1, c: [2] },
      d: 3,
    });
    expect(kept(result, [['a'], ['a', 'b']])).toEqual({ a: { b: 1, c: [2] } });
    expect(kept({ a: { b: { x: 1 } } }, [['a', 'b', 'x']])).toEqual({ a: { b: { x: 1 } } });
  });
});

describe('fieldsToMove', () => {
  it('moves the largest fields until the rest fits', () => {
    expect(fieldsToMove({ a: text(100) }, bytes)).toEqual([]);
    expect(fieldsToMove({ a: text(20_000), b: text(40_000), c: 1 }, bytes)).toEqual(['b']);
    expect(fieldsToMove({ a: text(33_000), b: text(40_000), c: 1 }, bytes)).toEqual(['b', 'a']);
  });

  it('moves the whole where no field is large, or there are none', () => {
    const many = Object.fromEntries(Array.from({ length: 60 }, (_, i) => [`k${i}`, text(900)]));
    expect(fieldsToMove(many, bytes)).toBe('*');
    expect(fieldsToMove(text(40_000), bytes)).toBe('*');
  });
});
