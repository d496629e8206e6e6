import { describe, expect, it } from '@jest/globals';
import { completions, openTerm } from './filter-completion.js';

const vocabulary = { status: ['failed', 'finished', 'open'], started: ['>1h'], by: 'run.actor', name: null } as const;

describe('completions of a filter', () => {
  it.each([
    ['', { before: '', key: null, typed: '' }],
    ['sta', { before: '', key: null, typed: 'sta' }],
    ['status:f', { before: '', key: 'status', typed: 'f' }],
    ['status:failed ', { before: 'status:failed ', key: null, typed: '' }],
    ['status:failed by:a:b', { before: 'status:failed ', key: 'by', typed: 'a:b' }],
  ])('%j is in the middle of its last word', (text, term) => {
    expect(openTerm(text)).toEqual(term);
  });

  it.each([
    ['', [], ['status:', 'started:', 'by:', 'name:']],
    ['sta', [], ['status:', 'started:']],
    ['status:', ['failed', 'open'], ['status:failed', 'status:open']],
    ['status:f', ['failed', 'finished', 'open'], ['status:failed', 'status:finished']],
    [
      'backup status:failed ',
      [],
      ['backup status:failed started:', 'backup status:failed by:', 'backup status:failed name:'],
    ],
    ['status:failed by:a', ['ann', 'bob', 'al ice'], ['status:failed by:ann']],
    ['status:open', ['open'], []],
    ['nonsense', [], []],
    ['nonsense:x', ['x'], []],
  ])('%j with the values %j goes on as %j', (text, values, whole) => {
    expect(completions(text, vocabulary, values)).toEqual(whole);
  });

  it('shows no more than fit on a list', () => {
    const many = Array.from({ length: 40 }, (_, ix) => `v${ix}`);
    expect(completions('by:', vocabulary, many)).toHaveLength(12);
  });
});
