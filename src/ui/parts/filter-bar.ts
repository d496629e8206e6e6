import { html, href, type Html, type Part } from '../html.js';
import type { Status } from '../status.js';
import type { Empty, Parts } from './parts.js';

/** A filter that is asked for often, as a link. */
export interface FilterChip {
  label: string;
  href: string;
  isCurrent: boolean;
  /** How many there are; counts end at 10 000. */
  n?: number;
  look?: Status;
}

export interface FilterBar {
  /** Of the page. */
  path: string;
  /** What is filtered, in small letters: `runs`. */
  what: string;
  /** Id of the section that is renewed while somebody types. */
  section: string;
  /** Id of the field. */
  field: string;
  q: string;
  /** What the filter knows, shown while it is empty. */
  keys: string;
  chips: readonly FilterChip[];
}

function chip({ label, href: to, isCurrent, n, look }: FilterChip, ui: Parts): Html {
  const mark = look === undefined ? '' : ui.glyph(look.glyph, look.tone);
  const shown = n === undefined ? '' : html` <span class="n">${ui.format.cappedCount(n)}</span>`;
  return html`<a class="chip" href="${to}" ${isCurrent ? html`aria-current="true"` : ''}>${mark}${label}${shown}</a>`;
}

/** One line of terms and the chips beside it; all of it is the address. */
export function filterBar({ path, what, section, field, q, keys, chips }: FilterBar, ui: Parts): Html {
  return html`<form
    class="filters"
    role="search"
    method="get"
    action="${path}"
    data-testid="filter-bar"
    hx-get="${path}"
    hx-trigger="submit, input changed delay:300ms from:#${field}"
    hx-target="#${section}"
    hx-select="#${section}"
    hx-swap="outerHTML"
    hx-push-url="true"
  >
    <label class="query"
      >${ui.icon('search', true)}<span class="sr">Filter ${what}</span
      ><input
        id="${field}"
        name="q"
        value="${q}"
        maxlength="300"
        spellcheck="false"
        autocomplete="off"
        placeholder="${keys}"
        list="${field}-words"
    /></label>
    ${chips.map((one) => chip(one, ui))}
    <noscript><button class="button">Filter</button></noscript>
  </form>`;
}

/** Says which word of the filter is none; nothing where all are. */
export function filterProblem({ problem, keys }: { problem: string | null; keys: string }, ui: Parts): Part {
  if (problem === null) return '';
  const text = html`“${ui.text(problem)}” is no term of this filter. Terms: ${keys}`;
  return html`<div class="body">${ui.note('info', 'mute', text)}</div>`;
}

/** A page of a list without rows: because there is nothing yet, or because of the filter. */
export function nothingListed({ q, path, first }: { q: string; path: string; first: Empty }, ui: Parts): Html {
  if (q === '') return ui.empty(first);
  const clear = { label: 'Clear the filter', href: href(path) };
  return ui.empty({ testId: 'empty-filter', title: 'Nothing matches.', text: ui.code(q), actions: [clear] });
}
