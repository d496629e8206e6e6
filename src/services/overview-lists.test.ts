import { describe, expect, it } from '@jest/globals';
import { reachedMarks } from './overview-lists.js';

const top = Array.from({ length: 100 }, (_, at) => `s${at + 1}`);
const plan = { steps: 100, top };
const marks = 'c'.repeat(48);

describe('the marks of a run', () => {
  it('are those that were read, of a run of few steps', () => {
    expect(reachedMarks({ marks: 'ccr', newest: null }, plan, true)).toBe('ccr');
  });

  it.each([
    ['s60', 'r', 60],
    ['s100', 'c', 100],
    ['s75.inner', 'f', 75],
    ['s75[8].inner', 'r', 75],
    ['s75:prod.inner', 'g', 75],
    // A loop over many items is one step of the plan.
    ['s1[9000].inner', 'r', 49],
    ['of.another.plan', 'c', 49],
  ])('go up to the last step that a long run reached: %s', (path, mark, length) => {
    const all = reachedMarks({ marks, newest: { mark, path } }, plan, false);
    expect(all).toBe(`${'c'.repeat(length - 1)}${mark}`);
  });

  it('end with the last step where the plan is not known', () => {
    expect(reachedMarks({ marks, newest: { mark: 'r', path: 's60' } }, undefined, true)).toBe(`${marks}r`);
  });

  it('say that something runs in a loop whose newest item is done', () => {
    const all = reachedMarks({ marks, newest: { mark: 'c', path: 's1[9000].inner' } }, plan, true);
    expect(all).toBe(`${marks}cr`);
  });
});
