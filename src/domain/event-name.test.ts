import { describe, expect, it } from '@jest/globals';
import { isEventName, isReservedEventName, matchesPattern, MAX_EVENT_NAME, patternsOf } from './event-name.js';

describe('event names', () => {
  it.each(['a.b', 'checkmk.alert', 'xyn.cicd.test.passed', 'a.b_c.9'])('%s is one', (name) => {
    expect(isEventName(name)).toBe(true);
  });

  it.each(['', 'alert', 'A.b', 'a..b', '.a', 'a.', 'a.b ', 'a.-b', '9.a', 'a.*', `a.${'b'.repeat(MAX_EVENT_NAME)}`])(
    '%s is none',
    (name) => {
      expect(isEventName(name)).toBe(false);
    },
  );

  it('keeps the names of the engine, but not those of CI', () => {
    expect(isReservedEventName('xyn.run.created')).toBe(true);
    expect(isReservedEventName('xyn.cicdx')).toBe(true);
    expect(isReservedEventName('xyn.cicd.test.passed')).toBe(false);
    expect(isReservedEventName('xynx.run')).toBe(false);
  });

  it('can be matched by itself, by one further segment, and by one or more', () => {
    expect(patternsOf('a.b.c')).toEqual(['a.b.c', 'a.b.*', 'a.**', 'a.b.**']);
    expect(patternsOf('a')).toEqual(['a']);
  });

  it.each([
    ['a.b', 'a.b', true],
    ['a.*', 'a.b', true],
    ['a.*', 'a.b.c', false],
    ['a.**', 'a.b', true],
    ['a.**', 'a.b.c', true],
    ['a.**', 'a', false],
    ['a.*', 'ab.c', false],
    ['a.b', 'a.b.c', false],
  ])('%s on %s: %s', (pattern, name, matches) => {
    expect(matchesPattern(pattern, name)).toBe(matches);
  });
});
