import { randomBytes } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { isZone } from '../../ui/format.js';
import { VIEWS, type View } from '../../ui/shell/navigation.js';

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
    areKeysOn: cookies.get('xyn_keys') !== 'off',
    csrf: csrf !== undefined && CSRF.test(csrf) ? csrf : undefined,
  };
}

/** A new token for forms: 128 bits by chance. */
export function newCsrf(): string {
  return randomBytes(16).toString('base64url');
}

/** A cookie of the screens; `script` says whether the page's own script may read it. */
export function cookie(name: string, value: string, script = false): string {
  return `${name}=${value}; Path=/ui; Max-Age=31536000; SameSite=Strict${script ? '' : '; HttpOnly'}`;
}
