import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import type { Page } from 'playwright-core';
import { planDigest } from '../../src/domain/plan-digest.js';
import { caller } from '../support/node.js';
import { planOf, transform } from '../support/plans.js';
import { DESK, Inspection, PHONE } from './support/axe.js';
import { isWide } from './support/browser.js';
import { PAGES, type Shown } from './support/pages.js';
import { takePictures } from './support/pictures.js';
import { PAINT_RATIO, paintOf, serveOneWord } from './support/paint.js';
import { sampleRun } from './support/run-samples.js';
import { startPages, type ShownPages, type Watched } from './support/shown-pages.js';

/** Counts end at 10 000; above that they are as long as any. */
const HISTORY = 11_000;
/** Other tests run on the same processors: single loads differ by half. */
const BUSY = 1.5;
const WIDTHS = [320, PHONE.width, 768, 1000, 1920, DESK.width];
const PICTURED: readonly number[] = [PHONE.width, DESK.width];

/** What the functions that run in the page use of it. */
declare const document: { documentElement: { style: { fontSize: string } } };

let pages: ShownPages;
let lit: Watched;
const inspection = new Inspection();

beforeAll(async () => {
  pages = await startPages({ history: HISTORY });
  lit = await pages.watch(true);
  // Colours change at once, so that none is judged halfway from one theme to the other.
  await lit.page.emulateMedia({ reducedMotion: 'reduce' });
}, 60_000);

afterAll(() => pages.close());

async function expectFirst(page: Page, first: string, height: number): Promise<void> {
  const box = await page.getByTestId(first).first().boundingBox();
  expect(box?.y ?? Infinity).toBeLessThan(height - 60);
}

describe.each(PAGES.map((one, ix) => ({ ...one, picture: `${String(ix + 1).padStart(2, '0')}-${one.page}` })))(
  '$path',
  (one) => {
    it('shows first things first, pleases axe in both themes and widths, and is never wider than its screen', async () => {
      const { page } = lit;
      await page.goto(pages.screens.url + pages.pathOf(one));
      await page.setViewportSize({ width: 640, height: 900 });
      await page.evaluate(() => (document.documentElement.style.fontSize = '200%'));
      expect(['text 200 %', await isWide(page)]).toEqual(['text 200 %', false]);
      await page.evaluate(() => (document.documentElement.style.fontSize = ''));
      for (const width of WIDTHS) {
        await page.setViewportSize({ width, height: 900 });
        expect([width, await isWide(page)]).toEqual([width, false]);
        if (width === PHONE.width) await expectFirst(page, one.first, PHONE.height);
        if (width === DESK.width) await expectFirst(page, one.first, DESK.height);
        if (PICTURED.includes(width)) await takePictures(page, one.picture);
      }
      expect(await inspection.of(page)).toEqual([]);
      expect(lit.taken(one.status)).toEqual([]);
    });
  },
);

describe('the first paint', () => {
  const ids = [
    'page-home',
    'page-events',
    'page-runs',
    'page-audit',
    'page-run',
    'page-gate',
    'page-launch',
    'page-editor',
  ];

  /** The fastest of some loads in turn: what else the machine does only makes them slower. */
  async function fastest(page: Page, urls: readonly string[]): Promise<number[]> {
    const paints = urls.map(() => [] as number[]);
    for (let n = 0; n < 4; n += 1)
      for (const [at, url] of urls.entries()) paints[at]?.push((await paintOf(page, url)).first);
    return paints.map((all) => Math.min(...all));
  }

  it.each(ids)(
    `of %s takes at most ${(PAINT_RATIO * BUSY).toFixed(1)} times that of a page with one word`,
    async (id) => {
      const one = PAGES.find((shown) => shown.page === id) as Shown;
      const { page } = await pages.watch(true);
      const server = await serveOneWord();
      const urls = [server.url, pages.screens.url + pages.pathOf(one)];
      let ratio = Infinity;
      for (let tries = 0; tries < 3 && ratio > PAINT_RATIO * BUSY; tries += 1) {
        const [word = NaN, own = NaN] = await fastest(page, urls);
        ratio = own / word;
      }
      server.close();
      await page.context().close();
      expect(ratio).toBeLessThan(PAINT_RATIO * BUSY);
    },
  );
});

describe('a run of more steps than are drawn at once', () => {
  it('shows the first, and the others when its end is scrolled to or its link is followed', async () => {
    const steps = Array.from({ length: 510 }, (_, at) => transform(`s${at + 1}`, [['x', 1]]));
    const whole = { ...planOf(steps, { id: 'bp.very.long' }), source: `sha256:${'0'.repeat(64)}`, digest: '' };
    const plan = { ...whole, digest: planDigest(whole) };
    const { version } = await pages.screens.core.blueprints.savePlan(caller(), {
      plan,
      source: 'id: bp.very.long',
      debug: {},
    });
    const run = randomUUID();
    await pages.screens.database.catalog.pool.query(
      `INSERT INTO runs (run_id, name, blueprint_id, blueprint_version, digest, status, trigger, inputs, actor, correlation_id,
         env_id, env, started_at, completed_at)
       VALUES ($1, 'Very long', $2, $3, $4, 'completed', 'manual', '{}', 'a', 'c', 'e', '{}', now(), now())`,
      [run, plan.id, version, plan.digest],
    );
    const path = `${pages.screens.url}/ui/runs/${run}?steps=all`;
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
    expect(lit.taken()).toEqual([]);
    const plain = await pages.watch(false);
    await plain.page.goto(path);
    await plain.page.getByText('Rows 201 to 400').click();
    await plain.page.getByTestId('step-s201').waitFor();
    expect(await plain.page.locator('.rows > li').count()).toBe(200);
  });
});

describe('the steps of a run', () => {
  it('stand under their axis: a bar begins and ends where the labels and lines do', async () => {
    const { page } = lit;
    await page.setViewportSize(DESK);
    await page.goto(`${pages.screens.url}/ui/runs/${sampleRun('patch')}`);
    const spans = [];
    for (const part of ['svg.axis', 'svg.lines', '.rows svg.bar']) {
      const box = await page.locator(part).first().boundingBox();
      spans.push([Math.round(box?.x ?? -1), Math.round(box?.width ?? -1)]);
    }
    expect(spans[1]).toEqual(spans[0]);
    expect(spans[2]).toEqual(spans[0]);
  });
});
