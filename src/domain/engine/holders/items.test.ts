import { describe, expect, it } from '@jest/globals';
import { pageOf } from './items.js';

describe('a page of items', () => {
  const list = Array.from({ length: 250 }, (_, ix) => ix);

  it('has a hundred at most, from where it was asked for', () => {
    expect(pageOf(list, 0)).toEqual({ count: 250, items: list.slice(0, 100) });
    expect(pageOf(list, 200)).toEqual({ count: 250, items: list.slice(200) });
    expect(pageOf([], 0)).toEqual({ count: 0, items: [] });
    expect(pageOf({ b: 2, a: 1 }, 1)).toEqual({ count: 2, items: [{ key: 'b', value: 2 }] });
  });

  it('has about 64 KiB at most, but one item at least', () => {
    const long = 'x'.repeat(40_000);
    expect(pageOf([long, long, 'c'], 0).items).toEqual([long]);
    expect(pageOf(['a', 'x'.repeat(70_000), 'c'], 1).items).toEqual(['x'.repeat(70_000)]);
  });

  it('is refused for an item that no state can hold, and for what has no items', () => {
    expect(() => pageOf(['a', 'x'.repeat(300_000)], 0)).toThrow('item 1 of the loop is over 256 KiB');
    expect(() => pageOf(3, 0)).toThrow('takes a list or a map');
    expect(() => pageOf('text', 0)).toThrow('takes a list, a map or a whole number');
  });
});
