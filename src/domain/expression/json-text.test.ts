import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { canonicalJson } from '../json.js';
import { EvaluationError } from './evaluation-error.js';
import { jsonText, parseJson } from './json-text.js';
import { timestampOfMs } from './time.js';
import type { Value } from './value.js';

const cost = (): { left: number } => ({ left: 100_000 });

function detailOf(text: string): string | undefined {
  try {
    return `no error but ${JSON.stringify(parseJson(text, cost()))}`;
  } catch (error) {
    if (!(error instanceof EvaluationError)) throw error;
    return error.detail;
  }
}

describe('parseJson', () => {
  it.each([
    '1',
    ' -0.5e+2 ',
    '"a\\"\\u0041\\\\"',
    'true',
    'false',
    'null',
    '[]',
    '[ ]',
    '{}',
    '{ "a" : [1 , {"b":null}] , "":2}\n',
    '1E2',
  ])('reads %s as JSON.parse does', (text) => {
    expect(parseJson(text, cost())).toStrictEqual(JSON.parse(text));
  });

  it.each([
    '',
    ' ',
    '1 2',
    '[1',
    '[1,]',
    '[1 2]',
    '{',
    '{"a"}',
    '{"a":1',
    '{"a":1,}',
    '{"a" 1}',
    '{a:1}',
    '{1:1}',
    '{1',
    '"a',
    '"\n"',
    '"\\x"',
    '"\\',
    '01',
    '1.',
    '.5',
    '+1',
    'NaN',
    'tru',
    'nul',
    "'a'",
    '\u00a01',
  ])('refuses %p', (text) => {
    expect(detailOf(text)).toBe('conversion');
  });

  it('refuses keys that come twice and keys that reach prototypes', () => {
    for (const text of ['{"a":1,"\\u0061":2}', '{"__proto__":1}', '[{"constructor":1}]', '{"prototype":1}'])
      expect(detailOf(text)).toBe('conversion');
  });

  it('refuses numbers that would lose digits', () => {
    expect(parseJson('9007199254740991', cost())).toBe(9007199254740991);
    for (const text of ['9007199254740992', '-9007199254740993', '1e999']) expect(detailOf(text)).toBe('number_range');
    expect(parseJson('1e17', cost())).toBe(1e17);
    expect(Object.is(parseJson('-0', cost()), 0)).toBe(true);
  });

  it('goes 64 levels deep', () => {
    const nested = (levels: number): string => '['.repeat(levels) + ']'.repeat(levels);
    expect(detailOf(nested(65))).toContain('no error');
    expect(detailOf(nested(66))).toBe('conversion');
    expect(detailOf('['.repeat(50_000))).toBe('conversion');
  });

  it('does not say what the text holds', () => {
    expect(() => parseJson('"hunter2\n"', cost())).toThrow(
      expect.objectContaining({ message: expect.not.stringContaining('hunter') }),
    );
  });

  it('reads back what json writes', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 4 }), (value) => {
        const plain = JSON.parse(JSON.stringify(value)) as Value;
        const text = jsonText(plain, cost());
        if (/"(?:__proto__|constructor|prototype)":/.test(canonicalJson(plain))) return;
        expect(text).toBe(canonicalJson(plain));
        if (!/\d{16}/.test(text)) expect(parseJson(text, cost())).toStrictEqual(JSON.parse(text));
      }),
    );
  });
});

describe('jsonText', () => {
  it('writes times as text', () => {
    expect(jsonText({ at: timestampOfMs(0) }, cost())).toBe('{"at":"1970-01-01T00:00:00Z"}');
  });

  it('leaves out keys that never resolve', () => {
    expect(jsonText(JSON.parse('{"__proto__":1,"a":2}') as Value, cost())).toBe('{"a":2}');
  });
});
