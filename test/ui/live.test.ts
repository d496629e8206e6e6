import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { OverviewService } from '../../src/services/overview.js';
import { caller } from '../support/node.js';
import { action, planOf } from '../support/plans.js';
import { until } from '../support/until.js';
import { openView, startBrowser } from './support/browser.js';
import { startScreens, type Screens } from './support/screens.js';
import { seededId } from './support/seed.js';

/** What the functions that run in the page use of it. */
declare const document: {
  activeElement: { getAttribute(name: string): string | null } | null;
  querySelector(selector: string): { open: boolean };
};
declare const scrollTo: (x: number, y: number) => void;
declare const scrollY: number;
declare const getSelection: () => { selectAllChildren(node: unknown): void; toString(): string };
declare const PerformanceObserver: new (then: (list: { getEntries(): { value: number }[] }) => void) => {
  observe(what: object): void;
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

/** Follows the stream of a page without a browser. */
async function follow(path: string): Promise<{ text: () => string; leave: () => void }> {
  const markup = await (await fetch(screens.url + path)).text();
  const said = (name: string): string =>
    new RegExp(`data-${name}="([^"]*)"`).exec(markup)?.[1]?.replaceAll('&amp;', '&') ?? '';
  const leaving = new AbortController();
  const answer = await fetch(`${screens.url}${said('live')}&after=${encodeURIComponent(said('position'))}`, {
    signal: leaving.signal,
  });
  let text = '';
  void (async () => {
    for await (const chunk of answer.body?.pipeThrough(new TextDecoderStream()) ?? []) text += chunk;
  })().catch(() => undefined);
  return { text: () => text, leave: () => leaving.abort() };
}

describe('a page that is not painted yet', () => {
  it('comes to life with the first key, which does what it does', async () => {
    const covered = await context.newPage();
    await covered.addInitScript('PerformanceObserver.prototype.observe = () => undefined');
    await covered.goto(`${screens.url}/ui/runs`);
    await covered.keyboard.press('/');
    await covered.locator('#run-filter:focus').waitFor();
    await covered.locator('.stream[data-state=live]').waitFor();
    await covered.close();
  });
});

describe('a live list', () => {
  // First: a count from before a change, which all pages share for two seconds, would be news.
  it('sends nothing for a change that changes nothing here', async () => {
    const draws = jest.spyOn(OverviewService.prototype, 'runs');
    const drawn = async (): Promise<number> => (await Promise.all(draws.mock.results.map(({ value }) => value))).length;
    const stream = await follow('/ui/runs');
    for (let n = 0; n < 3; n += 1) {
      const before = await drawn();
      for (let change = 0; change < 20; change += 1) screens.feed.change('runs');
      await until('the list is drawn again', async () => (await drawn()) > before);
    }
    draws.mockRestore();
    await addRun('The first news');
    await until('the new run is told', () => stream.text().includes('The first news'));
    expect(stream.text().match(/^event: patch$/gm)).toHaveLength(1);
    stream.leave();
  });

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

  it('has room for a date among times of the day, when midnight passed while somebody read', async () => {
    await open('/ui/events');
    const cut = await page.evaluate<number>(`(() => {
      const list = document.querySelector('#event-list');
      list.classList.remove('is-dated', 'is-yeared');
      const time = list.querySelector('time');
      time.textContent = '21 Nov 23:59:58';
      return time.scrollWidth - time.clientWidth;
    })()`);
    expect(cut).toBe(0);
  });

  it('narrows to what is drawn over', async () => {
    // Of the whole log the bars may be two seconds old; these are not.
    await open('/ui/events?q=name:busy.*');
    const box = await page.locator('svg[data-range]').boundingBox();
    if (box === null) throw new Error('The chart is not shown.');
    const x = (share: number): number => box.x + box.width * share;
    await page.mouse.move(x(0.5), box.y + 20);
    await page.mouse.down();
    await page.mouse.move(x(0.75), box.y + 20, { steps: 4 });
    // The chart is drawn anew meanwhile.
    await addEvent('busy.while_drawing');
    await page.getByText('busy.while_drawing').first().waitFor();
    await page.mouse.up();
    await page.getByTestId('event-span').waitFor();
    const q = new URL(page.url()).searchParams.get('q') ?? '';
    const [, from = '', to = ''] = /from:(\S+) to:(\S+)/.exec(q) ?? [];
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

/** A window with a clock of its own that stands still: what takes seconds for a reader is passed over, nothing else is. */
async function withStillClock(path: string, fastMs: number, work: (page: Page) => Promise<void>): Promise<void> {
  const own = await openView(browser);
  try {
    const still = await own.newPage();
    const now = Date.now() + fastMs;
    await still.clock.install({ time: now });
    await still.clock.pauseAt(now + 1_000);
    await still.goto(screens.url + path);
    await still.locator('.stream[data-state=live]').waitFor();
    await work(still);
  } finally {
    await own.close();
  }
}

describe('a page without a stream', () => {
  it('says so within ten seconds, fetches what changed, and follows the stream again without a gap', () =>
    withStillClock('/ui/runs', 0, async (still) => {
      const drain = still.locator(`#run-${seededId('drain')}`);
      const rename = (name: string) => sql('UPDATE runs SET name = $1 WHERE run_id = $2', [name, seededId('drain')]);
      let mayPoll = false;
      await still.route('**/ui/live?**', (route) =>
        mayPoll && route.request().url().includes('poll=1') ? route.continue() : route.abort(),
      );
      screens.cut();
      await still.locator('.stream[data-state=lost]').waitFor();
      expect(await still.locator('#live-note').isVisible()).toBe(false);
      await still.clock.fastForward(STALE_MS);
      await still.getByText('Not live. What you see is from').waitFor();
      mayPoll = true;
      await rename('Renamed while cut off');
      await still.clock.fastForward(POLL_MS);
      await drain.getByText('Renamed while cut off').waitFor();
      await still.locator('.stream[data-state=polling]').waitFor();
      expect(await still.locator('#live-note').isVisible()).toBe(false);
      // It fetches as often as it says.
      await rename('Renamed again');
      await still.clock.fastForward(POLL_MS);
      await drain.getByText('Renamed again').waitFor();
      expect(await still.getByTestId('stream-state').innerText()).toBe('Every 5 s');
      // What it shows is old again when it cannot be fetched either.
      mayPoll = false;
      await still.clock.fastForward(STALE_MS);
      await still.getByText('Not live. What you see is from').waitFor();
      await still.locator('.stream[data-state=lost]').waitFor();
      await still.unroute('**/ui/live?**');
      await still.clock.fastForward(POLL_MS);
      await still.locator('.stream[data-state=live]').waitFor();
      await addRun('Came after the stream was back');
      await still.getByText('Came after the stream was back').waitFor();
      expect(await still.locator('#run-list tr', { hasText: 'Came after the stream was back' }).count()).toBe(1);
    }));
});

describe('a stream that breaks', () => {
  const broken = (): void => screens.feed.tell({ kind: 'source', ok: false, since: new Date().toISOString() });
  const whole = (): void => screens.feed.tell({ kind: 'source', ok: true, since: new Date().toISOString() });

  it('says since when the page is old, also where the clock is wrong, and goes on by itself', () =>
    withStillClock('/ui', 3_600_000, async (still) => {
      broken();
      await still.locator('.stream[data-state=lost]').waitFor();
      const said = await still.getByTestId('stream-state').innerText();
      expect(said).toMatch(/^Reconnecting\s·\sas\sof\s\d\d:\d\d:\d\d$/);
      const here = await still.evaluate(() => new Date().toTimeString());
      const [at, now] = [said, here].map((text) => Date.parse(`1970-01-01T${/[\d:]{8}/.exec(text)?.[0] ?? ''}Z`));
      // Within a minute, around midnight too.
      expect(Math.abs((at ?? NaN) - (now ?? NaN)) % 86_340_000).toBeLessThan(60_000);
      await still.clock.runFor(STALE_MS / 2);
      expect(await still.getByTestId('stream-state').innerText()).toBe(said);
      await sql("UPDATE runs SET name = 'Renamed meanwhile' WHERE run_id = $1", [seededId('patch')]);
      whole();
      await still.locator('#running-list').getByText('Renamed meanwhile').waitFor();
      await still.locator('.stream[data-state=live]').waitFor();
      // Also when nothing was missed.
      broken();
      await still.locator('.stream[data-state=lost]').waitFor();
      whole();
      await still.locator('.stream[data-state=live]').waitFor();
    }));

  it('is not live because something is told by another way', async () => {
    const stream = await follow('/ui/runs');
    broken();
    await until('the page is told', () => stream.text().includes('event: stale'));
    await addRun('Told by another way');
    await until('and told again', () => /Told by another way[^]*event: stale/.test(stream.text()));
    stream.leave();
    await until('the other pages have left', () => screens.feed.subscribers === 1);
  });
});
