import { Lexer } from 'yaml';

/** Levels of maps and lists in a document (language §9). */
export const MAX_DEPTH = 64;
/** Maps, lists, scalars and keys in a document (language §9). */
export const MAX_NODES = 20_000;
/** Marks after which the scan ends: each is an error, and nobody reads more of them. */
export const MAX_MARKS = 50;
/** Indicators, quotes and texts that one node may need: `[`, `]` and `,`. */
const TOKENS_PER_NODE = 3;
/**
 * Levels of block style at which the scan gives up. Continued lines of a plain text look like levels to it, so it is
 * above the limit, which the walk keeps exactly; the library's parser stands several hundred levels.
 */
const MAX_SCANNED_LEVELS = 2 * MAX_DEPTH;

/** A token of YAML that a blueprint may not have, at an offset of the text. */
export interface Mark {
  kind: 'tag' | 'anchor' | 'alias' | 'directive';
  offset: number;
  source: string;
}

/** What the scan found: a limit that the document breaks at an offset, and the marks in the order of the text. */
export interface Prescan {
  refusal?: { code: 'yaml_depth' | 'yaml_too_many_nodes'; offset: number };
  marks: Mark[];
  /** What the library's lexer gives for the text, so that its parser need not read it again; not whole beside a refusal. */
  lexemes: string[];
}

const MARKS: Record<string, Mark['kind']> = { '!': 'tag', '&': 'anchor', '*': 'alias', '%': 'directive' };
const DOCUMENT_START = '\u0002';
const FLOW_END = '\u0018';
const SCALAR = '\u001f';
/** First characters of white space, line ends and comments, which stand at no level. */
const FILLERS = new Set([' ', '\t', '\n', '\r', '#']);

/** Levels of nesting at one point of the token stream. */
class Levels {
  /** Open `[` and `{`. */
  flow = 0;
  /** Columns of the block levels that are open. */
  private readonly columns: number[] = [];
  /** Where the level above the limit opened. */
  private deepOffset = 0;

  private lineStart = 0;
  /** Only white space and indicators stand before in this line. */
  private leading = true;
  /** Where the last key or value of this line began. */
  private keyOffset: number | undefined;

  newLine(offset: number): void {
    this.lineStart = offset;
    this.leading = true;
    this.keyOffset = undefined;
  }

  /** Takes in a token by its first character. */
  take(first: string, isContent: boolean, offset: number): void {
    if (this.flow === 0 && (isContent || !FILLERS.has(first))) this.takeBlock(isContent ? '' : first, offset);
    if (isContent) return;
    if (first === '[' || first === '{') this.flow += 1;
    else if (first === ']' || first === '}') this.flow = Math.max(0, this.flow - 1);
  }

  private takeBlock(indicator: string, offset: number): void {
    if (indicator === '-' || indicator === '?') this.openBlock(offset);
    else if (indicator === ':') {
      // A map in one line with its key's map (`a: b: c`) is an error to the parser, but only after it went down.
      this.openBlock(this.keyOffset ?? offset);
      this.keyOffset = undefined;
    } else {
      if (this.leading) this.openBlock(offset);
      this.leading = false;
      this.keyOffset ??= offset;
    }
  }

  /** Something of block style begins here: deeper levels are closed, and this one is open. */
  private openBlock(offset: number): void {
    const column = offset - this.lineStart;
    while (this.columns.length > 0 && (this.columns.at(-1) as number) > column) this.columns.pop();
    if (this.columns.at(-1) === column) return;
    this.columns.push(column);
    if (this.columns.length === MAX_DEPTH + 1) this.deepOffset = offset;
  }

  /** Offset of the first level too many; undefined as long as the nesting is bearable. */
  refusal(offset: number): number | undefined {
    if (this.flow > MAX_DEPTH) return offset;
    return this.columns.length > MAX_SCANNED_LEVELS ? this.deepOffset : undefined;
  }
}

/**
 * Refuses what the library's recursive parser may not see, in linear time: it works on the library's own tokens, so
 * that both agree on what is a comment, a quoted text or a block scalar. The count of nodes here is a lower bound.
 */
export function prescan(text: string): Prescan {
  const marks: Mark[] = [];
  const lexemes: string[] = [];
  const levels = new Levels();
  let offset = 0;
  let nodes = 0;
  let tokens = 0;
  let scalarNext = false;
  for (const token of new Lexer().lex(text)) {
    lexemes.push(token);
    if (token === SCALAR || token === DOCUMENT_START || token === FLOW_END) {
      if (token === FLOW_END) levels.flow = 0;
      scalarNext = token === SCALAR;
      continue;
    }
    const first = token[0] ?? '';
    const isContent = scalarNext || first === '"' || first === "'";
    scalarNext = false;
    if (isContent || first === '[' || first === '{') nodes += 1;
    if (isContent || !FILLERS.has(first)) tokens += 1;
    const mark = isContent ? undefined : MARKS[first];
    if (mark !== undefined) marks.push({ kind: mark, offset, source: token });
    levels.take(first, isContent, offset);
    const deep = levels.refusal(offset);
    if (deep !== undefined) return { refusal: { code: 'yaml_depth', offset: deep }, marks, lexemes };
    if (marks.length > MAX_MARKS) return { marks, lexemes };
    if (nodes > MAX_NODES || tokens > TOKENS_PER_NODE * MAX_NODES) {
      return { refusal: { code: 'yaml_too_many_nodes', offset }, marks, lexemes };
    }
    const lineEnd = token.lastIndexOf('\n');
    if (lineEnd !== -1) levels.newLine(offset + lineEnd + 1);
    offset += token.length;
  }
  return { marks, lexemes };
}
