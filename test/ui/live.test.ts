import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { until } from '../support/until.js';
import { openView, startBrowser } from './support/browser.js';
import { startScreens, type Screens } from './support/screens.js';
import { seededId } from './support/seed.js';

/** What the functions that run in the page use of it. */
declare const document: {
  activeElement: { getAttribute(name: string): string | null } | null;
  body: { dataset: Record<string, string | undefined> };
};
declare const scrollTo: (x: number, y: number) => void;
declare const EventSource: new (url: string) => {
  addEventListener(type: string, listener: () => void): void;
  close(): void;
};

let browser: Browser;
let screens: Screens;
let context: BrowserContext;
let page: Page;

beforeAll(async () => {
  [browser, screens] = await Promise.all([startBrowser(), startScreens()]);
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
