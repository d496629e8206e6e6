import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import type { Page } from 'playwright-core';
import { caller, type TestNode } from '../support/node.js';
import { describeWith } from '../support/parts.js';
import { planOf, transform } from '../support/plans.js';
import { until } from '../support/until.js';
import { openView } from './support/browser.js';
import { getPage, sendForm } from './support/requests.js';
import { startWorkbench, type Workbench } from './support/workbench.js';

const BLUEPRINT = `bp.nightly.x${randomUUID().slice(0, 8)}`;
const ID = `${BLUEPRINT}:1`;
const PATH = `/ui/schedules/${encodeURIComponent(ID)}`;

let bench: Workbench;
let node: TestNode;

beforeAll(async () => {
  bench = await startWorkbench({ stage: 'prod', sync: true });
  ({ node } = bench);
  const triggers = [{ kind: 'schedule', cron: '30 2 * * *', timezone: 'Europe/Berlin', catchup_ms: 600_000 } as const];
  const plan = planOf([transform('seen', [['x', 1]])], { id: BLUEPRINT, triggers });
  await node.blueprints.savePlan(caller(), { plan: { ...plan }, source: `id: ${BLUEPRINT}`, debug: {} });
}, 60_000);

afterAll(async () => {
  await node.gateway.schedules.remove('local', ID);
  await bench.close();
});

const press = async (page: Page, testId: string): Promise<void> => {
  await page.getByTestId(testId).first().click();
  await page.getByTestId('confirm').waitFor();
};

describeWith('temporal')('schedules on screen', () => {
  it('are run, paused with a note, and resumed, without a script too', async () => {
    for (const script of [true, false]) {
      const context = await openView(bench.browser, { script });
      const page = await context.newPage();
      await page.goto(`${bench.url}/ui`);
      expect(await page.getByTestId('coming-up').locator('li').count()).toBe(5);
      await page.goto(`${bench.url}/ui/schedules`);
      await page.getByTestId('schedule-row').waitFor();
      const before = (await node.schedules.get(ID)).runs.length;

      await press(page, 'schedule-trigger');
      await page.getByTestId('schedule-trigger-confirm').click();
      await page.getByTestId('page-schedule').waitFor();
      await until('its run has ended', async () => {
        const { runs } = await node.schedules.get(ID);
        return runs.length > before && runs[0]?.status === 'completed';
      });
      // The page shows it without being asked; without a script it is asked.
      if (script) await page.getByTestId('run-list').getByText('Completed').nth(before).waitFor();
      else await page.reload();
      expect(await page.getByTestId('run-list').locator('li').count()).toBe(before + 1);

      await press(page, 'schedule-pause');
      await page.getByLabel('Why').fill('the rack is being moved');
      await page.getByTestId('schedule-pause-confirm').click();
      await page.getByTestId('schedule-note').waitFor();
      expect(await page.getByTestId('schedule-note').innerText()).toContain('the rack is being moved');
      expect(await page.locator('svg.times.is-off circle').count()).toBe(10);

      await press(page, 'schedule-pause');
      await page.getByTestId('schedule-pause-confirm').click();
      await page.getByTestId('page-schedule').waitFor();
      expect(await page.getByTestId('schedule-note').count()).toBe(0);
      await context.close();
    }
  }, 90_000);

  it('tell the times of a backfill before they fire', async () => {
    const range = 'from=2026-10-23T12:00:00Z&to=2026-10-26T12:00:00Z';
    const shown = await getPage(bench, `${PATH}/backfill?${range}`);
    expect([...shown.text.matchAll(/2026-10-\d\d 02:30 \+0\d:00/g)].map(([text]) => text)).toEqual([
      '2026-10-24 02:30 +02:00',
      '2026-10-25 02:30 +01:00',
      '2026-10-26 02:30 +01:00',
    ]);
    expect(shown.text).toContain('Fire 3 times');
    const sent = await sendForm(bench, `${PATH}/backfill?${range}`);
    expect([sent.status, sent.location]).toEqual([303, PATH]);
    await until('they ran', async () => {
      const { runs } = await node.schedules.get(ID);
      return runs.filter(({ scheduled_at: at }) => at.startsWith('2026-10')).length === 3;
    });
    expect((await getPage(bench, `${PATH}/backfill?${range}`)).text).toContain('fired before, passed over');
    expect((await getPage(bench, `${PATH}/backfill?from=2026-01-01T00:00:00Z&to=2999-01-01T00:00:00Z`)).text).toContain(
      'its end is still to come',
    );
    expect((await getPage(bench, `${PATH}/backfill?from=x&to=y`)).text).toContain('A time is written like');
  });

  it('want to know why they are paused', async () => {
    const answer = await sendForm(bench, `${PATH}/pause`, { note: ' ' });
    expect(answer.status).toBe(422);
    expect(answer.text).toContain('Say why in a few words.');
    expect((await node.schedules.get(ID)).is_paused).toBe(false);
    expect((await getPage(bench, '/ui/schedules/bp.none%3A1')).status).toBe(404);
  });

  it('stand on the tab of their blueprint', async () => {
    const { text } = await getPage(bench, `/ui/blueprints/${BLUEPRINT}/schedules`);
    expect(text).toContain('data-testid="schedule-row"');
    expect((await getPage(bench, `/ui/blueprints/${BLUEPRINT}`)).text).toContain('30 2 * * * Europe/Berlin');
  });
});
