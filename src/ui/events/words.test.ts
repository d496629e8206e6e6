import { expect, it } from '@jest/globals';
import type { Verdict } from '../../domain/dtos.js';
import type { EventLine } from '../../domain/event-console.js';
import { outcomeLook, verdictSentence } from './words.js';

type Verdicts = EventLine['verdicts'];

it.each<[readonly Verdict[], string]>([
  [['started', 'duplicate_of', 'filter_false'], '1 run'],
  [['filter_false', 'duplicate_of'], 'duplicate'],
  [['filter_false', 'disabled'], 'no match'],
  [['backlog', 'duplicate_of'], 'held'],
  [['started', 'loop'], '1 run, refused'],
  [[], 'nobody listens'],
])('an event with the verdicts %j is shown as "%s"', (verdicts, word) => {
  const line = { event_name: 'alert.came', verdicts: verdicts.map((verdict) => ({ verdict })) as Verdicts };
  // A number and its unit are kept together by a space of their own.
  expect(outcomeLook(line).word.replaceAll(/\s/g, ' ')).toBe(word);
});

it('says of a duplicate what made it one', () => {
  expect(verdictSentence('duplicate_of', { trigger: 0, duplicate_of: 'r', key: 'web-1' })).toBe(
    'Another event with the key web-1 has started a run.',
  );
});
