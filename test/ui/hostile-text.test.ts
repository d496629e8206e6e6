import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { isWide } from './support/browser.js';
import { MARKERS, storeMarkers } from './support/hostile.js';
import { PAGES } from './support/pages.js';
import { HOSTILE, seededId } from './support/seed.js';
import { startPages, type ShownPages, type Watched } from './support/shown-pages.js';

let pages: ShownPages;
/** With script, and without it in forced colours. */
let lit: Watched;
let plain: Watched;

beforeAll(async () => {
  pages = await startPages();
  [lit, plain] = await Promise.all([pages.watch(true), pages.watch(false)]);
  await plain.page.emulateMedia({ forcedColors: 'active', reducedMotion: 'reduce' });
}, 60_000);

afterAll(() => pages.close());

describe.each(PAGES.filter(({ isVariant }) => !isVariant))('$path without script', (one) => {
  it('stands in forced colours and without motion', async () => {
    const { page } = plain;
    await page.goto(pages.screens.url + pages.pathOf(one));
    await page.getByTestId(one.page).waitFor();
    expect(await page.getByTestId(one.first).first().isVisible()).toBe(true);
    expect(await page.locator('.script-only:visible').count()).toBe(0);
    expect(plain.taken(one.status)).toEqual([]);
  });
});

describe('hostile text', () => {
  it('shows as text, with its hidden characters named', async () => {
    const { page } = lit;
    for (const path of ['/ui/runs?q=img', `/ui/gates/${seededId('gate/past-3')}`, '/ui/_search?q=img']) {
      await page.goto(pages.screens.url + path);
      expect(await page.locator('img, main script').count()).toBe(0);
      expect(await page.locator('main').innerText()).toContain('<script>alert(2)</script>{{7*7}}');
      expect(await page.locator('main .hidden-char').first().innerText()).toBe('U+202E');
    }
    expect(HOSTILE).toContain('\u202e');
    expect(lit.taken()).toEqual([]);
  });

  it('runs nowhere, whatever stored field it stands in, and nothing leaves the host', async () => {
    expect(MARKERS).toHaveLength(40);
    await storeMarkers(pages.screens.database.catalog);
    const { page } = lit;
    for (const one of PAGES.filter(({ isVariant }) => !isVariant)) {
      await page.goto(pages.screens.url + pages.pathOf(one));
      const ran = await page.evaluate(() => (globalThis as { __ran?: number }).__ran);
      const strange = await page.locator('main :is(script, iframe, object, embed, base, style, link)').count();
      expect([one.path, ran, strange, await isWide(page)]).toEqual([one.path, undefined, 0, false]);
    }
    expect(lit.taken()).toEqual([]);
  });
});
