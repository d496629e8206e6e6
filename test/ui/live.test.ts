import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { caller } from '../support/node.js';
import { action, planOf } from '../support/plans.js';
import { until } from '../support/until.js';
import { openView, startBrowser } from './support/browser.js';
import { startScreens, type Screens } from './support/screens.js';
import { seededId } from './support/seed.js';

/** What the functions that run in the page use of it. */
declare const document: {
  activeElement: { getAttribute(name: string): string | null } | null;
  body: { dataset: Record<string, string | undefined> };
  querySelector(selector: string): { open: boolean };
};
declare const scrollTo: (x: number, y: number) => void;
declare const scrollY: number;
declare const getSelection: () => { selectAllChildren(node: unknown): void; toString(): string };
declare const PerformanceObserver: new (then: (list: { getEntries(): { value: number }[] }) => void) => {
  observe(what: object): void;
};
declare const EventSource: new (url: string) => {
  addEventListener(type: string, listener: () => void): void;
  close(): void;
};

/** When what is shown is said to be old, and how often it is fetched then. */
const STALE_MS = 10_000;
const POLL_MS = 5_000;

let browser: Browser;
let screens: Screens;
let context: BrowserContext;
let page: Page;

beforeAll(async () => {
  [browser, screens] = await Promise.all([startBrowser(), startScreens()]);
  const plan = planOf([action('say', { with: { host: { $: ['.', ['v', 'inputs'], 'note'] } } })], {
    id: 'bp.typed',
    inputs: { type: 'object', additionalProperties: false, properties: { note: { type: 'string' } } },
  });
  await screens.core.blueprints.savePlan(caller(), { plan, source: 'id: bp.typed', debug: {} });
  context = await openView(browser, { height: 500 });
  page = await context.newPage();
}, 60_000);

afterAll(async () => {
  await browser.close();
  await screens.close();
});

const sql = (text: string, values: unknown[] = []) => screens.database.catalog.pool.query(text, values);
const row = (run: string) => page.locator(`#run-${seededId(run)}`);

async function open(path: string): Promise<void> {
  await page.goto(screens.url + path);
  await page.locator('.stream[data-state=live]').waitFor();
}

async function addRun(name: string): Promise<void> {
  await sql(
    `INSERT INTO runs (run_id, name, blueprint_id, blueprint_version, digest, trigger, inputs, actor, correlation_id, env_id, env)
     SELECT gen_random_uuid(), $1, blueprint_id, blueprint_version, digest, 'manual', '{}', 'maria', 'c', 'env-1', '{}'
     FROM runs WHERE run_id = $2`,
    [name, seededId('build-91')],
  );
  screens.feed.change('runs');
}

async function addEvent(name: string): Promise<void> {
  await sql(
    `INSERT INTO events (event_id, event_name, occurred_at, env_id, actor, correlation_id, data, matched_at, dispatched_at)
     VALUES (gen_random_uuid(), $1, now(), 'env-1', 'checkmk', 'busy', '{}', now(), now())`,
    [name],
  );
  screens.feed.change('events');
}

describe('a live list', () => {
  it('changes a row in place, and takes new rows in while nobody reads', async () => {
    await open('/ui/runs');
    await sql("UPDATE runs SET status = 'completed', completed_at = now() WHERE run_id = $1", [seededId('build-91')]);
    screens.feed.change('runs');
    await row('build-91').getByText('Completed').waitFor();
    await addRun('Came while nobody read');
    await page.getByText('Came while nobody read').waitFor();
  });

  it('moves nothing under a reader: rows wait behind a button', async () => {
    await open('/ui/runs');
    await row('past-3').locator('a').focus();
    await page.evaluate(() => scrollTo(0, 120));
    const before = await row('past-3').boundingBox();
    await addRun('Came while somebody read');
    const button = page.getByTestId('new-runs').getByRole('button');
    await button.waitFor();
    expect(await button.innerText()).toBe('1 new · show');
    expect(await page.getByText('Came while somebody read').count()).toBe(0);
    await sql("UPDATE runs SET status = 'cancelled', completed_at = now() WHERE run_id = $1", [seededId('cert')]);
    screens.feed.change('runs');
    await row('cert').getByText('Cancelled').waitFor();
    expect(await page.evaluate(() => document.activeElement?.getAttribute('href'))).toBe(
      `/ui/runs/${seededId('past-3')}`,
    );
    expect((await row('past-3').boundingBox())?.height).toBe(before?.height);
    await button.click();
    await page.getByText('Came while somebody read').waitFor();
  });

  it('sends nothing for a change that changes nothing here', async () => {
    await open('/ui/runs');
    const patches = page.evaluate(async () => {
      let seen = 0;
      const { live, position } = document.body.dataset;
      const source = new EventSource(`${live ?? ''}&after=${encodeURIComponent(position ?? '')}`);
      source.addEventListener('patch', () => (seen += 1));
      await new Promise((resolve) => setTimeout(resolve, 900));
      source.close();
      return seen;
    });
    for (let n = 0; n < 20; n += 1) screens.feed.change('runs');
    expect(await patches).toBe(0);
  });
});

describe('a live gate', () => {
  it('keeps a half-typed reason and the caret through patches', async () => {
    await open(`/ui/gates/${seededId('gate/patch')}`);
    const reason = page.getByTestId('gate-reason');
    await reason.fill('half typ');
    for (let n = 0; n < 5; n += 1) {
      await sql('UPDATE gates SET approvers = approvers || $1::jsonb WHERE gate_id = $2', [
        JSON.stringify([`person-${n}`]),
        seededId('gate/patch'),
      ]);
      screens.feed.change('gates');
      await page.getByTestId('gate-approvals').getByText(`person-${n}`).waitFor();
    }
    expect(await reason.inputValue()).toBe('half typ');
    expect(await page.evaluate(() => document.activeElement?.getAttribute('name'))).toBe('reason');
    await page.keyboard.type('ed');
    expect(await reason.inputValue()).toBe('half typed');
  });

  it('shows what it asks for now, and refuses a form that was read before that', async () => {
    await open(`/ui/gates/${seededId('gate/triage')}`);
    await page.getByTestId('gate-reason').fill('Looked at it.');
    await page.getByTestId('gate-confirm').fill('shop-3');
    await sql(
      `UPDATE gates SET digest = 'sha256:abababababababababababab', opened_at = now(),
         binds = jsonb_set(jsonb_set(binds, '{0,input,argv,1}', '"--vacuum-time=1d"'), '{0,hash}', '"sha256:abababababababababababab"')
       WHERE gate_id = $1`,
      [seededId('gate/triage')],
    );
    screens.feed.change('gates');
    await page.getByTestId('gate-action-1').getByText('--vacuum-time=1d').waitFor();
    expect(await page.getByTestId('gate-reason').inputValue()).toBe('Looked at it.');
    await page.getByTestId('gate-approve').click();
    await page.getByTestId('gate-problem').getByText('Refused: the plan changed.').waitFor();
    // What the stream brings does not wipe the refusal.
    screens.feed.change('gates');
    await page.locator('.stream[data-state=live]').waitFor();
    expect(await page.getByTestId('gate-problem').count()).toBe(1);
    expect(await page.getByTestId('gate-reason').inputValue()).toBe('Looked at it.');
    const changed = page.getByTestId('gate-changes').getByRole('row', { name: 'argv' });
    expect(await changed.getByRole('cell').allInnerTexts()).toEqual([
      '["journalctl","--vacuum-size=500M"]',
      '["journalctl","--vacuum-time=1d"]',
    ]);
  });

  it('is counted in the title and beside the navigation of every page, live', async () => {
    await open('/ui/runs');
    const before = /^\((\d+)\) Runs · Xyn$/.exec(await page.title())?.[1];
    const gates = Number(await page.locator('#badge-gates').innerText());
    await sql("UPDATE gates SET status = 'approved', closed_at = now() WHERE gate_id = $1", [seededId('gate/lost')]);
    screens.feed.change('gates');
    await page
      .locator('#badge-gates')
      .getByText(String(gates - 1), { exact: true })
      .waitFor();
    expect(await page.title()).toBe(`(${Number(before) - 1}) Runs · Xyn`);
    await open('/ui/audit');
    expect(await page.title()).toBe(`(${Number(before) - 1}) Audit · Xyn`);
  });

  it('replaces the form by the record when somebody else decides first, and keeps what was typed', async () => {
    await open(`/ui/gates/${seededId('gate/triage')}`);
    await page.getByTestId('gate-reason').fill('I had a reason');
    await sql("UPDATE gates SET status = 'approved', closed_at = now() WHERE gate_id = $1", [seededId('gate/triage')]);
    screens.feed.change('gates');
    await page.getByTestId('gate-record').waitFor();
    expect(await page.getByTestId('gate-approve').count()).toBe(0);
    expect(await page.locator('[data-kept-reason]').innerText()).toContain('I had a reason');
  });
});

describe('a busy event console', () => {
  it('keeps scroll, selection, open details and typed text through 200 patches, and moves nothing', async () => {
    await open(`/ui/events/${seededId('push-3')}`);
    const filter = page.locator('#event-filter');
    await page.locator('#event-histogram summary').click();
    await filter.fill('name:ch');
    await page.evaluate(() => {
      scrollTo(0, 150);
      getSelection().selectAllChildren(document.querySelector('#event-detail h2'));
      const seen = globalThis as unknown as { shifts: number };
      seen.shifts = 0;
      new PerformanceObserver((list) => {
        for (const one of list.getEntries()) seen.shifts += one.value;
      }).observe({ type: 'layout-shift', buffered: false });
    });
    const before = await page.evaluate(() => scrollY);
    // As 10 000 events an hour would: each one is a change that the page draws and patches.
    for (let n = 0; n < 200; n += 1) {
      screens.feed.change('events');
      if (n % 20 === 0) await addEvent(`busy.number_${n}`);
    }
    await page.getByTestId('new-events').getByText('10 new').waitFor();
    expect(await filter.inputValue()).toBe('name:ch');
    expect(
      await page.evaluate(() => [
        scrollY,
        getSelection().toString(),
        document.querySelector('#event-histogram details').open,
        (globalThis as { shifts?: number }).shifts,
      ]),
    ).toEqual([before, 'git.push', true, 0]);
    expect(await page.locator('[aria-current=true] .meta').count()).toBeGreaterThan(0);
  });

  it('narrows to what is drawn over', async () => {
    await open('/ui/events');
    const box = await page.locator('svg[data-range]').boundingBox();
    if (box === null) throw new Error('The chart is not shown.');
    const x = (share: number): number => box.x + box.width * share;
    await page.mouse.move(x(0.5), box.y + 20);
    await page.mouse.down();
    await page.mouse.move(x(0.75), box.y + 20, { steps: 4 });
    await page.mouse.up();
    await page.getByTestId('event-span').waitFor();
    const q = new URL(page.url()).searchParams.get('q') ?? '';
    const [, from = '', to = ''] = /^from:(\S+) to:(\S+)$/.exec(q) ?? [];
    expect((Date.parse(to) - Date.parse(from)) / 60_000).toBe(16);
  });
});

describe('a launcher that is half filled', () => {
  it('keeps what was typed while its preview is drawn anew', async () => {
    await page.goto(`${screens.url}/ui/runs/new?blueprint=bp.typed`);
    await page.locator('#field-note').fill('half typ');
    await page.getByTestId('plan-preview').getByText('half typ').waitFor();
    await page.keyboard.type('ed');
    await page.getByTestId('plan-preview').getByText('half typed').waitFor();
    expect(await page.locator('#field-note').inputValue()).toBe('half typed');
    expect(await page.evaluate(() => document.activeElement?.getAttribute('name'))).toBe('input.note');
  });
});

describe('a page without a stream', () => {
  it('says so within ten seconds, fetches what changed, and follows the stream again without a gap', async () => {
    // What takes seconds for a reader is passed over; where requests are answered, nothing else is.
    await page.clock.install();
    await open('/ui/runs');
    let mayPoll = false;
    await context.route('**/ui/live?**', (route) =>
      mayPoll && route.request().url().includes('poll=1') ? route.continue() : route.abort(),
    );
    screens.cut();
    await page.locator('.stream[data-state=lost]').waitFor();
    expect(await page.locator('#live-note').isVisible()).toBe(false);
    await page.clock.fastForward(STALE_MS);
    await page.getByText('Not live. The connection broke at').waitFor();
    mayPoll = true;
    await sql("UPDATE runs SET name = 'Renamed while cut off' WHERE run_id = $1", [seededId('drain')]);
    await page.clock.fastForward(POLL_MS);
    await row('drain').getByText('Renamed while cut off').waitFor();
    await page.locator('.stream[data-state=polling]').waitFor();
    expect(await page.locator('#live-note').isVisible()).toBe(false);
    await sql("UPDATE runs SET name = 'Renamed again' WHERE run_id = $1", [seededId('drain')]);
    await page.clock.fastForward(STALE_MS + POLL_MS);
    await row('drain').getByText('Renamed again').waitFor();
    await context.unroute('**/ui/live?**');
    await page.clock.fastForward(POLL_MS);
    await page.locator('.stream[data-state=live]').waitFor();
    await addRun('Came after the stream was back');
    await page.getByText('Came after the stream was back').waitFor();
    expect(await page.locator('#run-list tr', { hasText: 'Came after the stream was back' }).count()).toBe(1);
  });
});

describe('a stream that breaks', () => {
  it('says since when the page is old, and goes on by itself', async () => {
    await open('/ui');
    screens.feed.tell({ kind: 'source', ok: false, since: new Date().toISOString() });
    await page.locator('.stream[data-state=lost]').waitFor();
    expect(await page.getByTestId('stream-state').innerText()).toMatch(/^Reconnecting · as of \d\d:\d\d:\d\d$/);
    await sql("UPDATE runs SET name = 'Renamed meanwhile' WHERE run_id = $1", [seededId('patch')]);
    screens.feed.tell({ kind: 'source', ok: true, since: new Date().toISOString() });
    await page.locator('.stream[data-state=live]').waitFor();
    await page.locator('#running-list').getByText('Renamed meanwhile').waitFor();
    await until('the other pages have left', () => screens.feed.subscribers === 1);
  });
});
