import { describe, expect, it } from '@jest/globals';
import { logLineOf } from './log-line.js';

const at = '2026-11-21T14:00:00.000Z';

describe('a line of a log', () => {
  it('says when it was printed, and where', () => {
    expect(logLineOf(JSON.stringify({ at, stream: 'stderr', text: 'disk is full' }), 7)).toEqual({
      number: 7,
      at,
      stream: 'stderr',
      text: 'disk is full',
      level: null,
    });
  });

  it.each([
    ['{"at":"x","text":"\\u001b[31mred\\u001b[0m \\u001b]0;title\\u0007ok"}', 'red ok', null],
    ['{"at":5,"stream":5,"text":"Error: no"}', 'Error: no', 'error'],
    ['plain warning', 'plain warning', 'warning'],
    ['{}', '{}', null],
    ['{"text":5}', '{"text":5}', null],
    ['null', 'null', null],
    ['5', '5', null],
  ])('strips what a terminal would carry out, and keeps what is not one of ours: %s', (raw, text, level) => {
    expect(logLineOf(raw, 1)).toEqual({ number: 1, at: null, stream: '', text, level });
  });

  it('is shortened where it is too long for a page', () => {
    expect(logLineOf(JSON.stringify({ at, text: 'x'.repeat(60_000) }), 1).text).toHaveLength(4_001);
  });
});
