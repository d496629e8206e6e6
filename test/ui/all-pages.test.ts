import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import type { Browser, Page } from 'playwright-core';
import { planDigest } from '../../src/domain/plan-digest.js';
import { caller } from '../support/node.js';
import { planOf, transform } from '../support/plans.js';
import { accessibilityOf, shortenLists } from './support/axe.js';
import { complaintsOf, openView, startBrowser, strangersOf } from './support/browser.js';
import { MARKERS, storeMarkers } from './support/hostile.js';
import { PAGES, type Shown } from './support/pages.js';
import { queriesOf, quietestP95 } from './support/requests.js';
import { sampleRun } from './support/run-samples.js';
import { startScreens, type Screens } from './support/screens.js';
import { HOSTILE, seededId } from './support/seed.js';

/** Counts end at 10 000; above that a list of this many is as long as any. */
const HISTORY = 20_000;
const PHONE = 390;
const DESK = 1440;
const WIDTHS = [320, PHONE, 768, 1000, DESK, 1920];
/** Others use the machine while this runs: a budget of time is missed when even the quietest round takes longer. */
const BUSY = 6;

/** What the functions that run in the page use of it. */
declare const document: { documentElement: { scrollWidth: number; style: { fontSize: string } } };
declare const innerWidth: number;

let browser: Browser;
let screens: Screens;
let artifacts: Map<string, string>;
const drafts = new Map<string, string>();
/** Windows that all checks share, one page after another: with script, and without it in forced colours. */
let lit: Watched;
let plain: Watched;

interface Watched {
  page: Page;
  /** What the browser complained about since it was last asked. */
  complaints: string[];
  /** Requests that left the host. */
  strangers: string[];
}

async function open(script: boolean): Promise<Watched> {
  const context = await openView(browser, { script });
  const page = await context.newPage();
  return { page, complaints: complaintsOf(page), strangers: strangersOf(page, screens.url) };
}

beforeAll(async () => {
  [browser, screens] = await Promise.all([startBrowser(), startScreens({ samples: true, history: HISTORY })]);
  const { items } = await screens.proof.artifacts.list({ limit: 50 });
  artifacts = new Map(items.map(({ name, artifact_id: id }) => [name, id]));
  const step = '  - kind: gate\n    id: approve\n    mode: manual\n';
  for (const [name = '', end = ''] of [
    ['wrong', `    mod: manual # ${HOSTILE}\n`],
    ['valid', ''],
  ]) {
    const definition = `api: xyn/v1\nid: bp.ci.build\nplan:\n${step}${end}`;
    const saved = await screens.drafts.save(caller(), { draft: { kind: 'blueprint', name }, definition });
    drafts.set(name, saved.draft_id);
    await screens.drafts.validate(caller(), saved.draft_id);
  }
  [lit, plain] = await Promise.all([open(true), open(false)]);
  // Colours change at once, so that none is judged halfway from one theme to the other.
  await lit.page.emulateMedia({ reducedMotion: 'reduce' });
  await plain.page.emulateMedia({ forcedColors: 'active', reducedMotion: 'reduce' });
}, 60_000);

afterAll(async () => {
  await browser.close();
  await screens.close();
});

function pathOf({ path }: Shown): string {
  const draft = /^\/ui\/drafts\/([a-z]+)/.exec(path)?.[1];
  if (draft !== undefined) return path.replace(`/${draft}`, `/${drafts.get(draft) ?? ''}`);
  const name = /^\/ui\/artifacts\/([a-z]+\.[a-z]+)$/.exec(path)?.[1];
  return name === undefined ? path : `/ui/artifacts/${artifacts.get(name) ?? ''}`;
}

/** Takes what was complained about; that a page which is not there answers 404 is none. */
function taken({ complaints, strangers }: Watched, status: number): string[] {
  const told = [...complaints.splice(0), ...strangers.splice(0)];
  return told.filter((text) => status === 200 || !text.includes(String(status)));
}

const isWide = (page: Page): Promise<boolean> => page.evaluate(() => document.documentElement.scrollWidth > innerWidth);

async function expectFirst(page: Page, first: string, height: number): Promise<void> {
  const box = await page.getByTestId(first).first().boundingBox();
  expect(box?.y ?? Infinity).toBeLessThan(height - 60);
}

describe.each(PAGES)('$path', (one) => {
  it('shows first things first, pleases axe in both themes and widths, and is never wider than its screen', async () => {
    const { page } = lit;
    await page.emulateMedia({ colorScheme: 'light' });
    await page.goto(screens.url + pathOf(one));
    for (const width of WIDTHS) {
      await page.setViewportSize({ width, height: 900 });
      expect([width, await isWide(page)]).toEqual([width, false]);
      if (width === PHONE) await expectFirst(page, one.first, 844);
      if (width === DESK) await expectFirst(page, one.first, 900);
    }
    await page.setViewportSize({ width: 640, height: 900 });
    await page.evaluate(() => (document.documentElement.style.fontSize = '200%'));
    expect(['text 200 %', await isWide(page)]).toEqual(['text 200 %', false]);
    await page.evaluate(() => (document.documentElement.style.fontSize = ''));
    await shortenLists(page);
    await page.setViewportSize({ width: DESK, height: 900 });
    expect(['light, wide', await accessibilityOf(page)]).toEqual(['light, wide', []]);
    await page.emulateMedia({ colorScheme: 'dark' });
    expect(['dark, wide', await accessibilityOf(page, 'colours')]).toEqual(['dark, wide', []]);
    await page.setViewportSize({ width: PHONE, height: 844 });
    expect(['dark, phone', await accessibilityOf(page)]).toEqual(['dark, phone', []]);
    await page.emulateMedia({ colorScheme: 'light' });
    expect(['light, phone', await accessibilityOf(page, 'colours')]).toEqual(['light, phone', []]);
    expect(taken(lit, one.status)).toEqual([]);
  });

  it('is small and whole, with one title, and no style or script inside', async () => {
    const answer = await fetch(screens.url + pathOf(one));
    const text = await answer.text();
    expect(answer.status).toBe(one.status);
    expect(answer.headers.get('content-security-policy')).toContain("script-src 'self'");
    expect(gzipSync(text, { level: 5 }).length).toBeLessThan(one.bytes);
    expect(text.match(/<h1/g)).toHaveLength(1);
    expect(text).not.toMatch(/<style|\sstyle=|<script(?! src=)|\son[a-z]+="/);
    const missing = [one.page, ...one.ids].filter((id) => !text.includes(`data-testid="${id}"`));
    expect(missing).toEqual([]);
    expect((await fetch(screens.url + pathOf(one), { method: 'HEAD' })).status).toBe(one.status);
  });

  it('keeps to its budgets of queries and time', async () => {
    expect(await queriesOf(screens, pathOf(one))).toBeLessThanOrEqual(one.queries);
    expect(await quietestP95(screens, pathOf(one), one.p95Ms * BUSY)).toBeLessThan(one.p95Ms * BUSY);
  });
});

describe.each(PAGES.filter(({ isVariant }) => !isVariant))('$path without script', (one) => {
  it('stands in forced colours and without motion', async () => {
    const { page } = plain;
    await page.goto(screens.url + pathOf(one));
    await page.getByTestId(one.page).waitFor();
    expect(await page.getByTestId(one.first).first().isVisible()).toBe(true);
    expect(await page.locator('.script-only:visible').count()).toBe(0);
    expect(taken(plain, one.status)).toEqual([]);
  });
});

describe('a link that decides', () => {
  it('changes nothing by GET, HEAD or a prefetch', async () => {
    const address = `${screens.url}/ui/gates/${seededId('gate/triage')}`;
    const state = async (): Promise<unknown> =>
      (
        await screens.database.catalog.pool.query(
          'SELECT status, (SELECT count(*) FROM gate_decisions d WHERE d.gate_id = g.gate_id) AS n FROM gates g WHERE gate_id = $1',
          [seededId('gate/triage')],
        )
      ).rows;
    const before = await state();
    for (const method of ['GET', 'HEAD']) {
      for (const path of ['', '/decide', '/decide?decision=approve&reason=x']) {
        await fetch(address + path, { method, headers: { 'Sec-Purpose': 'prefetch', Purpose: 'prefetch' } });
      }
    }
    expect(await state()).toEqual(before);
  });
});

describe('a run of more steps than are drawn at once', () => {
  it('shows the first, and the others when its end is scrolled to or its link is followed', async () => {
    const steps = Array.from({ length: 510 }, (_, at) => transform(`s${at + 1}`, [['x', 1]]));
    const whole = { ...planOf(steps, { id: 'bp.very.long' }), source: `sha256:${'0'.repeat(64)}`, digest: '' };
    const plan = { ...whole, digest: planDigest(whole) };
    const { version } = await screens.core.blueprints.savePlan(caller(), {
      plan,
      source: 'id: bp.very.long',
      debug: {},
    });
    const run = randomUUID();
    await screens.database.catalog.pool.query(
      `INSERT INTO runs (run_id, name, blueprint_id, blueprint_version, digest, status, trigger, inputs, actor, correlation_id,
         env_id, env, started_at, completed_at)
       VALUES ($1, 'Very long', $2, $3, $4, 'completed', 'manual', '{}', 'a', 'c', 'e', '{}', now(), now())`,
      [run, plan.id, version, plan.digest],
    );
    const path = `${screens.url}/ui/runs/${run}?steps=all`;
    const { page } = lit;
    await page.setViewportSize({ width: 1440, height: 900 });
    await page.goto(path);
    const rows = page.locator('.rows > li');
    expect(await rows.count()).toBe(200);
    for (const count of [400, 510]) {
      await page.locator('[data-testid=steps] footer').scrollIntoViewIfNeeded();
      await page.locator(`.rows > li >> nth=${count - 1}`).waitFor({ state: 'attached' });
      expect(await rows.count()).toBe(count);
    }
    expect(await page.locator('[data-testid=steps] footer').innerText()).toContain('510 of 510');
    expect(taken(lit, 200)).toEqual([]);
    await plain.page.goto(path);
    await plain.page.getByText('Rows 201 to 400').click();
    await plain.page.getByTestId('step-s201').waitFor();
    expect(await plain.page.locator('.rows > li').count()).toBe(200);
  });
});

describe('the steps of a run', () => {
  it('stand under their axis: a bar begins and ends where the labels and lines do', async () => {
    const { page } = lit;
    await page.setViewportSize({ width: DESK, height: 900 });
    await page.goto(`${screens.url}/ui/runs/${sampleRun('patch')}`);
    const spans = [];
    for (const part of ['svg.axis', 'svg.lines', '.rows svg.bar']) {
      const box = await page.locator(part).first().boundingBox();
      spans.push([Math.round(box?.x ?? -1), Math.round(box?.width ?? -1)]);
    }
    expect(spans[1]).toEqual(spans[0]);
    expect(spans[2]).toEqual(spans[0]);
  });
});

describe('a first visit', () => {
  it('takes at most five requests and 60 kB', async () => {
    for (const path of ['/ui', '/ui/events', '/ui/runs', `/ui/gates/${seededId('gate/patch')}`]) {
      const context = await openView(browser);
      const sizes: Promise<number>[] = [];
      context.on('requestfinished', (request) => {
        const size = request
          .sizes()
          .then(({ responseBodySize, responseHeadersSize }) => responseBodySize + responseHeadersSize);
        if (!request.url().includes('/ui/live')) sizes.push(size);
      });
      const page = await context.newPage();
      await page.goto(screens.url + path, { waitUntil: 'load' });
      await page.locator('.stream[data-state=live]').waitFor();
      const all = await Promise.all(sizes);
      await context.close();
      const total = all.reduce((sum, size) => sum + size, 0);
      expect([path, all.length <= 5 || all.length, total <= 60_000 || total]).toEqual([path, true, true]);
    }
  });
});

describe('hostile text', () => {
  it('shows as text, with its hidden characters named', async () => {
    const { page } = lit;
    for (const path of ['/ui/runs?q=img', `/ui/gates/${seededId('gate/past-3')}`, '/ui/_search?q=img']) {
      await page.goto(screens.url + path);
      expect(await page.locator('img, main script').count()).toBe(0);
      expect(await page.locator('main').innerText()).toContain('<script>alert(2)</script>{{7*7}}');
      expect(await page.locator('main .hidden-char').first().innerText()).toBe('U+202E');
    }
    expect(HOSTILE).toContain('\u202e');
    expect(taken(lit, 200)).toEqual([]);
  });

  it('runs nowhere, whatever stored field it stands in, and nothing leaves the host', async () => {
    expect(MARKERS).toHaveLength(40);
    await storeMarkers(screens.database.catalog);
    const { page } = lit;
    for (const one of PAGES.filter(({ isVariant }) => !isVariant)) {
      await page.goto(screens.url + pathOf(one));
      const ran = await page.evaluate(() => (globalThis as { __ran?: number }).__ran);
      const strange = await page.locator('main :is(script, iframe, object, embed, base, style, link)').count();
      expect([one.path, ran, strange, await isWide(page)]).toEqual([one.path, undefined, 0, false]);
    }
    expect(taken(lit, 200)).toEqual([]);
  });
});
