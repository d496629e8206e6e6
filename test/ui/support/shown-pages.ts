import type { Browser, Page } from 'playwright-core';
import { caller } from '../../support/node.js';
import { complaintsOf, openView, startBrowser, strangersOf } from './browser.js';
import type { Shown } from './pages.js';
import { startScreens, type Screens } from './screens.js';
import { HOSTILE } from './seed.js';

/** The screens with something to show on every page of `PAGES`, and a browser. */
export interface ShownPages {
  browser: Browser;
  screens: Screens;
  /** Where a page is, below the server's address. */
  pathOf(one: Pick<Shown, 'path'>): string;
  /** Opens a window that all checks of a file share, one page after another. */
  watch(script: boolean): Promise<Watched>;
  close(): Promise<void>;
}

/** A window, and what went wrong in it. */
export interface Watched {
  page: Page;
  /** Takes what the browser complained about, and requests that left the host; that a page which is not there answers 404 is no complaint. */
  taken(status?: number): string[];
}

async function addDrafts({ drafts }: Screens): Promise<Map<string, string>> {
  const ids = new Map<string, string>();
  const step = '  - kind: gate\n    id: approve\n    mode: manual\n';
  for (const [name = '', end = ''] of [
    ['wrong', `    mod: manual # ${HOSTILE}\n`],
    ['valid', ''],
  ]) {
    const definition = `api: xyn/v1\nid: bp.ci.build\nplan:\n${step}${end}`;
    const saved = await drafts.save(caller(), { draft: { kind: 'blueprint', name }, definition });
    ids.set(name, saved.draft_id);
    await drafts.validate(caller(), saved.draft_id);
  }
  return ids;
}

/** @param history runs, and as many events, that are older than all else; default none. */
export async function startPages({ history = 0 } = {}): Promise<ShownPages> {
  const [browser, screens] = await Promise.all([startBrowser(), startScreens({ samples: true, history })]);
  const { items } = await screens.proof.artifacts.list({ limit: 50 });
  const artifacts = new Map(items.map(({ name, artifact_id: id }) => [name, id]));
  const drafts = await addDrafts(screens);
  return {
    browser,
    screens,
    pathOf({ path }) {
      const draft = /^\/ui\/drafts\/([a-z]+)/.exec(path)?.[1];
      if (draft !== undefined) return path.replace(`/${draft}`, `/${drafts.get(draft) ?? ''}`);
      const name = /^\/ui\/artifacts\/([a-z]+\.[a-z]+)$/.exec(path)?.[1];
      return name === undefined ? path : `/ui/artifacts/${artifacts.get(name) ?? ''}`;
    },
    async watch(script) {
      const page = await (await openView(browser, { script })).newPage();
      const [complaints, strangers] = [complaintsOf(page), strangersOf(page, screens.url)];
      return {
        page,
        taken(status = 200) {
          const told = [...complaints.splice(0), ...strangers.splice(0)];
          return told.filter((text) => status === 200 || !text.includes(String(status)));
        },
      };
    },
    async close() {
      await browser.close();
      await screens.close();
    },
  };
}
