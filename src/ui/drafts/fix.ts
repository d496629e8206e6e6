/** A word of the text that a suggestion can take the place of. Line and column from 1. */
export interface Fix {
  line: number;
  column: number;
  length: number;
  word: string;
}

const WORD = /^[A-Za-z_][\w.-]*/;
/** Suggestions that are a name, not advice. */
const NAME = /^[A-Za-z_][\w.-]{0,199}$/;

/**
 * What replaces what, when a problem names the word that stands at its place and suggests another name for it; null where
 * only a person can say what is meant.
 */
export function fixOf(
  text: string,
  { line, column, message, suggestion }: { line: number; column: number; message: string; suggestion?: string | null },
): Fix | null {
  if (suggestion == null || !NAME.test(suggestion)) return null;
  const rest = text.split('\n')[line - 1]?.slice(column - 1) ?? '';
  const whole = WORD.exec(rest)?.[0] ?? '';
  const named = [...message.matchAll(/`([^`]+)`/g)].map(([, name]) => name ?? '');
  // A reference is named whole or by the part that is wrong.
  const wrong = [whole, whole.split('.')[0] ?? ''].find((one) => one !== '' && named.includes(one));
  return wrong === undefined ? null : { line, column, length: wrong.length, word: suggestion };
}

/** A fix as the value of a button. */
export function fixText({ line, column, length, word }: Fix): string {
  return [line, column, length, word].join(':');
}

/** The text after a fix, as `fixText` wrote it; the text as it is when the place is not there. */
export function applyFix(text: string, fix: string): string {
  const [line = '', column = '', length = '', word = ''] = fix.split(':');
  const lines = text.split('\n');
  const old = lines[Number(line) - 1];
  if (old === undefined || !NAME.test(word)) return text;
  const at = Number(column) - 1;
  lines[Number(line) - 1] = old.slice(0, at) + word + old.slice(at + Number(length));
  return lines.join('\n');
}
