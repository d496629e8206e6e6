import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { canonicalJson, compareUtf16, isJsonObject, sortedKeys } from './json.js';

describe('canonicalJson', () => {
  it('writes the example of RFC 8785', () => {
    const value = {
      numbers: [333333333.33333329, 1e30, 4.5, 2e-3, 0.000000000000000000000000001],
      string: '\u20ac$\u000F\u000aA\'\u0042\u0022\u005c\\"\/',
      literals: [null, true, false],
    };
    expect(canonicalJson(value)).toBe(
      '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}',
    );
  });

  it('sorts keys by UTF-16 unit, as RFC 8785 shows', () => {
    const value = {
      '\u20ac': 'Euro',
      '\r': 'CR',
      '\ufb33': 'Dalet',
      '1': 'One',
      '\ud83d\ude00': 'Smile',
      '\u0080': 'Control',
      '\u00f6': 'O',
    };
    expect(sortedKeys(value)).toEqual(['\r', '1', '\u0080', '\u00f6', '\u20ac', '\ud83d\ude00', '\ufb33']);
    expect(Object.values(JSON.parse(canonicalJson(value)) as object)).toHaveLength(7);
  });

  it.each([
    [-0, '0'],
    [5e-324, '5e-324'],
    [1.7976931348623157e308, '1.7976931348623157e+308'],
    [9007199254740992, '9007199254740992'],
    [295147905179352830000, '295147905179352830000'],
    [1e23, '1e+23'],
    [1e21, '1e+21'],
    [0.000001, '0.000001'],
    [1e-7, '1e-7'],
  ])('writes the number %p of RFC 8785', (number, text) => {
    expect(canonicalJson(number)).toBe(text);
  });

  it('escapes what JSON.stringify escapes, and nothing else', () => {
    const units = Array.from({ length: 0x10000 }, (_, unit) => `a${String.fromCharCode(unit)}`);
    expect(units.filter((text) => canonicalJson(text) !== JSON.stringify(text))).toEqual([]);
  });

  it('leaves out undefined as JSON.stringify does', () => {
    expect(canonicalJson({ a: undefined, b: [undefined] })).toBe('{"b":[null]}');
  });

  it('keeps the value and does not depend on the order of keys', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const text = canonicalJson(value);
        expect(JSON.stringify(JSON.parse(text))).toHaveLength(text.length);
        const reversed: unknown = JSON.parse(JSON.stringify(value), (_key, part: unknown) =>
          typeof part === 'object' && part !== null && !Array.isArray(part)
            ? Object.fromEntries(Object.entries(part).reverse())
            : part,
        );
        expect(canonicalJson(reversed)).toBe(text);
      }),
    );
  });
});

describe('json values', () => {
  it('compares by unit', () => {
    expect([compareUtf16('a', 'b'), compareUtf16('b', 'a'), compareUtf16('a', 'a')]).toEqual([-1, 1, 0]);
  });

  it('knows objects', () => {
    expect([{}, [], null, 'a', undefined].map((value) => isJsonObject(value))).toEqual([
      true,
      false,
      false,
      false,
      false,
    ]);
  });
});
