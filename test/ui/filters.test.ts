import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Browser, Page } from 'playwright-core';
import { openView, startBrowser } from './support/browser.js';
import { getPage } from './support/requests.js';
import { startScreens, type Screens } from './support/screens.js';
import { seededId } from './support/seed.js';

let browser: Browser;
let screens: Screens;
beforeAll(async () => {
  [browser, screens] = await Promise.all([startBrowser(), startScreens({ proof: true })]);
}, 60_000);
afterAll(() => Promise.all([browser.close(), screens.close()]));

const wordsOf = async (list: string, q: string): Promise<string[]> => {
  const { text } = await getPage(screens, `/ui/${list}?q=${encodeURIComponent(q)}`);
  const [, options = ''] = /<datalist[^>]*>(.*?)<\/datalist>/.exec(text) ?? [];
  return [...options.matchAll(/<option value="([^"]*)"/g)].map(([, value = '']) => value);
};

describe('the completion of a filter', () => {
  it.each([
    ['runs', '', ['status:', 'blueprint:', 'by:', 'trigger:', 'started:']],
    ['runs', 'status:', 7],
    ['runs', 'status:f', ['status:failed']],
    ['runs', 'status:failed b', ['status:failed blueprint:', 'status:failed by:']],
    ['runs', 'blueprint:bp.c', ['blueprint:bp.ci.build']],
    ['runs', 'by:', 5],
    ['runs', 'trigger:git', ['trigger:git.push']],
    ['events', 'name:git', ['name:git.push']],
    ['events', 'became:', ['became:started', 'became:nomatch', 'became:held', 'became:refused']],
    ['events', 'run:', []],
    ['audit', 'action:gate.', ['action:gate.decide', 'action:gate.open']],
    ['artifacts', 'kind:l', ['kind:log']],
  ])('goes on in %s after %j', async (list, q, expected) => {
    const words = await wordsOf(list, q);
    if (typeof expected === 'number') expect(words).toHaveLength(expected);
    else expect(words.sort()).toEqual([...expected].sort());
  });

  it.each(['/ui/runs', `/ui/events/${seededId('push-3')}`])('follows what is typed at %s', async (path) => {
    const page = await (await openView(browser)).newPage();
    await page.goto(screens.url + path);
    const [field, word, whole] = path.includes('events')
      ? ['#event-filter', 'name:git', 'name:git.push']
      : ['#run-filter', 'trigger:g', 'trigger:git.push'];
    await page.locator(field).pressSequentially(word);
    await page.locator(`${field}-words option[value="${whole}"]`).waitFor({ state: 'attached' });
    expect(await page.locator(field).inputValue()).toBe(word);
    expect(await page.locator(field).evaluate((input) => input.ownerDocument.activeElement === input)).toBe(true);
    await page.context().close();
  });
});

describe('saved views', () => {
  const chips = (page: Page): Promise<string[]> => page.getByTestId('saved-views').locator('a.chip').allTextContents();

  async function save(page: Page, q: string, name: string): Promise<void> {
    await page.goto(`${screens.url}/ui/runs?q=${encodeURIComponent(q)}`);
    await page.getByTestId('save-view').locator('summary').click();
    await page.getByLabel('Name').fill(name);
    await page.getByRole('button', { name: 'Save', exact: true }).click();
    await page.getByTestId('forget-view').waitFor();
  }

  it.each([true, false])(
    'are named, opened and forgotten (script: %s), in one browser and one list',
    async (script) => {
      const page = await (await openView(browser, { script })).newPage();
      await page.goto(`${screens.url}/ui/runs`);
      expect(await page.getByTestId('saved-views').count()).toBe(0);
      await save(page, 'status:failed by:jonas', 'Jonas & <failed>');
      await save(page, 'blueprint:bp.ci.build', 'Builds');
      expect(await chips(page)).toEqual(['Jonas & <failed>', 'Builds']);
      await page.goto(`${screens.url}/ui/runs`);
      await page.getByRole('link', { name: 'Builds' }).click();
      await page.waitForURL(/q=blueprint/);
      expect(await page.getByRole('link', { name: 'Builds' }).getAttribute('aria-current')).toBe('true');
      expect(await page.locator('#run-filter').inputValue()).toBe('blueprint:bp.ci.build');
      await page.getByTestId('forget-view').click();
      await page.waitForURL(/\/ui\/runs$/);
      expect(await chips(page)).toEqual(['Jonas & <failed>']);
      await page.goto(`${screens.url}/ui/events`);
      expect(await page.getByTestId('saved-views').count()).toBe(0);
      await page.context().close();
    },
  );

  it('with the same name take its place, and a filter that says nothing is not kept', async () => {
    const page = await (await openView(browser)).newPage();
    await save(page, 'status:failed', 'Mine');
    await save(page, 'status:open', 'Mine');
    expect(await chips(page)).toEqual(['Mine']);
    await page.goto(`${screens.url}/ui/runs?q=statu:open`);
    expect(await page.getByTestId('save-view').count()).toBe(0);
    await page.context().close();
  });

  it('are eight at most, and a cookie that is none of ours is not read', async () => {
    const view = await openView(browser);
    const page = await view.newPage();
    for (let n = 1; n <= 8; n += 1) await save(page, `by:user${n}`, `View ${n}`);
    await page.goto(`${screens.url}/ui/runs?q=by:user9`);
    expect(await page.getByTestId('saved-views').innerText()).toContain('8 views are the most');
    const token = await page.locator('input[name=_csrf]').first().inputValue();
    const answer = await view.request.post(`${screens.url}/ui/runs/views`, {
      form: { _csrf: token, name: 'Ninth', q: 'by:user9' },
      headers: { Origin: screens.url },
    });
    expect([answer.status(), await answer.text()]).toEqual([422, expect.stringContaining('forget one')]);
    for (const value of ['x', '%', encodeURIComponent('[["a"]]'), encodeURIComponent('{"a":1}')]) {
      await view.addCookies([{ name: 'xyn_views_runs', value, url: `${screens.url}/ui/runs` }]);
      await page.goto(`${screens.url}/ui/runs`);
      expect(await page.getByTestId('run-list').count()).toBe(1);
      expect(await page.getByTestId('saved-views').count()).toBe(0);
    }
    await page.context().close();
  });
});
