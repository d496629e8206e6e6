import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Page } from 'playwright-core';
import { caller } from '../support/node.js';
import { gate, planOf } from '../support/plans.js';
import { isWide } from './support/browser.js';
import { textsThatStickOut } from './support/cut-text.js';
import { sampleRun } from './support/run-samples.js';
import { seededId } from './support/seed.js';
import { startPages, type ShownPages, type Watched } from './support/shown-pages.js';

/** What the functions that run in the page use of it. */
declare const document: { documentElement: { style: { fontSize: string } } };
interface Scrolled {
  scrollWidth: number;
  clientWidth: number;
}

let pages: ShownPages;
let lit: Watched;
const run = `/ui/runs/${sampleRun('patch')}`;
const decision = `/ui/gates/${seededId('gate/patch')}`;

beforeAll(async () => {
  pages = await startPages();
  lit = await pages.watch(true);
}, 60_000);

afterAll(() => pages.close());

async function open(path: string, width: number): Promise<Page> {
  const { page } = lit;
  await page.setViewportSize({ width, height: 900 });
  await page.goto(pages.screens.url + path);
  return page;
}

describe('text of twice the size on a wide screen', () => {
  it.each([
    '/ui',
    '/ui/runs',
    '/ui/gates?status=all',
    run,
    decision,
    `/ui/gates/${seededId('gate/lost')}`,
    '/ui/audit',
    '/ui/artifacts',
    '/ui/runs/new',
  ])('neither widens %s nor sticks out of what it stands in', async (path) => {
    const page = await open(path, 1440);
    await page.evaluate(() => (document.documentElement.style.fontSize = '200%'));
    expect(await isWide(page)).toBe(false);
    expect(await textsThatStickOut(page)).toEqual([]);
  });
});

describe('where the screen is just wide enough for tables', () => {
  it.each([
    ['/ui/gates?status=all', 'tbody .lead'],
    ['/ui/runs', 'tbody .lead'],
    ['/ui/artifacts', 'tbody .lead'],
  ])('cells of %s stay apart, and the first thing to read has room', async (path, lead) => {
    for (const width of [821, 900, 1000, 1061, 1180]) {
      const page = await open(path, width);
      const table = page.locator('.scroll-x:has(> table)').first();
      const scrolls = await table.evaluate(({ scrollWidth, clientWidth }: Scrolled) => scrollWidth > clientWidth);
      const room = (await page.locator(lead).first().boundingBox())?.width ?? 0;
      const seen = { scrolls, hasRoom: room >= 100, out: await textsThatStickOut(page) };
      expect([width, seen]).toEqual([width, { scrolls: false, hasRoom: true, out: [] }]);
    }
  });

  it.each([run, '/ui/audit', '/ui/audit?entry=131', '/ui/footprints', '/ui/blueprints/bp.ci.build', '/ui/runs/new'])(
    'nothing of %s sticks out',
    async (path) => {
      for (const width of [821, 1000, 1061]) {
        const page = await open(path, width);
        expect([width, await textsThatStickOut(page)]).toEqual([width, []]);
      }
    },
  );
});

describe('on a wide screen', () => {
  it('a blueprint begins with its failures and its times beside each other', async () => {
    const page = await open('/ui/blueprints/bp.ci.build', 1440);
    const [days, times, live] = await Promise.all(
      ['Runs per day', /How long the last/, 'Versions in use'].map((name) =>
        page.getByRole('region', { name }).first().boundingBox(),
      ),
    );
    expect([times?.y, times?.height]).toEqual([days?.y, days?.height]);
    expect(live?.y ?? 0).toBeGreaterThan((days?.y ?? 0) + (days?.height ?? 0));
  });

  it('the help of a tick box stands under its words', async () => {
    const inputs = { type: 'object', properties: { dry: { type: 'boolean', description: 'Shows what it would do.' } } };
    const plan = planOf([gate('ask')], { id: 'bp.ticked', inputs });
    await pages.screens.core.blueprints.savePlan(caller(), { plan, source: 'id: bp.ticked', debug: {} });
    const page = await open('/ui/runs/new?blueprint=bp.ticked', 1440);
    const words = await page.locator('[data-testid=field-dry] label').boundingBox();
    const help = await page.locator('#field-dry-help').boundingBox();
    expect(Math.round(help?.x ?? 0)).toBe(Math.round(words?.x ?? -1));
  });
});

describe('on a phone', () => {
  it('runs of a blueprint are told apart by the end of their names', async () => {
    const page = await open('/ui/blueprints/bp.ci.build/runs', 390);
    const names = page.getByTestId('run-list').locator('a[data-row]');
    const cut = await names.evaluateAll((all: Scrolled[]) =>
      all.filter(({ scrollWidth, clientWidth }) => scrollWidth > clientWidth),
    );
    expect([await names.count(), cut.length]).toEqual([expect.any(Number), 0]);
  });

  it('the calendar of a blueprint shows its newest days first', async () => {
    await pages.screens.database.catalog.pool.query(
      `INSERT INTO footprint_days (day, blueprint_id, source, name, metric, unit, quantity)
       VALUES ((now() AT TIME ZONE 'UTC')::date, 'bp.ci.build', 'run', 'completed', 'run.count', 'count', 1)`,
    );
    const page = await open('/ui/blueprints/bp.ci.build', 390);
    const region = await page.getByRole('region', { name: 'Calendar of runs' }).boundingBox();
    const drawing = await page.locator('.calendar').boundingBox();
    expect(drawing?.width ?? 0).toBeGreaterThan(region?.width ?? Infinity);
    const end = (drawing?.x ?? Infinity) + (drawing?.width ?? 0);
    expect(end).toBeLessThanOrEqual((region?.x ?? 0) + (region?.width ?? 0));
  });
});
