import { afterAll, beforeAll, beforeEach, afterEach, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { pino } from 'pino';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { Lifecycle } from '../../src/main/lifecycle.js';
import { caller } from '../support/node.js';
import { until } from '../support/until.js';
import { complaintsOf, openView, startBrowser } from './support/browser.js';
import { startScreens, type Screens } from './support/screens.js';

const GOOD = `api: xyn/v1
id: bp.shop.watch
triggers:
  - event: shop.slow # from the probe
plan:
  - kind: gate
    id: approve
    mode: manual
  - kind: transform
    id: note
    set: {seen: '{{ event.data.host }}'}
`;
const BAD = GOOD.replace('mode: manual', 'mod: manual');
/** An idle text becomes a revision after this, and a save that failed is tried again after that. */
const IDLE_MS = 5_000;
const RETRY_MS = 10_000;

let browser: Browser;
let screens: Screens;
let context: BrowserContext;
let page: Page;
let complaints: string[];

/** What the functions that run in the page use of it. */
declare const document: {
  querySelector(
    selector: string,
  ): { scrollWidth: number; clientWidth: number; scrollTop: number; selectionStart: number } | null;
  activeElement: { id: string } | null;
};

beforeAll(async () => {
  [browser, screens] = await Promise.all([startBrowser(), startScreens()]);
}, 60_000);

afterAll(async () => {
  await browser.close();
  await screens.close();
});

beforeEach(async () => {
  context = await openView(browser, { actor: 'ann' });
  page = await context.newPage();
  complaints = complaintsOf(page);
});

afterEach(async () => {
  await context.close();
});

async function open(definition: string): Promise<string> {
  const draft = { kind: 'blueprint' as const, name: `draft ${randomUUID()}` };
  const { draft_id: id } = await screens.drafts.save(caller(), { draft, definition });
  await page.goto(`${screens.url}/ui/drafts/${id}`);
  return id;
}

const source = () => page.locator('#source');
const checked = (words: RegExp | string) => page.getByTestId('check-state').filter({ hasText: words }).waitFor();
const definitionOf = async (id: string): Promise<string> => (await screens.drafts.get(id)).content.definition;
const caret = (): Promise<number> => page.evaluate(() => document.querySelector('#source')?.selectionStart ?? -1);

describe('the editor', () => {
  it('draws the text under itself in the same place, and keeps up with the keys', async () => {
    await open(GOOD);
    await checked('No problems');
    const lines = page.locator('.editor ol > li');
    expect(await lines.allTextContents()).toEqual(GOOD.split('\n'));
    expect(await lines.nth(1).locator('b').textContent()).toBe('id');
    expect(await lines.nth(3).locator('i').textContent()).toBe(' # from the probe');
    expect(await lines.nth(10).locator('mark').textContent()).toBe('{{ event.data.host }}');
    const [text, drawing] = await Promise.all([source().boundingBox(), page.locator('.editor ol').boundingBox()]);
    expect([text?.x, text?.y, text?.height]).toEqual([drawing?.x, drawing?.y, drawing?.height]);
    await source().press('Control+Home');
    await page.keyboard.type('# new\n');
    expect(await lines.allTextContents()).toEqual(`# new\n${GOOD}`.split('\n'));
    await page.keyboard.press('Control+a');
    await page.keyboard.press('Delete');
    expect(await lines.allTextContents()).toEqual(['']);
    expect(complaints).toEqual([]);
  });

  it('marks what is wrong on its line and column as one types, and clears it again', async () => {
    await open(BAD);
    await checked('2 errors');
    const wrong = page.locator('.editor li.wrong');
    expect(await wrong.count()).toBe(2);
    expect(await page.locator('.editor li').nth(7).locator('u').allTextContents()).toEqual(['mod', ':']);
    expect(await page.locator('#draft-graph a').count()).toBe(0);
    await source().fill(GOOD);
    await checked('No problems');
    expect(await wrong.count()).toBe(0);
    await page.getByTestId('graph-node-approve').waitFor();
    await source().fill(BAD);
    await checked('2 errors');
    // The last drawing stays while one types.
    expect(await page.getByTestId('graph-node-approve').count()).toBe(1);
    expect(complaints).toEqual([]);
  });

  it('says behind a line what is wrong with it, also when a character in it turns the direction of writing', async () => {
    await open(GOOD.replace('# from the probe', `# from \u202e${'the far probe '.repeat(30)}`));
    await checked('1 warning');
    const line = page.locator('.editor ol > li').nth(3);
    const [said, drawn] = await Promise.all([
      line.locator('small').boundingBox(),
      line.locator('> span').boundingBox(),
    ]);
    expect(said?.x).toBeGreaterThanOrEqual((drawn?.x ?? Infinity) + (drawn?.width ?? 0) - 1);
    const box = await page.locator('.editor ol').boundingBox();
    expect((said?.x ?? Infinity) + (said?.width ?? 0)).toBeLessThanOrEqual((box?.x ?? 0) + (box?.width ?? 0) + 1);
  });

  it('puts what is suggested in the place of a mistake, also without a script', async () => {
    const id = await open(BAD);
    await checked('2 errors');
    await page.getByTestId('problem-fix').first().click();
    await checked('No problems');
    expect(await source().inputValue()).toBe(GOOD);
    await page.keyboard.press('Control+z');
    expect(await source().inputValue()).toBe(BAD);
    const plain = await openView(browser, { actor: 'ann', script: false });
    const still = await plain.newPage();
    await still.goto(`${screens.url}/ui/drafts/${id}`);
    await still.getByRole('button', { name: 'Check' }).click();
    await still.getByTestId('problem-fix').first().click();
    expect(await still.locator('#source').inputValue()).toBe(GOOD);
    await plain.close();
    expect(complaints).toEqual([]);
  });

  it('goes from problem to problem by F8, and to the line of a problem or step by its link', async () => {
    await open(BAD);
    await checked('2 errors');
    const rows = await page.locator('#problems [data-line] a').allTextContents();
    const places = rows.map((text) => text.replace('Line and column', '').trim());
    const at = async (): Promise<string> => {
      const before = (await source().inputValue()).slice(0, await caret()).split('\n');
      return `${before.length}:${(before.at(-1)?.length ?? 0) + 1}`;
    };
    await source().focus();
    await page.keyboard.press('Control+Home');
    for (const place of [...places, places[0]]) {
      await page.keyboard.press('F8');
      expect(await at()).toBe(place);
      // The browser tells of the caret's new place a moment later.
      await page.getByTestId('caret-problem').filter({ hasText: /\S/ }).waitFor();
    }
    await source().fill(GOOD);
    await checked('No problems');
    await page.getByTestId('graph-node-note').click();
    expect(await at()).toBe('9:1');
    expect(await page.locator('#caret').textContent()).toBe('Line 9, column 1');
    expect(await page.evaluate(() => document.activeElement?.id)).toBe('source');
    // The graph follows.
    await page.locator('#draft-graph .here[data-testid=graph-node-note]').waitFor();
    for (let line = 0; line < 3; line += 1) await page.keyboard.press('ArrowUp');
    await page.locator('#draft-graph .here[data-testid=graph-node-approve]').waitFor();
  });

  it('makes a revision once nobody types, and by Ctrl S', async () => {
    await page.clock.install();
    const id = await open(GOOD);
    await checked('No problems');
    await source().press('Control+End');
    await page.keyboard.type('# later');
    expect(await page.getByTestId('draft-note').textContent()).toBe('Not saved yet.');
    await page.clock.fastForward(IDLE_MS);
    await page.getByTestId('draft-state').filter({ hasText: 'revision 2' }).waitFor();
    expect(await definitionOf(id)).toBe(`${GOOD}# later`);
    expect(await page.getByTestId('draft-note').textContent()).toBe('');
    await page.keyboard.type(' still');
    await page.keyboard.press('Control+s');
    await page.getByTestId('draft-state').filter({ hasText: 'revision 3' }).waitFor();
    expect(await definitionOf(id)).toBe(`${GOOD}# later still`);
    expect((await screens.drafts.get(id)).updated_by).toBe('ann');
    // A check of what is no longer there is given up.
    expect(complaints.filter((text) => !text.endsWith('/_validate'))).toEqual([]);
  });

  it('loses nothing when somebody else saved meanwhile', async () => {
    const id = await open(GOOD);
    await screens.drafts.save({ ...caller(), actor: 'petra' }, { draft: { id }, definition: `${GOOD}# theirs\n` });
    await source().press('Control+End');
    await page.keyboard.type('# mine\n');
    await page.keyboard.press('Control+s');
    const conflict = page.getByTestId('conflict');
    await conflict.getByText('saved meanwhile by petra').waitFor();
    await page.keyboard.type('# and more\n');
    expect(await source().inputValue()).toBe(`${GOOD}# mine\n# and more\n`);
    expect(await definitionOf(id)).toBe(`${GOOD}# theirs\n`);
    await page.getByTestId('save-over').click();
    await page.getByTestId('draft-state').filter({ hasText: 'revision 3' }).waitFor();
    expect(await definitionOf(id)).toBe(`${GOOD}# mine\n# and more\n`);
    expect(await conflict.count()).toBe(0);
    await page.keyboard.press('Control+s');
    expect((await screens.drafts.revisions(id, { limit: 10 })).items.length).toBe(3);
  });

  it('keeps the text while the server is away, and saves it afterwards', async () => {
    await page.clock.install();
    const id = await open(GOOD);
    await checked('No problems');
    await page.route('**/ui/drafts/**', (route) => route.abort());
    await source().press('Control+End');
    await page.keyboard.type('# away');
    await page.keyboard.press('Control+s');
    await page.getByTestId('draft-note').filter({ hasText: 'the server does not answer' }).waitFor();
    await page.unroute('**/ui/drafts/**');
    await page.clock.fastForward(RETRY_MS);
    await until('the text is saved', async () => (await definitionOf(id)) === `${GOOD}# away`);
  });

  it('takes an answer that is here before the libraries are', async () => {
    // They run when all of the page is loaded: a picture holds that up.
    let release = (): void => undefined;
    const answered = new Promise<void>((resolve) => (release = resolve));
    await page.route('**/slow.png', async (route) => {
      await answered;
      await route.abort();
    });
    await page.addInitScript(
      `addEventListener('DOMContentLoaded', () => { document.body.append(new Image()); document.body.lastChild.src = '/slow.png'; })`,
    );
    const opened = open(GOOD);
    await page.waitForResponse((one) => one.url().endsWith('/_validate') && one.status() === 200);
    release();
    await opened;
    await checked('No problems');
    expect(await page.getByTestId('draft-note').textContent()).toBe('');
  });

  it('asks before a page with unsaved text is left', async () => {
    await open(GOOD);
    await checked('No problems');
    await source().press('Control+End');
    await page.keyboard.type('# unsaved');
    const asked = page.waitForEvent('dialog');
    const left = page.goto(`${screens.url}/ui/drafts`).catch(() => undefined);
    const dialog = await asked;
    expect(dialog.type()).toBe('beforeunload');
    await dialog.dismiss();
    await left;
    expect(await source().inputValue()).toBe(`${GOOD}# unsaved`);
  });

  it('leads from a mistake to a promoted version, by keyboard alone', async () => {
    const id = await open(BAD);
    await checked('2 errors');
    expect(await page.getByTestId('draft-promote').getAttribute('aria-disabled')).toBe('true');
    await page.keyboard.press('F8');
    await page.keyboard.press('End');
    await source().press('Control+Home');
    await page.keyboard.press('F8');
    await source().fill(GOOD);
    await checked('No problems');
    await page.getByTestId('draft-validate').focus();
    await page.keyboard.press('Enter');
    const promote = page.locator('a[data-testid=draft-promote]');
    await promote.waitFor();
    expect(await page.getByTestId('draft-state').textContent()).toContain('revision 2');
    await promote.focus();
    await page.keyboard.press('Enter');
    const dialog = page.locator('#confirm');
    await dialog.getByText('Promote revision 2?').waitFor();
    await page.getByTestId('promote-reason').fill('it was wrong');
    await page.keyboard.press('Tab');
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await page.getByTestId('page-blueprint').waitFor();
    expect((await screens.core.blueprints.get('bp.shop.watch')).source).toBe(GOOD);
    expect((await screens.drafts.get(id)).status).toBe('promoted');
    expect(complaints).toEqual([]);
    // Its trigger counts at once.
    const lifecycle = new Lifecycle(pino({ level: 'silent' }));
    screens.core.startBackground(lifecycle);
    await screens.core.events.emit(caller(), { event_name: 'shop.slow', data: { host: 'web-1' } });
    const runs = async (): Promise<number> =>
      (await screens.core.runs.list({ blueprint_id: 'bp.shop.watch', limit: 5 })).items.length;
    await until('the event starts a run', async () => (await runs()) === 1);
    await lifecycle.close();
  });

  it('stays quick with a long document: 3 000 lines', async () => {
    const steps = Array.from(
      { length: 490 },
      (_, at) => `  - kind: transform\n    id: t${at}\n    set:\n      a: 1\n      b: 2\n`,
    ).join('');
    await open(`api: xyn/v1\nid: bp.long\nlimits: {steps: 1000}\nplan:\n${steps}`);
    await checked(/No problems|warning/);
    expect(await page.locator('.editor ol > li').count()).toBe(2_455);
    await source().press('Control+End');
    const ms = await page.evaluate(`(() => {
      const text = document.querySelector('#source');
      const began = performance.now();
      for (let at = 0; at < 20; at += 1) { text.setRangeText('x', text.value.length, text.value.length, 'end'); text.dispatchEvent(new InputEvent('input', { bubbles: true })); }
      return (performance.now() - began) / 20;
    })()`);
    expect(ms).toBeLessThan(50);
  });
});
