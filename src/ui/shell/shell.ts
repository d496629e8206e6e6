import { asset } from '../assets.js';
import type { Html } from '../html.js';
import { icon, Parts } from '../parts/parts.js';
import type { Clock } from '../format.js';
import { template } from '../template.js';
import { navigation, type NavKey, type View } from './navigation.js';

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
  csrf: string;
  /** Path and query of this page. */
  here: string;
  counts: { gates: number; running: number };
}

/** One page: what the shell needs to know, and its content. */
export interface PageContent {
  /** Differs from page to page; ` · Xyn` is added where it does not end so. */
  title: string;
  nav: NavKey;
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

const shellTemplate = template<ShellFacts & PageContent & Record<string, unknown>>(import.meta.url, './shell.eta');

/** A whole page. */
export function shell(facts: ShellFacts, page: PageContent): string {
  const live = page.live && `/ui/live?topics=${page.live.topics.map(encodeURIComponent).join(',')}`;
  const view = {
    ...facts,
    ...page,
    icon,
    groups: navigation(facts.view, facts.counts),
    phone: navigation(facts.view, facts.counts).flatMap(({ links }) => links),
    live: live && { url: `${live}&of=${encodeURIComponent(facts.here)}`, position: page.live?.position },
    assets: {
      style: asset('style').url,
      script: asset('script').url,
      favicon: asset('favicon').url,
      editor: asset('editor').url,
    },
  };
  return `<!doctype html>\n${shellTemplate(view as never, new Parts(facts.clock)).toString()}`;
}
