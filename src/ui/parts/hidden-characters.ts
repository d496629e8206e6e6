import { html, join, type Html } from '../html.js';

/**
 * Characters that a reader cannot see, or that change how what follows is read: controls, soft hyphen, Arabic letter mark,
 * zero-width, bidirectional, invisible operators, spaces other than the plain one, byte order mark, tags, variation
 * selectors beyond the common ones, and lone halves of characters.
 */
export const HIDDEN_CHARACTERS =
  /[\u0000-\u0008\u000b-\u001f\u007f-\u00a0\u00ad\u034f\u061c\u115f\u1160\u1680\u17b4\u17b5\u180b-\u180e\u2000-\u200f\u2028-\u202f\u205f-\u206f\u3000\u3164\ufe00-\ufe0e\ufeff\uffa0\ufff9-\ufffb\u{e0000}-\u{e0fff}]|[\ud800-\udfff]/u;

const NAMES: Readonly<Record<number, string>> = {
  0x00: 'null',
  0x08: 'backspace',
  0x0d: 'carriage return',
  0x1b: 'escape',
  0x7f: 'delete',
  0xa0: 'no-break space',
  0xad: 'soft hyphen',
  0x200b: 'zero-width space',
  0x200c: 'zero-width non-joiner',
  0x200d: 'zero-width joiner',
  0x200e: 'left-to-right mark',
  0x200f: 'right-to-left mark',
  0x2028: 'line separator',
  0x2029: 'paragraph separator',
  0x202a: 'left-to-right embedding',
  0x202b: 'right-to-left embedding',
  0x202c: 'end of embedding',
  0x202d: 'left-to-right override',
  0x202e: 'right-to-left override',
  0x2060: 'word joiner',
  0x2066: 'left-to-right isolate',
  0x2067: 'right-to-left isolate',
  0x2068: 'first strong isolate',
  0x2069: 'end of isolate',
  0xfeff: 'byte order mark',
};

function nameOf(code: number): string {
  const known = NAMES[code];
  if (known !== undefined) return known;
  if (code < 0x20 || (code > 0x7f && code < 0xa0)) return 'control character';
  if (code >= 0xe0000) return 'tag character';
  return code >= 0xd800 && code <= 0xdfff ? 'half a character' : 'invisible character';
}

/** `U+202E` and `right-to-left override`. */
function wordsOf(character: string): { point: string; name: string } {
  const code = character.codePointAt(0) ?? 0;
  return { point: `U+${code.toString(16).toUpperCase().padStart(4, '0')}`, name: nameOf(code) };
}

function chip(character: string): Html {
  const { point, name } = wordsOf(character);
  return html`<span class="hidden-char" title="${`${point} ${name}`}">${point}</span>`;
}

/** Text as it is, with a chip in place of every character that could hide or reorder something. */
export function visibleText(text: string): Html {
  if (!HIDDEN_CHARACTERS.test(text)) return html`${text}`;
  // Split at each hidden character, keeping it.
  const pieces = text.split(new RegExp(`(${HIDDEN_CHARACTERS.source})`, 'u'));
  return join(pieces.map((piece, index) => (index % 2 === 1 ? chip(piece) : piece)));
}

/** The first hidden characters of a text, with their places (from 1) and names. */
export function hiddenCharacters(text: string, most: number): { line: number; column: number; name: string }[] {
  const found: { line: number; column: number; name: string }[] = [];
  for (const [at, line] of text.split('\n').entries()) {
    if (!HIDDEN_CHARACTERS.test(line)) continue;
    for (const { 0: character, index } of line.matchAll(new RegExp(HIDDEN_CHARACTERS.source, 'gu'))) {
      if (found.length === most) return found;
      const { point, name } = wordsOf(character);
      found.push({ line: at + 1, column: index + 1, name: `${point} ${name}` });
    }
  }
  return found;
}
