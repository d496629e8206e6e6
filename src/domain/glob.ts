const STAR = 0x2a;
const QUESTION = 0x3f;
const WORD_BITS = 32;

/** A text as the numbers of its code points. */
function codePointsOf(text: string): number[] {
  return Array.from(text, (char) => char.codePointAt(0) as number);
}

/** Whether `segment` (without stars) matches exactly at `at`. */
function matchesAt(text: readonly number[], at: number, segment: readonly number[]): boolean {
  return segment.every((point, ix) => point === QUESTION || point === text[at + ix]);
}

/** For every code point of a segment the positions where it may stand, as a bit set. `?` stands everywhere. */
function positionSets(segment: readonly number[], words: number): { of: Map<number, Uint32Array>; any: Uint32Array } {
  const any = new Uint32Array(words);
  segment.forEach((point, ix) => {
    if (point === QUESTION) any[ix >>> 5] = (any[ix >>> 5] as number) | (1 << (ix & 31));
  });
  const of = new Map<number, Uint32Array>();
  segment.forEach((point, ix) => {
    const set = of.get(point) ?? any.slice();
    set[ix >>> 5] = (set[ix >>> 5] as number) | (1 << (ix & 31));
    of.set(point, set);
  });
  return { of, any };
}

/**
 * Where the first match of a segment at or after `from` ends, or -1 when none ends by `limit`. Shift-And: every prefix of
 * the segment that matches up to here is one bit, so a character costs one operation per 32 of the segment, and no input
 * makes it go back.
 */
function endOfFirst(text: readonly number[], from: number, limit: number, segment: readonly number[]): number {
  const words = Math.ceil(segment.length / WORD_BITS);
  const sets = positionSets(segment, words);
  const prefixes = new Uint32Array(words);
  const last = segment.length - 1;
  for (let at = from; at < limit; at += 1) {
    const set = sets.of.get(text[at] as number) ?? sets.any;
    let carry = 1;
    for (let word = 0; word < words; word += 1) {
      const held = prefixes[word] as number;
      prefixes[word] = ((held << 1) | carry) & (set[word] as number);
      carry = held >>> 31;
    }
    if (((prefixes[last >>> 5] as number) >>> (last & 31)) & 1) return at + 1;
  }
  return -1;
}

/** Splits a pattern at its stars. */
function segmentsOf(pattern: readonly number[]): number[][] {
  const segments: number[][] = [[]];
  for (const point of pattern) {
    if (point === STAR) segments.push([]);
    else (segments.at(-1) as number[]).push(point);
  }
  return segments;
}

/**
 * Whether a pattern fits the whole text: `*` is any text (also empty, also with `/`), `?` one code point, nothing else is
 * special. Takes text × ⌈pattern / 32⌉ operations at most; `globWork` says how many.
 */
export function globMatches(text: string, pattern: string): boolean {
  const points = codePointsOf(text);
  const segments = segmentsOf(codePointsOf(pattern));
  const first = segments.shift() as number[];
  const last = segments.pop();
  if (last === undefined) return points.length === first.length && matchesAt(points, 0, first);
  const limit = points.length - last.length;
  if (first.length > limit || !matchesAt(points, 0, first) || !matchesAt(points, limit, last)) return false;
  let at = first.length;
  for (const segment of segments) {
    if (segment.length === 0) continue;
    // Refused before the sets are built: they are as large as the segment, times its different characters.
    at = segment.length > limit - at ? -1 : endOfFirst(points, at, limit, segment);
    if (at === -1) return false;
  }
  return true;
}

/** Upper bound of the operations that `globMatches` takes for texts of these lengths. */
export function globWork(text: string, pattern: string): number {
  return text.length * (1 + Math.ceil(pattern.length / WORD_BITS)) + pattern.length;
}
