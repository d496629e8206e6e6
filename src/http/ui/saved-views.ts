import { z } from 'zod';
import { XynFault } from '../../domain/fault.js';
import { href } from '../../ui/html.js';
import { MOST_NAME, MOST_VIEWS, type SavedView } from '../../ui/parts/saved-views.js';
import { cookie, SAVED_LISTS, type SavedList } from './cookies.js';
import { form } from './page.js';

/** Of the cookie as it is sent; browsers keep 4 096 bytes of one. */
const MOST_BYTES = 3_000;

const body = z.union([
  z.strictObject({ name: z.string().trim().min(1).max(MOST_NAME), q: z.string().trim().min(1).max(300) }),
  z.strictObject({ forget: z.string().max(MOST_NAME) }),
]);

/** The views as the browser keeps them. @throws XynFault `limit_range` when they are more than it would keep. */
function viewsCookie(list: SavedList, views: readonly SavedView[]): string {
  const value = encodeURIComponent(JSON.stringify(views.map(({ name, q }) => [name, q])));
  if (views.length > MOST_VIEWS || value.length > MOST_BYTES) {
    throw new XynFault('limit_range', 'A browser keeps no more views of this list; forget one, or shorten the filter.');
  }
  return cookie(`xyn_views_${list}`, value, { path: `/ui/${list}` });
}

function viewsForm(list: SavedList) {
  return form({
    path: `/${list}/views`,
    isBelow: true,
    privilege: 'open',
    body,
    handle: ({ body: sent, preferences }) => {
      const name = 'forget' in sent ? sent.forget : sent.name;
      const others = (preferences.savedViews[list] ?? []).filter((view) => view.name !== name);
      const views = 'forget' in sent ? others : [...others, sent];
      const location = href(`/ui/${list}`, { q: 'forget' in sent ? null : sent.q });
      return Promise.resolve({ location, cookies: [viewsCookie(list, views)] });
    },
  });
}

/** Names for filters, kept in the browser; the same name again replaces what it stood for. */
export const savedViewForms = SAVED_LISTS.map(viewsForm);
