import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { gzipSync } from 'node:zlib';
import type { Browser, Page } from 'playwright-core';
import { complaintsOf, openView, startBrowser, type ViewOptions } from './support/browser.js';
import { startScreens, type Screens } from './support/screens.js';
import { HOSTILE, seededId } from './support/seed.js';

const axeSource = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const gate = (run: string): string => `/ui/gates/${seededId(`gate/${run}`)}`;
/** Address, test id, and the bound on its size in bytes when compressed. */
const PAGES: readonly (readonly [string, string, number])[] = [
  ['/ui', 'page-home', 8_000],
  ['/ui/runs', 'page-runs', 8_000],
  ['/ui/runs?q=status:failed', 'page-runs', 8_000],
  ['/ui/gates', 'page-gates', 8_000],
  ['/ui/gates?status=all', 'page-gates', 8_000],
  [gate('patch'), 'page-gate', 10_000],
  [gate('lost'), 'page-gate', 10_000],
  [gate('past-3'), 'page-gate', 10_000],
  [`/ui/runs/${seededId('patch')}/cancel`, 'page-cancel', 8_000],
  ['/ui/events', 'page-events', 8_000],
  ['/ui/events?q=name:checkmk.*', 'page-events', 8_000],
  [`/ui/events/${seededId('alert-hostile')}`, 'page-events', 9_000],
  [`/ui/events/${seededId('alert-web')}/re-emit`, 'page-re-emit', 8_000],
  ['/ui/runs/new', 'page-launch', 8_000],
  ['/ui/runs/new?blueprint=bp.web.roll_patch', 'page-launch', 10_000],
  ['/ui/blueprints', 'page-blueprints', 8_000],
  ['/ui/blueprints/bp.ci.build', 'page-blueprint', 10_000],
  ['/ui/blueprints/bp.ci.build/versions', 'page-blueprint', 8_000],
  ['/ui/blueprints/bp.ci.build/runs', 'page-blueprint', 8_000],
  ['/ui/blueprints/bp.ci.build/source', 'page-blueprint', 8_000],
  ['/ui/blueprints/bp.ci.build/diff?from=3&to=3', 'page-blueprint-diff', 8_000],
  ['/ui/_search?q=patch', 'page-search', 8_000],
  ['/ui/nothing-here', 'page-error', 8_000],
];

/** What the functions that run in the page use of it. */
declare const document: { documentElement: { scrollWidth: number } };
declare const innerWidth: number;

let browser: Browser;
let screens: Screens;

beforeAll(async () => {
  [browser, screens] = await Promise.all([startBrowser(), startScreens()]);
}, 60_000);

afterAll(async () => {
  await browser.close();
  await screens.close();
});

async function withPage<T>(options: ViewOptions, work: (page: Page) => Promise<T>): Promise<T> {
  const context = await openView(browser, options);
  try {
    return await work(await context.newPage());
  } finally {
    await context.close();
  }
}

interface Violation {
  id: string;
  nodes: { target: unknown[]; failureSummary?: string }[];
}

async function axe(page: Page): Promise<string[]> {
  await page.evaluate(axeSource);
  const violations = await page.evaluate(async () => {
    const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
    const loaded = globalThis as unknown as {
      axe: { run(on: unknown, how: unknown): Promise<{ violations: Violation[] }> };
    };
    return (await loaded.axe.run(document, { runOnly: { type: 'tag', values: tags } })).violations;
  });
  return violations.flatMap(({ id, nodes }) =>
    nodes.map((node) => `${id}: ${JSON.stringify(node.target)} ${node.failureSummary ?? ''}`),
  );
}

describe('every page', () => {
  it.each(PAGES)(
    '%s has no finding of axe, no complaint of the browser and no sideways scroll',
    async (path, testId) => {
      await withPage({ theme: 'light' }, async (page) => {
        const complaints = complaintsOf(page);
        await page.goto(screens.url + path);
        await page.getByTestId(testId).waitFor();
        expect(await axe(page)).toEqual([]);
        for (const width of [320, 390, 768, 1000, 1440, 1920]) {
          await page.setViewportSize({ width, height: 900 });
          expect([width, await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth)]).toEqual([
            width,
            true,
          ]);
        }
        await page.setViewportSize({ width: 390, height: 844 });
        await page.emulateMedia({ colorScheme: 'dark' });
        expect(await axe(page)).toEqual([]);
        expect(complaints.filter((text) => !text.includes('404'))).toEqual([]);
      });
    },
  );

  it.each(PAGES)(
    '%s is small, has one title of its own and no style or script inside',
    async (path, _testId, mostBytes) => {
      const answer = await fetch(screens.url + path);
      const text = await answer.text();
      expect(gzipSync(text).length).toBeLessThan(mostBytes);
      expect(text.match(/<h1/g)).toHaveLength(1);
      expect(text).not.toMatch(/<style|\sstyle=|<script(?! src=)|\son[a-z]+="/);
      expect(answer.headers.get('content-security-policy')).toContain("script-src 'self'");
    },
  );

  it('shows hostile text as text, with its hidden characters named', async () => {
    await withPage({}, async (page) => {
      const complaints = complaintsOf(page);
      for (const path of ['/ui/runs?q=img', gate('past-3'), '/ui/_search?q=img']) {
        await page.goto(screens.url + path);
        expect(await page.locator('img, main script').count()).toBe(0);
        expect(await page.locator('main').innerText()).toContain('<script>alert(2)</script>{{7*7}}');
        expect(await page.locator('main .hidden-char').first().innerText()).toBe('U+202E');
      }
      expect(complaints).toEqual([]);
      expect(HOSTILE).toContain('\u202e');
    });
  });
});
