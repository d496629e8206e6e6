/** What a piece of a line of a document is. */
export type CodeKind = 'text' | 'key' | 'expression' | 'comment';

/** A piece of a line; all pieces one after another are the line. */
export interface CodePiece {
  kind: CodeKind;
  text: string;
}

/** Where a comment begins in a line: a `#` at its start or after a space, outside of quotes. */
function commentAt(line: string): number {
  for (const { index } of line.matchAll(/(?:^|\s)#/g)) {
    const before = line.slice(0, index);
    const isOpen = (quote: string): boolean => before.split(quote).length % 2 === 0;
    if (!isOpen('"') && !isOpen("'")) return index;
  }
  return line.length;
}

/** A line of YAML in pieces: its key, expressions, its comment. Looks at one line alone. */
export function codePieces(line: string): CodePiece[] {
  const end = commentAt(line);
  const [, indent = '', key = '', rest = ''] =
    /^(\s*(?:- +)*)([\w.$-]+(?=:(?:\s|$)))?(.*)$/s.exec(line.slice(0, end)) ?? [];
  const pieces: CodePiece[] = [
    { kind: 'text', text: indent },
    { kind: 'key', text: key },
    ...rest.split(/(\{\{.*?\}\})/).map((text, at): CodePiece => ({ kind: at % 2 === 1 ? 'expression' : 'text', text })),
    { kind: 'comment', text: line.slice(end) },
  ];
  return pieces.filter(({ text }) => text !== '');
}
