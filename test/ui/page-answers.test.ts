import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { gzipSync } from 'node:zlib';
import { openView } from './support/browser.js';
import { PAGES } from './support/pages.js';
import { openForm, queriesOf, quietestP95 } from './support/requests.js';
import type { Screens } from './support/screens.js';
import { seededId } from './support/seed.js';
import { startPages, type ShownPages } from './support/shown-pages.js';

/** Counts end at 10 000; above that a list of this many is as long as any. */
const HISTORY = 20_000;
/** Others use the machine while this runs: a budget of time is missed when even the quietest round takes longer. */
const BUSY = 6;

/** What the functions that run in the page use of it. */
declare const scrollY: number;
declare const document: { querySelectorAll(selector: string): Iterable<Box> };
interface Box {
  style: { animation: string };
  getClientRects(): { length: number };
  getBoundingClientRect(): { height: number };
}

let pages: ShownPages;
let screens: Screens;

beforeAll(async () => {
  pages = await startPages({ history: HISTORY });
  ({ screens } = pages);
}, 60_000);

afterAll(() => pages.close());

describe.each(PAGES)('$path', (one) => {
  it('is small and whole, with one title, and no style or script inside', async () => {
    const answer = await fetch(screens.url + pages.pathOf(one));
    const text = await answer.text();
    expect(answer.status).toBe(one.status);
    expect(answer.headers.get('content-security-policy')).toContain("script-src 'self'");
    expect(gzipSync(text, { level: 5 }).length).toBeLessThan(one.bytes);
    expect(text.match(/<h1/g)).toHaveLength(1);
    expect(text).not.toMatch(/<style|\sstyle=|<script(?! src=)|\son[a-z]+="/);
    const missing = [one.page, ...one.ids].filter((id) => !text.includes(`data-testid="${id}"`));
    expect(missing).toEqual([]);
    expect((await fetch(screens.url + pages.pathOf(one), { method: 'HEAD' })).status).toBe(one.status);
  });

  it('keeps to its budgets of queries and time', async () => {
    expect(await queriesOf(screens, pages.pathOf(one))).toBeLessThanOrEqual(one.queries);
    const ask = (): Promise<Response> => fetch(screens.url + pages.pathOf(one));
    expect(await quietestP95(ask, one.p95Ms * BUSY)).toBeLessThan(one.p95Ms * BUSY);
  });
});

describe('what follows each word that is typed', () => {
  /** The design's 60 ms, and what a second worker of the tests may add. */
  const WITHIN_MS = 60 * 3;

  it('previews a run', async () => {
    const preview = `${screens.url}/ui/runs/new/_preview?blueprint=bp.web.roll_patch`;
    expect((await fetch(preview)).status).toBe(200);
    expect(await quietestP95(() => fetch(preview), WITHIN_MS)).toBeLessThan(WITHIN_MS);
  });

  it.each([14, 200])('checks a blueprint of %d steps', async (steps) => {
    const step = (n: number): string =>
      `  - {kind: action_task, id: s${n}, action: http.call, with: {url: 'https://x.example/{{ inputs.path }}', query: {n: '{{ string(inputs.n + ${n}) }}'}}}`;
    const head = 'api: xyn/v1\nid: bp.typed\ninputs: {path: [a, b], n: int}\nplan:';
    const source = [head, ...Array.from({ length: steps }, (_, n) => step(n))].join('\n');
    const path = pages.pathOf({ path: '/ui/drafts/valid' });
    const send = await openForm(screens, path, { fields: { source }, action: `${path}/_validate`, isPart: true });
    const text = await (await send()).text();
    expect([text.includes('<html'), text.includes('data-severity'), text.includes('None.')]).toEqual([
      false,
      false,
      true,
    ]);
    expect((await send()).status).toBe(200);
    expect(await quietestP95(send, WITHIN_MS)).toBeLessThan(WITHIN_MS);
  });
});

/** More gates than a page has, like one that is there. */
async function manyGates(): Promise<void> {
  const own = 'gen_random_uuid(), path || n';
  const { rows } = await screens.database.catalog.pool.query<{ names: string }>(
    `SELECT string_agg(column_name, ', ') AS names FROM information_schema.columns
     WHERE table_name = 'gates' AND column_name NOT IN ('gate_id', 'path')`,
  );
  const names = rows[0]?.names ?? '';
  await screens.database.catalog.pool.query(
    `INSERT INTO gates (gate_id, path, ${names}) SELECT ${own}, ${names}
     FROM (SELECT * FROM gates WHERE status <> 'open' LIMIT 1) g, generate_series(1, 60) n`,
  );
}

/** More artifacts than a page has. */
async function manyArtifacts(): Promise<void> {
  await screens.database.catalog.pool.query(
    `INSERT INTO artifacts (artifact_id, name, kind, content_type, byte_length, sha256, created_by)
     SELECT gen_random_uuid(), 'report-' || n, 'file', 'text/plain', n, encode(sha256(n::text::bytea), 'hex'), 'ann'
     FROM generate_series(1, 60) n`,
  );
}

describe('a full page of rows', () => {
  it.each([
    ['/ui/runs', '#run-list > tr', 24],
    ['/ui/events', '#event-list > li', 24],
    ['/ui/artifacts', '#artifact-list > tr', 24],
    ['/ui/gates?status=all', '#gate-list > tr', 12],
  ])(
    'of %s is painted without those below the first screen, which stand there at once behind it',
    async (path, row, n) => {
      if (row.startsWith('#gate')) await manyGates();
      if (row.startsWith('#artifact')) await manyArtifacts();
      const { page } = await pages.watch(false);
      await page.goto(screens.url + path);
      const rows = page.locator(row);
      expect(await rows.count()).toBe(50);
      await rows.nth(49).waitFor({ state: 'visible' });
      const [first, whole] = await page.locator('.first-screen').evaluate((element, selector) => {
        const list = element as unknown as Box;
        const shown = () =>
          [...document.querySelectorAll(selector)].filter((one) => one.getClientRects().length > 0).length;
        const height = () => list.getBoundingClientRect().height;
        const last = [shown(), height()];
        list.style.animation = 'none';
        list.getBoundingClientRect();
        // Begins anew, and stands at its first frame until this function ends.
        list.style.animation = '';
        return [[shown(), height()], last];
      }, row);
      expect([first[0], whole[0]]).toEqual([n, 50]);
      // About as high as it will be, but for text that takes more lines: a place further down is found again.
      const share = (first[1] ?? 0) / (whole[1] ?? 1);
      expect(share).toBeGreaterThan(0.5);
      expect(share).toBeLessThan(1.15);
    },
  );

  it('is found again where it was left', async () => {
    const { page } = await pages.watch(false);
    await page.goto(`${screens.url}/ui/runs`);
    await page.locator('.page-foot').scrollIntoViewIfNeeded();
    await page.goto(`${screens.url}/ui/gates`);
    await page.goBack();
    expect(await page.evaluate(() => scrollY)).toBeGreaterThan(900);
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

describe('a first visit', () => {
  it('takes at most five requests and 60 kB', async () => {
    for (const path of ['/ui', '/ui/events', '/ui/runs', `/ui/gates/${seededId('gate/patch')}`]) {
      const context = await openView(pages.browser);
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
