import { html, href, type Part } from '../html.js';
import type { Parts } from './parts.js';

/** A filter that somebody gave a name. */
export interface SavedView {
  name: string;
  q: string;
}

/** The views of a list, and the filter that could become one. */
export interface SavedViewsView {
  /** Of the list. */
  path: string;
  q: string;
  /** Whether every word of the filter says something: only then it is worth keeping. */
  isRead: boolean;
  views: readonly SavedView[];
  csrf: string;
}

/** What one browser keeps of each list. */
export const MOST_VIEWS = 8;
export const MOST_NAME = 40;

function forget({ path, csrf }: SavedViewsView, { name }: SavedView, ui: Parts): Part {
  return html`<form method="post" action="${path}/views" class="inline">
    <input type="hidden" name="_csrf" value="${csrf}" /><input type="hidden" name="forget" value="${name}" />
    <button class="button small plain" data-testid="forget-view">Forget “${ui.text(name)}”</button>
  </form>`;
}

function keep({ path, q, csrf, views }: SavedViewsView): Part {
  if (views.length >= MOST_VIEWS) {
    return html`<span class="meta">${MOST_VIEWS} views are the most; open one to forget it.</span>`;
  }
  return html`<details data-testid="save-view">
    <summary class="soft">Save this view</summary>
    <form method="post" action="${path}/views" class="row tight">
      <input type="hidden" name="_csrf" value="${csrf}" /><input type="hidden" name="q" value="${q}" />
      <label class="row tight"
        ><span class="meta">Name</span
        ><input class="input" name="name" required maxlength="${MOST_NAME}" autocomplete="off"
      /></label>
      <button class="button small">Save</button>
    </form>
  </details>`;
}

/** A line with the saved views of a list; nothing where there is none and nothing to save. Stands in what a filter renews. */
export function savedViews(view: SavedViewsView, ui: Parts): Part {
  const { path, q, views, isRead } = view;
  const text = q.trim();
  if (views.length === 0 && (text === '' || !isRead)) return '';
  const current = views.find((one) => one.q === text);
  const chips = views.map(
    (one) =>
      html`<a class="chip" href="${href(path, { q: one.q })}" ${one === current ? html`aria-current="true"` : ''}
        >${ui.text(one.name)}</a
      >`,
  );
  const action =
    current === undefined ? (text === '' || !isRead ? '' : keep({ ...view, q: text })) : forget(view, current, ui);
  return html`<div class="body row wrapping views" data-testid="saved-views">
    ${chips.length === 0 ? '' : html`<span class="meta">Views</span>`}${chips}${action}
  </div>`;
}
