import { charge, chargeText, type Cost } from './cost.js';
import { expressionError } from './evaluation-error.js';

const SURROGATE = /[\ud800-\udfff]/;
/** Unicode's White_Space. */
const WHITE_SPACE = /[\t-\r \u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]/;

/** Number of code points. */
export function textSize(text: string, cost: Cost): number {
  chargeText(cost, text.length);
  if (!SURROGATE.test(text)) return text.length;
  let count = 0;
  for (const _ of text) count += 1;
  return count;
}

/** Bytes of the text in UTF-8; a lone surrogate counts as its replacement. */
export function utf8Length(text: string): number {
  let bytes = text.length;
  for (let ix = 0; ix < text.length; ix += 1) {
    const unit = text.charCodeAt(ix);
    if (unit < 0x80) continue;
    // A pair is four bytes in two units, so each half adds one.
    const paired = unit >= 0xd800 && unit < 0xe000 && (text.codePointAt(ix) as number) > 0xffff;
    if (paired) ix += 1;
    bytes += unit < 0x800 ? 1 : 2;
  }
  return bytes;
}

/** The code points from `start` up to `end`. Throws `index_range` when they are not inside the text. */
export function substring(text: string, start: number, end: number | undefined, cost: Cost): string {
  chargeText(cost, text.length);
  const points = SURROGATE.test(text) ? Array.from(text) : text;
  const to = end ?? points.length;
  if (start < 0 || start > to || to > points.length)
    throw expressionError('index_range', 'substring is outside the text');
  return typeof points === 'string' ? points.slice(start, to) : points.slice(start, to).join('');
}

/** Cuts white space off both ends, without going over any character twice. */
export function trim(text: string, cost: Cost): string {
  chargeText(cost, text.length);
  let from = 0;
  let to = text.length;
  while (from < to && WHITE_SPACE.test(text.charAt(from))) from += 1;
  while (to > from && WHITE_SPACE.test(text.charAt(to - 1))) to -= 1;
  return text.slice(from, to);
}

/** ASCII letters only, so that no table of another Unicode version can change a run. */
export function lowerAscii(text: string, cost: Cost): string {
  chargeText(cost, text.length);
  return text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
}

/** ASCII letters only. */
export function upperAscii(text: string, cost: Cost): string {
  chargeText(cost, text.length);
  return text.replace(/[a-z]+/g, (letters) => letters.toUpperCase());
}

/** All pieces; an empty separator gives the code points. */
function pieces(text: string, separator: string, cost: Cost): string[] {
  chargeText(cost, text.length);
  const all = separator === '' ? Array.from(text) : text.split(separator);
  charge(cost, all.length);
  return all;
}

/** Splits into at most `limit` pieces, the last with the rest; a negative limit is none. */
export function split(text: string, separator: string, limit: number, cost: Cost): string[] {
  if (limit === 0) return [];
  const all = pieces(text, separator, cost);
  if (limit < 0 || all.length <= limit) return all;
  return [...all.slice(0, limit - 1), all.slice(limit - 1).join(separator)];
}

/** Joins texts; the length is charged before anything is built. */
export function join(items: readonly string[], separator: string, cost: Cost): string {
  charge(cost, items.length);
  const length = items.reduce((sum, item) => sum + item.length + separator.length, 0);
  chargeText(cost, length);
  return items.join(separator);
}

/** Replaces the first `limit` occurrences, all with a negative limit; an empty `from` stands before every code point and at the end. */
export function replace(text: string, from: string, to: string, limit: number, cost: Cost): string {
  const parts = pieces(text, from, cost);
  const all = from === '' ? ['', ...parts, ''] : parts;
  if (limit < 0) return join(all, to, cost);
  const replaced = join(all.slice(0, limit + 1), to, cost);
  return join([replaced, ...all.slice(limit + 1)], from, cost);
}
