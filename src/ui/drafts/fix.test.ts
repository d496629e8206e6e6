import { describe, expect, it } from '@jest/globals';
import { applyFix, fixOf, fixText } from './fix.js';

const TEXT = 'plan:\n  - kind: gate\n    mod: manual\n    when: steps.snapshot.ok\n';
const at = (line: number, column: number, message: string, suggestion?: string) => ({
  line,
  column,
  message,
  ...(suggestion === undefined ? {} : { suggestion }),
});

describe('a suggestion', () => {
  it('takes the place of the word that the problem names', () => {
    const fix = fixOf(TEXT, at(3, 5, 'There is no field `mod` here.', 'mode'));
    expect(fix).toEqual({ line: 3, column: 5, length: 3, word: 'mode' });
    expect(applyFix(TEXT, fix === null ? '' : fixText(fix))).toBe(TEXT.replace('mod:', 'mode:'));
  });

  it.each([
    ['without a suggestion', at(3, 5, 'There is no field `mod` here.')],
    ['that is advice', at(3, 5, 'There is no field `mod` here.', 'add a gate before, or trust(value, "why")')],
    ['for another word than the one that stands there', at(4, 11, 'There is no field `mod` here.', 'mode')],
    ['for a place that is not there', at(40, 1, 'There is no field `mod` here.', 'mode')],
  ])('is not applied %s', (_, problem) => {
    expect(fixOf(TEXT, problem)).toBeNull();
  });

  it('changes nothing when the form says something else than a fix', () => {
    for (const fix of ['', '9:1:2:x', '3:5:3:a b', 'x']) expect(applyFix(TEXT, fix)).toBe(TEXT);
  });
});
