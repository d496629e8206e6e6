import { html, join, type Html } from '../html.js';
import { visibleText } from '../parts/hidden-characters.js';

/** More lines are not drawn; the API has the whole text. */
const MOST_LINES = 2_000;
const MOST_IN_LINE = 1_000;

/** Where a comment begins in a line: a `#` at its start or after a space, outside of quotes. */
function commentAt(line: string): number {
  for (const { index } of line.matchAll(/(?:^|\s)#/g)) {
    const before = line.slice(0, index);
    const isOpen = (quote: string): boolean => before.split(quote).length % 2 === 0;
    if (!isOpen('"') && !isOpen("'")) return index;
  }
  return line.length;
}

/** Expressions get a box. */
function withExpressions(text: string): Html {
  const pieces = text.split(/(\{\{.*?\}\})/);
  return join(pieces.map((piece, at) => (at % 2 === 1 ? html`<mark>${visibleText(piece)}</mark>` : visibleText(piece))));
}

function codeLine(line: string): Html {
  const text = line.length > MOST_IN_LINE ? `${line.slice(0, MOST_IN_LINE)}…` : line;
  const end = commentAt(text);
  const [, indent = '', key, rest = ''] = /^(\s*(?:- +)*)([\w.$-]+(?=:(?:\s|$)))?(.*)$/s.exec(text.slice(0, end)) ?? [];
  const comment = end < text.length ? html`<i>${visibleText(text.slice(end))}</i>` : '';
  return html`${indent}${key === undefined ? '' : html`<b>${visibleText(key)}</b>`}${withExpressions(rest)}${comment}`;
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
