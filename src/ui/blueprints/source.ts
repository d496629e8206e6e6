import { codePieces, type CodeKind } from '../code-line.js';
import { html, join, type Html } from '../html.js';
import { visibleText } from '../parts/hidden-characters.js';

/** More lines are not drawn; the API has the whole text. */
const MOST_LINES = 2_000;
const MOST_IN_LINE = 1_000;

const MARKUP: Readonly<Record<CodeKind, (text: Html) => Html>> = {
  text: (text) => text,
  key: (text) => html`<b>${text}</b>`,
  expression: (text) => html`<mark>${text}</mark>`,
  comment: (text) => html`<i>${text}</i>`,
};

function codeLine(line: string): Html {
  const text = line.length > MOST_IN_LINE ? `${line.slice(0, MOST_IN_LINE)}…` : line;
  return join(codePieces(text).map((piece) => MARKUP[piece.kind](visibleText(piece.text))));
}

/** A document with line numbers in two inks: keys bold, comments grey, expressions boxed. Lines can be linked to. */
export function sourceCode(source: string, marked: ReadonlySet<number>): Html {
  const lines = source.replace(/\n$/, '').split('\n');
  const shown = lines.slice(0, MOST_LINES).map((line, at) => {
    const number = at + 1;
    return html`<li id="${`L${number}`}" class="${marked.has(number) ? 'marked' : ''}">${codeLine(line)}</li>`;
  });
  const more = lines.length - shown.length;
  return html`<ol class="code source" data-testid="source">
    ${join(shown)}${more > 0 ? html`<li class="meta">… ${more} more lines; the API has them.</li>` : ''}
  </ol>`;
}
