import { describe, expect, it } from '@jest/globals';
import { nearestName } from './suggestion.js';

describe('the nearest name', () => {
  it.each([
    ['promt', ['prompt', 'provider'], 'prompt'],
    ['hihg', ['low', 'high'], 'high'],
    ['opnai', ['openai', 'fake'], 'openai'],
    ['tiemout', ['timeout'], 'timeout'],
    ['cpu', ['mem', 'disk'], undefined],
    ['id', ['as', 'of'], undefined],
    ['stpes', ['stop', 'steps'], 'steps'],
    ['xxxompt', ['prompt'], undefined],
  ])('of %s', (written, names, expected) => {
    expect(nearestName(written, names)).toBe(expected);
  });
});
