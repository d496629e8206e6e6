/** A problem that knows its offset, not yet its line. */
export interface Finding {
  code: string;
  path: string;
  offset: number;
  message: string;
  suggestion?: string;
}

/** Lines longer than this are not repeated in a suggestion. */
const MAX_LINE = 500;

/** The line of `start` as it should be: with quotes around the value that begins there. */
export function quotedLine(text: string, start: number): string {
  const lineStart = text.lastIndexOf('\n', start - 1) + 1;
  const lineEnd = text.indexOf('\n', start);
  const before = text.slice(lineStart, start);
  const rest = text.slice(start, lineEnd === -1 ? text.length : lineEnd).trimEnd();
  if (before.length + rest.length > MAX_LINE) return 'put the text in quotes';
  const value = rest.slice(0, valueLength(rest, /[[{]/.test(before)));
  const quoted = /["\\]/.test(value) ? `'${value.replaceAll("'", "''")}'` : `"${value}"`;
  return (before + quoted + rest.slice(value.length)).trim();
}

/** How much of a line's rest is the value: up to a comment, and in flow style up to what closes it. */
function valueLength(rest: string, inFlow: boolean): number {
  const comment = / +#/.exec(rest)?.index ?? rest.length;
  if (!inFlow) return comment;
  if (rest.startsWith('{{')) {
    const close = rest.indexOf('}}');
    return close === -1 ? comment : close + 2;
  }
  const close = rest.search(/ *[,\]}]/);
  return close === -1 ? comment : Math.min(close, comment);
}
