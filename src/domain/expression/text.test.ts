import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { join, lowerAscii, replace, split, substring, textSize, trim, upperAscii, utf8Length } from './text.js';

const cost = (): { left: number } => ({ left: 100_000 });
const texts = fc.string({ unit: fc.constantFrom('a', 'B', ' ', 'ü', '€', '😀', '\ud800', '\udc00'), maxLength: 20 });

describe('text functions', () => {
  it('count bytes as the platform does', () => {
    fc.assert(fc.property(texts, (text) => expect(utf8Length(text)).toBe(Buffer.byteLength(text))));
  });

  it('count and cut code points', () => {
    fc.assert(
      fc.property(texts, fc.nat(20), fc.nat(20), (text, a, b) => {
        const points = Array.from(text);
        expect(textSize(text, cost())).toBe(points.length);
        const [from, to] = [Math.min(a, b, points.length), Math.min(Math.max(a, b), points.length)];
        expect(substring(text, from, to, cost())).toBe(points.slice(from, to).join(''));
      }),
    );
  });

  it('change as the platform does where that is the same', () => {
    fc.assert(
      fc.property(texts, texts, texts, (text, from, to) => {
        expect(trim(text, cost())).toBe(text.trim());
        expect(replace(text, 'a', to, -1, cost())).toBe(text.replaceAll('a', () => to));
        expect(join(split(text, from, -1, cost()), from, cost())).toBe(text);
        expect(join(split(text, 'a', 2, cost()), 'a', cost())).toBe(text);
        expect(upperAscii(lowerAscii(text, cost()), cost())).toBe(text.replaceAll('a', 'A').replaceAll('b', 'B'));
      }),
    );
  });
});
