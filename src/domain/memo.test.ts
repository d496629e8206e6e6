import { expect, it } from '@jest/globals';
import { Memo } from './memo.js';

it('makes a value once, keeps what is undefined too, and begins anew with one key too many', () => {
  const memo = new Memo<string, number | undefined>(2);
  const made: string[] = [];
  const ask = (key: string, value?: number) =>
    memo.get(key, () => {
      made.push(key);
      return value;
    });
  expect([ask('a', 1), ask('a', 2), ask('b'), ask('b', 3)]).toEqual([1, 1, undefined, undefined]);
  expect(ask('c', 4)).toBe(4);
  expect(ask('a', 5)).toBe(5);
  expect(made).toEqual(['a', 'b', 'c', 'a']);
});

it('keeps nothing of what fails', () => {
  const memo = new Memo<string, number>(2);
  expect(() => memo.get('a', () => JSON.parse('{') as number)).toThrow(SyntaxError);
  expect(memo.get('a', () => 1)).toBe(1);
});
