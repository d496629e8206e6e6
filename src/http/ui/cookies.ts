import { randomBytes } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { z } from 'zod';
import { isZone } from '../../ui/format.js';
import { MOST_NAME, MOST_VIEWS, type SavedView } from '../../ui/parts/saved-views.js';
import { VIEWS, type View } from '../../ui/shell/navigation.js';

/** Lists whose filters can have names. Each has a cookie of its own, which is sent to that list alone. */
export const SAVED_LISTS = ['runs', 'events', 'audit', 'artifacts'] as const;
export type SavedList = (typeof SAVED_LISTS)[number];

/** What a browser remembers for the screens. Nothing in it gives any right. */
export interface Preferences {
  view: View;
  /** Absent: as the browser is set. */
  theme: 'light' | 'dark' | undefined;
  /** IANA name; the server's own when the browser did not say. */
  zone: string;
  /** Width of the run map in pixels. */
  mapWidth: 880 | 1088 | 1400;
  /** Whether keys without Ctrl do something. */
  areKeysOn: boolean;
  /** Filters with names, of the list that is asked for. */
  savedViews: Partial<Record<SavedList, readonly SavedView[]>>;
  csrf: string | undefined;
}

const CSRF = /^[\w-]{22}$/;
const serverZone = Intl.DateTimeFormat().resolvedOptions().timeZone;

function cookiesOf(headers: IncomingHttpHeaders): Map<string, string> {
  const pairs = (headers.cookie ?? '').split(';').flatMap((pair) => {
    const at = pair.indexOf('=');
    return at < 0 ? [] : [[pair.slice(0, at).trim(), pair.slice(at + 1).trim()] as const];
  });
  return new Map(pairs);
}

function decoded(value: string | undefined): string {
  try {
    return decodeURIComponent(value ?? '');
  } catch {
    return '';
  }
}

const keptViews = z
  .array(z.tuple([z.string().min(1).max(MOST_NAME), z.string().min(1).max(300)]))
  .max(MOST_VIEWS)
  .catch([]);

function savedViewsOf(text: string | undefined): SavedView[] {
  let value: unknown;
  try {
    value = JSON.parse(decoded(text));
  } catch {
    return [];
  }
  return keptViews.parse(value).map(([name, q]) => ({ name, q }));
}

/** Reads the preferences; what is none of ours is left out. */
export function preferencesOf(headers: IncomingHttpHeaders): Preferences {
  const cookies = cookiesOf(headers);
  const theme = cookies.get('xyn_theme');
  const zone = decoded(cookies.get('xyn_zone'));
  const csrf = cookies.get('xyn_csrf');
  const width = cookies.get('xyn_width');
  return {
    view: VIEWS.find((view) => view === cookies.get('xyn_view')) ?? 'operator',
    theme: theme === 'light' || theme === 'dark' ? theme : undefined,
    zone: isZone(zone) ? zone : serverZone,
    mapWidth: width === '880' ? 880 : width === '1400' ? 1400 : 1088,
    savedViews: Object.fromEntries(
      SAVED_LISTS.flatMap((list) => {
        const kept = cookies.get(`xyn_views_${list}`);
        return kept === undefined ? [] : [[list, savedViewsOf(kept)]];
      }),
    ),
    areKeysOn: cookies.get('xyn_keys') !== 'off',
    csrf: csrf !== undefined && CSRF.test(csrf) ? csrf : undefined,
  };
}

/** A new token for forms: 128 bits by chance. */
export function newCsrf(): string {
  return randomBytes(16).toString('base64url');
}

/** A cookie of the screens. @param options `path`: the pages that it is sent to, default all of ours. */
export function cookie(name: string, value: string, { path = '/ui' }: { path?: string } = {}): string {
  return `${name}=${value}; Path=${path}; Max-Age=31536000; SameSite=Strict; HttpOnly`;
}
