import type { Json } from '../../domain/json.js';
import { html, join, type Html } from '../html.js';
import { HIDDEN_CHARACTERS, visibleText } from '../parts/hidden-characters.js';

/** Lines beyond this are not shown in place; the API has them all. */
const MOST_LINES = 400;
const MOST_IN_LINE = 2_000;

/** An event as JSON with line numbers, keys set apart, and hidden characters as chips. */
export function eventCode(value: Json): { code: Html; hidden: number } {
  const lines = JSON.stringify(value, null, 2).split('\n');
  const shown = lines.slice(0, MOST_LINES).map((line) => {
    const text = line.length > MOST_IN_LINE ? `${line.slice(0, MOST_IN_LINE)}…` : line;
    const [, indent = '', key, rest = ''] = /^(\s*)("(?:[^"\\]|\\.)*")?(.*)$/s.exec(text) ?? [];
    const isKey = key !== undefined && rest.startsWith(':');
    const named = key === undefined ? '' : isKey ? html`<b>${visibleText(key)}</b>` : visibleText(key);
    return html`<li>${indent}${named}${visibleText(rest)}</li>`;
  });
  const more = lines.length - shown.length;
  const rest = more > 0 ? html`<li class="meta">… ${more} more lines; the API has them.</li>` : '';
  const hidden = JSON.stringify(value).match(new RegExp(HIDDEN_CHARACTERS.source, 'gu'))?.length ?? 0;
  return {
    code: html`<ol class="code">
      ${join(shown)}${rest}
    </ol>`,
    hidden,
  };
}
