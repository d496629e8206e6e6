import { asset } from '../assets.js';
import { count } from '../format.js';
import { html, type Html } from '../html.js';
import type { Fragment } from '../parts/fragment.js';
import { icon, Parts } from '../parts/parts.js';
import type { Clock } from '../format.js';
import { template, viewOf } from '../template.js';
import { navigation, type NavKey, type NavLink, type View } from './navigation.js';

/** What every page shows around its own content. */
export interface ShellFacts {
  clock: Clock;
  env: { name: string; stage: string };
  version: string;
  /** Who looks, by the name that records would bear. */
  actor: string;
  view: View;
  /** Absent: as the browser's owner set it. */
  theme: 'light' | 'dark' | undefined;
  areKeysOn: boolean;
  csrf: string;
  /** Path and query of this page. */
  here: string;
  counts: { gates: number; running: number };
  /** Things that need the viewer. */
  needs: number;
}

/** One page: what the shell needs to know, and its content. */
export interface PageContent {
  /** Differs from page to page; ` · Xyn` is added where it does not end so. */
  title: string;
  nav: NavKey | null;
  /** Links to what stands above this page. The last crumb is `crumb`. */
  above?: readonly { label: string; href: string }[];
  crumb: string;
  testId: string;
  main: Html;
  /** Where the page's changes come from; absent: it does not change by itself. */
  live?: { topics: readonly string[]; position: string } | undefined;
  /** Loads the script of the editor. */
  isEditor?: true;
}

/** More things than these are not counted. */
const MOST_NEEDS = 20;

function titleOf(needs: number, title: string): string {
  const begins = needs === 0 ? '' : `(${needs > MOST_NEEDS ? `${MOST_NEEDS}+` : needs}) `;
  return `${begins}${title.endsWith('Xyn') ? title : `${title} · Xyn`}`;
}

function badge(id: string, many: number, isWaiting: boolean): Fragment {
  const look = isWaiting ? 'badge gate' : 'badge';
  const markup = html`<span class="${look}" id="${id}" ${many === 0 ? 'hidden' : ''}
    >${many === 0 ? '' : count(many)}</span
  >`;
  return { id, html: markup };
}

/** What the shell says of the whole, on every page: its title with what needs the viewer, and the badges. */
export function shellFragments({ counts, needs }: Pick<ShellFacts, 'counts' | 'needs'>, title: string): Fragment[] {
  const whole = {
    id: 'page-title',
    html: html`<span id="page-title" data-title="${titleOf(needs, title)}" hidden></span>`,
  };
  return [
    whole,
    badge('badge-gates', counts.gates, true),
    badge('badge-runs', counts.running, false),
    badge('badge-gates-phone', counts.gates, true),
  ];
}

/** Those of the bar of a phone, in its order; the others stand under More. */
const BAR: readonly NavKey[] = ['home', 'gates', 'runs', 'events'];

function phoneLinks(view: View): NavLink[] {
  const links = navigation(view).flatMap((group) => group.links);
  return [
    ...BAR.flatMap((key) => links.filter((one) => one.key === key)),
    ...links.filter(({ key }) => !BAR.includes(key)),
  ];
}

const shellTemplate = template<ShellFacts & PageContent & Record<string, unknown>>(import.meta.url, './shell.eta');

/** A whole page. */
export function shell(facts: ShellFacts, page: PageContent): string {
  const live = page.live && `/ui/live?topics=${page.live.topics.map(encodeURIComponent).join(',')}`;
  const own = {
    icon,
    whole: titleOf(facts.needs, page.title),
    around: Object.fromEntries(shellFragments(facts, page.title).map((one) => [one.id, one.html])),
    groups: navigation(facts.view),
    phone: phoneLinks(facts.view),
    live: live && { url: `${live}&of=${encodeURIComponent(facts.here)}`, position: page.live?.position },
    assets: {
      style: asset('style').url,
      script: asset('script').url,
      favicon: asset('favicon').url,
      editor: asset('editor').url,
    },
  };
  const view = viewOf(facts, page, own);
  return `<!doctype html>\n${shellTemplate(view as never, new Parts(facts.clock)).toString()}`;
}
