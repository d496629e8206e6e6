import { expect, it } from '@jest/globals';
import type { Verdict } from '../../domain/dtos.js';
import type { EventLine } from '../../domain/event-console.js';
import { aboutEvent, outcomeLook, verdictSentence } from './words.js';

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

it('says of inputs that do not fit what is wrong, once each', () => {
  const problems = [
    { path: '/count', message: '`count` is required' },
    { path: '/size', message: 'must be <= 20' },
    { path: '/to/0', message: 'must match format "email"' },
    { path: '', message: 'must NOT have fewer than 2 properties' },
  ];
  expect(verdictSentence('input_invalid', { trigger: 0, problems })).toBe(
    'The inputs that trigger 1 gives do not fit. count is required. size must be at most 20. to/0 is not an email address. It must have at least 2 properties.',
  );
});

it('says of a duplicate what made it one', () => {
  expect(verdictSentence('duplicate_of', { trigger: 0, duplicate_of: 'r', key: 'web-1' })).toBe(
    'Another event with the key web-1 has started a run.',
  );
});

it.each([
  [{ kind: 'log', byte_length: 26_698, step_id: '1f0c5d0e-0000-4000-8000-000000000001' }, 'log · 26.7 kB'],
  [{ name: 'Clean', revision: 3, version: 2 }, 'Clean · revision 3 · version 2'],
  [{ usage: 82, took_ms: 9_000 }, '82 · 9 s'],
])('tells of the data %j "%s"', (data, line) => {
  expect(aboutEvent({ resource: null, data })).toBe(line);
});
