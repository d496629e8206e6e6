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
declare const getComputedStyle: (element: never) => Record<string, string>;
declare const document: { documentElement: { style: { fontSize: string } } };
interface Scrolled {
  scrollWidth: number;
  clientWidth: number;
  scrollHeight: number;
  clientHeight: number;
}

const middle = (box: { y: number; height: number } | null): number => (box === null ? NaN : box.y + box.height / 2);

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

const draft = (): string => pages.pathOf({ path: '/ui/drafts/wrong' });

function problemsAndText(page: Page) {
  return Promise.all(['#problems', '.editor-source'].map((part) => page.locator(part).boundingBox()));
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

describe('what is to be read whole', () => {
  const isCut = (all: Scrolled[]): boolean[] =>
    all.map((one) => one.scrollWidth > one.clientWidth || one.scrollHeight > one.clientHeight);

  it('is the evidence of a run, also with text of twice the size', async () => {
    const page = await open(run, 1440);
    await page.evaluate(() => (document.documentElement.style.fontSize = '200%'));
    expect(await page.locator('.evidence .v').evaluateAll(isCut)).toEqual([false, false, false, false, false]);
  });

  it('is the reason of an entry of the trail', async () => {
    const page = await open('/ui/audit', 1440);
    const reasons = page.locator('td .clamp', { hasText: 'Looked at web-18' });
    expect(await reasons.count()).toBeGreaterThan(0);
    expect(await reasons.evaluateAll(isCut)).not.toContain(true);
  });

  it('is each number of the use by blueprint, in one line beside long names', async () => {
    await pages.screens.database.catalog.pool.query(
      `INSERT INTO footprint_days (day, blueprint_id, source, name, metric, unit, quantity)
       VALUES ((now() AT TIME ZONE 'UTC')::date, 'bp.fleet.rolling_patch', 'run', 'completed', 'run.count', 'count', 1)`,
    );
    // What other tests asked for is kept for ten seconds.
    const page = await open('/ui/footprints?by=time&days=90', 1440);
    const rows = page.getByTestId('cost-table').locator('tbody tr');
    expect(await rows.filter({ hasText: 'bp.fleet.rolling_patch' }).count()).toBe(1);
    const heights = await rows.evaluateAll((all: { offsetHeight: number }[]) => all.map((one) => one.offsetHeight));
    expect(heights.filter((height) => height > 40)).toEqual([]);
    const table = page.locator('.scroll-x:has(> table.dense)');
    expect(await table.evaluate(({ scrollWidth, clientWidth }: Scrolled) => scrollWidth > clientWidth)).toBe(false);
  });
});

describe('what is folded', () => {
  it.each([
    [`/ui/runs/${seededId('past-12')}`, '.card > details > summary'],
    ['/ui/blueprints/bp.ci.build', 'details.as-table > ul'],
  ])('keeps off the edge of its card at %s', async (path, part) => {
    const page = await open(path, 1440);
    await page.locator('details').evaluateAll((all: { open: boolean }[]) => {
      for (const one of all) one.open = true;
    });
    const words = page.locator(part).first();
    const padding = await words.evaluate((one) => getComputedStyle(one as never)['paddingLeft']);
    expect(padding).toBe('16px');
  });
});

describe('names of runs', () => {
  it.each([821, 860, 900, 921, 1440])('are not cut in their list at %d px', async (width) => {
    const page = await open('/ui/runs', width);
    const names = page.locator('tbody .lead .clamp');
    const cut = await names.evaluateAll((all: (Scrolled & { innerText: string })[]) =>
      all.filter(({ scrollHeight, clientHeight }) => scrollHeight > clientHeight).map(({ innerText }) => innerText),
    );
    expect(await names.count()).toBeGreaterThan(10);
    // One that somebody made longer than any name ends after two lines.
    expect(cut.filter((name) => name.length < 45)).toEqual([]);
  });
});

describe('the steps of a run', () => {
  it('grow with the text, and so does what is drawn beside them', async () => {
    const page = await open(run, 1440);
    const heights = async (): Promise<(number | undefined)[]> =>
      Promise.all(
        ['.rows > li', '.row-link svg.bar', '.track-head', '.rows', '.gut'].map(
          async (part) => (await page.locator(part).first().boundingBox())?.height,
        ),
      );
    const [row = 0, bar = 0, head = 0, rows = 0, gutter = 0] = await heights();
    expect([row, bar]).toEqual([36, 36]);
    expect(Math.abs(rows - gutter)).toBeLessThan(1);
    await page.evaluate(() => (document.documentElement.style.fontSize = '200%'));
    expect(await heights()).toEqual([row, bar, head, rows, gutter].map((height) => 2 * height));
    const mark = await page.locator('.gut .mark').first().boundingBox();
    const first = await page.locator('.rows > li').first().boundingBox();
    expect(middle(mark)).toBeCloseTo(middle(first), 0);
  });
});

describe('on a wide screen', () => {
  it('a blueprint begins with its failures and its times beside each other', async () => {
    const page = await open('/ui/blueprints/bp.ci.build', 1440);
    const [days, times, live] = await Promise.all(
      ['Runs per day', /How long the last/, /^Versions$/].map((name) =>
        page.getByRole('region', { name }).first().boundingBox(),
      ),
    );
    expect([times?.y, times?.height]).toEqual([days?.y, days?.height]);
    expect(live?.y ?? 0).toBeGreaterThan((days?.y ?? 0) + (days?.height ?? 0));
  });

  it('the times of a blueprint are drawn as tall as its days, above a foot each', async () => {
    await pages.screens.database.catalog.pool.query(
      `INSERT INTO footprint_days (day, blueprint_id, source, name, metric, unit, quantity)
       VALUES ((now() AT TIME ZONE 'UTC')::date - 2, 'bp.ci.build', 'run', 'completed', 'run.count', 'count', 1)`,
    );
    const page = await open('/ui/blueprints/bp.ci.build', 1440);
    const [days, times, daysFoot, timesFoot] = await Promise.all(
      ['svg.calendar', 'svg.chart', 'p.as-table', 'details.as-table'].map((part) => page.locator(part).boundingBox()),
    );
    expect([times?.y, times?.height]).toEqual([days?.y, days?.height]);
    expect(Math.abs((timesFoot?.y ?? 0) - (daysFoot?.y ?? 99))).toBeLessThan(2);
  });

  it('two short fields share a line, and a third has its own', async () => {
    const inputs = {
      type: 'object',
      required: ['at_a_time', 'soak', 'tries', 'host'],
      properties: {
        at_a_time: { type: 'integer' },
        soak: { type: 'string', format: 'duration' },
        tries: { type: 'integer' },
        host: { type: 'string' },
      },
    };
    const plan = planOf([gate('ask')], { id: 'bp.paired', inputs });
    await pages.screens.core.blueprints.savePlan(caller(), { plan, source: 'id: bp.paired', debug: {} });
    const placesAt = async (width: number) => {
      const page = await open('/ui/runs/new?blueprint=bp.paired', width);
      return Promise.all(
        ['at_a_time', 'soak', 'tries', 'host'].map(async (name) => page.locator(`#field-${name}`).boundingBox()),
      );
    };
    const [first, second, third, last] = await placesAt(1440);
    expect(second?.y).toBe(first?.y);
    expect(second?.x ?? 0).toBeGreaterThan((first?.x ?? 0) + (first?.width ?? 0));
    expect(third?.y ?? 0).toBeGreaterThan(first?.y ?? 0);
    expect([third?.x, third?.width]).toEqual([last?.x, last?.width]);
    const [above, below] = await placesAt(390);
    expect([below?.x, below?.width]).toEqual([above?.x, above?.width]);
    expect(below?.y ?? 0).toBeGreaterThan(above?.y ?? 0);
  });

  it('problems of a draft stand beside its text', async () => {
    const page = await open(draft(), 1440);
    const [problems, text] = await problemsAndText(page);
    expect(problems?.y).toBe(text?.y);
    expect(problems?.x ?? 0).toBeGreaterThan((text?.x ?? 0) + (text?.width ?? 0));
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
  it('problems of a draft are in sight above its text, and come first to a reader', async () => {
    const page = await open(draft(), 390);
    const [problems, text] = await problemsAndText(page);
    expect((problems?.y ?? 999) + (problems?.height ?? 999)).toBeLessThan(text?.y ?? 0);
    expect(text?.y ?? 999).toBeLessThan(844);
    const order = await page
      .locator('#problems, #source')
      .evaluateAll((all: { id: string }[]) => all.map(({ id }) => id));
    expect(order).toEqual(['problems', 'source']);
  });

  it('the search stands beside who looks, on a page that does not change by itself too', async () => {
    const page = await open('/ui/blueprints', 390);
    const [find, viewer] = await Promise.all(
      ['.find', '.topbar .avatar'].map((part) => page.locator(part).boundingBox()),
    );
    expect((viewer?.x ?? 999) - (find?.x ?? 0) - (find?.width ?? 0)).toBeLessThan(20);
  });

  it('runs of a blueprint are told apart by the end of their names', async () => {
    const page = await open('/ui/blueprints/bp.ci.build/runs', 390);
    const names = page.getByTestId('run-list').locator('a[data-row]');
    const cut = await names.evaluateAll((all: Scrolled[]) =>
      all.filter(({ scrollWidth, clientWidth }) => scrollWidth > clientWidth),
    );
    expect(await names.count()).toBeGreaterThan(10);
    expect(cut).toEqual([]);
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
