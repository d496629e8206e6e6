/** Finds where in a YAML text a character of a scalar's content was written. */

const isBlank = (char: string | undefined): boolean => char === ' ' || char === '\t';
const isSpace = (char: string | undefined): boolean => isBlank(char) || char === '\n' || char === '\r';

/**
 * The offset in `text` of the UTF-16 unit `wanted` of the content of the scalar that stands at `start`…`end`; at or past
 * the content's length it is the offset right behind the content (before a closing quote).
 */
export function offsetOfContent(text: string, start: number, end: number, wanted: number): number {
  const style = text[start];
  if (style === '|' || style === '>') return inBlock(text, start, end, wanted);
  const quote = style === '"' || style === "'" ? style : undefined;
  const stop = quote !== undefined && text[end - 1] === quote && end - 1 > start ? end - 1 : end;
  let at = quote === undefined ? start : start + 1;
  let left = wanted;
  while (at < stop) {
    const [units, length] = nextPiece(text, at, quote);
    // A piece of one unit each (white space before text) maps one to one; others are written as a whole.
    if (left < units) return units === length ? at + left : at;
    left -= units;
    at += length;
  }
  return stop;
}

/** How many units of content the text at `at` writes, and in how many characters. */
function nextPiece(text: string, at: number, quote: string | undefined): [units: number, length: number] {
  const char = text[at];
  if (isSpace(char)) return spacePiece(text, at);
  if (quote === "'" && char === "'") return [1, 2];
  if (quote === '"' && char === '\\') return escapePiece(text, at);
  return [1, 1];
}

/** White space in a line is itself; around line ends it folds: one end is a space, n are n−1 line ends. */
function spacePiece(text: string, at: number): [units: number, length: number] {
  let lines = 0;
  let next = at;
  for (; isSpace(text[next]); next += 1) if (text[next] === '\n') lines += 1;
  if (lines === 0) return [next - at, next - at];
  return [lines === 1 ? 1 : lines - 1, next - at];
}

const HEX_DIGITS: Record<string, number> = { x: 2, u: 4, U: 8 };

function escapePiece(text: string, at: number): [units: number, length: number] {
  const kind = text[at + 1] ?? '';
  const digits = HEX_DIGITS[kind];
  if (digits !== undefined) {
    const code = Number.parseInt(text.slice(at + 2, at + 2 + digits), 16);
    return [code > 0xffff ? 2 : 1, 2 + digits];
  }
  if (kind !== '\n' && kind !== '\r') return [1, 2];
  // An escaped line end writes nothing, and so does the indentation after it.
  let next = at + (kind === '\r' ? 3 : 2);
  while (isBlank(text[next])) next += 1;
  return [0, next - at];
}

/** One line of a block scalar: where its content starts and ends in the text. */
interface BlockLine {
  from: number;
  to: number;
}

function blockLines(text: string, start: number, end: number): BlockLine[] {
  const headerEnd = text.indexOf('\n', start);
  if (headerEnd === -1 || headerEnd >= end) return [];
  const lines: BlockLine[] = [];
  for (let from = headerEnd + 1; from < end;) {
    const lineEnd = text.indexOf('\n', from);
    const to = lineEnd === -1 || lineEnd > end ? end : lineEnd;
    lines.push({ from, to: text[to - 1] === '\r' ? to - 1 : to });
    from = to + 1;
  }
  const indent = blockIndent(text, lines);
  return lines.map(({ from, to }) => ({ from: Math.min(from + indent, to), to }));
}

/** The indentation is that of the first line that is not empty; an explicit one in the header is seldom another. */
function blockIndent(text: string, lines: BlockLine[]): number {
  for (const { from, to } of lines) {
    const line = text.slice(from, to);
    const spaces = line.length - line.replace(/^ +/, '').length;
    if (spaces < line.length) return spaces;
  }
  return 0;
}

function inBlock(text: string, start: number, end: number, wanted: number): number {
  const folded = text[start] === '>';
  const lines = blockLines(text, start, end);
  let left = wanted;
  for (const [index, line] of lines.entries()) {
    const length = line.to - line.from;
    if (left < length) return line.from + left;
    left -= length;
    const breaks = folded ? foldedBreaks(text, lines, index) : 1;
    if (left < breaks) return line.to;
    left -= breaks;
  }
  return end;
}

/** Units that the end of a folded block's line writes: none before empty lines that part two lines of text. */
function foldedBreaks(text: string, lines: BlockLine[], index: number): number {
  const isText = ({ from, to }: BlockLine): boolean => to > from && !isBlank(text[from]);
  const line = lines[index] as BlockLine;
  if (!isText(line) || lines[index + 1] === undefined) return 1;
  const next = lines.slice(index + 1).findIndex(({ from, to }) => to > from);
  if (next < 1) return 1;
  return isText(lines[index + 1 + next] as BlockLine) ? 0 : 1;
}
