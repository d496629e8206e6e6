import type { Json } from '../../domain/json.js';
import { html, type Html } from '../html.js';
import { visibleText } from './hidden-characters.js';

/** Longer values are folded: a page is read, not scrolled through. */
const MOST_CHARACTERS = 4_000;

/** Characters of a list or a map that stands on one line. */
export const MOST_INLINE = 72;

/** A value as people read it: text as it is, anything nested as indented JSON; hidden characters as chips. */
export function jsonValue(value: Json): Html {
  if (typeof value === 'string' && !value.includes('\n')) return html`<code class="wrap">${shown(value)}</code>`;
  if (value === null || typeof value !== 'object') return html`<code>${shown(String(value))}</code>`;
  const inline = JSON.stringify(value);
  if (inline.length <= MOST_INLINE) return html`<code class="wrap">${shown(inline)}</code>`;
  return html`<pre class="json">${shown(JSON.stringify(value, null, 2))}</pre>`;
}

function shown(text: string): Html {
  if (text.length <= MOST_CHARACTERS) return visibleText(text);
  return html`${visibleText(text.slice(0, MOST_CHARACTERS))}<span class="meta">
      … ${text.length - MOST_CHARACTERS} more characters</span
    >`;
}
