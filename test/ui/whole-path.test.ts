import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { caller } from '../support/node.js';
import { describeWith } from '../support/parts.js';
import { action, gate, planOf } from '../support/plans.js';
import { until } from '../support/until.js';
import { testLock } from '../support/worker.js';
import { complaintsOf, openView } from './support/browser.js';
import { startWorkbench, type Workbench } from './support/workbench.js';

let bench: Workbench;

beforeAll(async () => {
  bench = await startWorkbench({ stage: 'prod' });
  const state = ['.', ['.', ['v', 'event'], 'data'], 'state'] as const;
  const plan = planOf(
    [
      action('look', { action: 't.print', effect: 'read', name: 'Look at the disk', with: { text: 'disk is full\n' } }),
      gate('ask', { name: 'Approve the cleaning', message: 'Clean the disk of shop-3?', reason: 'required' }),
      action('clean', {
        action: 't.echo',
        effect: 'destructive',
        name: 'Clean the disk',
        with: { host: 'shop-3', seen: { $: [...state] } },
      }),
    ],
    {
      id: 'bp.disk.clean',
      actions: testLock,
      triggers: [{ kind: 'event', event: 'checkmk.alert', filter: ['==', [...state], 'CRIT'] }],
    },
  );
  await bench.node.blueprints.savePlan(caller(), { plan, source: 'id: bp.disk.clean\n', debug: {} });
}, 60_000);

afterAll(() => bench.close());

describeWith('temporal')('a person with a browser alone', () => {
  it('sees why an alert started a run or not, decides at phone width, watches, finds the log, and proves the trail', async () => {
    const { node, url, browser, proof } = bench;
    for (const state of ['WARN', 'CRIT']) {
      await node.events.emit(caller('checkmk'), { event_name: 'checkmk.alert', data: { host: 'shop-3', state } });
    }
    const gateId = await until(
      'the gate is open',
      async () => (await node.gates.list({ status: 'open', limit: 1 })).items[0]?.gate_id,
    );
    const context = await openView(browser, { actor: 'bea', width: 390, height: 844 });
    const page = await context.newPage();
    const complaints = complaintsOf(page);

    // Why nothing started, and why something did.
    await page.goto(`${url}/ui/events?q=name%3Acheckmk.alert`);
    await page.getByTestId('event-list').getByText('no match').click();
    await page.getByTestId('event-detail').getByText('"WARN"').first().waitFor();
    await page.getByTestId('event-list').getByText('run', { exact: false }).first().click();
    await page.getByTestId('event-detail').getByText('Started a run').waitFor();

    // What it will do, and the decision.
    await page.goto(`${url}/ui/gates`);
    await page.getByRole('link', { name: 'Clean the disk of shop-3?' }).click();
    expect(page.url()).toContain(gateId);
    expect(await page.getByTestId('gate-action-1').innerText()).toMatch(/Clean the disk[^]*cannot be undone[^]*shop-3/);
    await page.getByRole('link', { name: 'Decide' }).click();
    await page.getByTestId('gate-reason').fill('Looked at it.');
    await page.getByTestId('gate-confirm').fill('shop-3');
    await page.getByTestId('gate-approve').click();
    await page.getByTestId('gate-record').waitFor();

    // The end comes by itself.
    const [run] = (await node.runs.list({ blueprint_id: 'bp.disk.clean', limit: 5 })).items;
    await page.goto(`${url}/ui/runs/${run?.run_id ?? ''}?step=look&tab=log`);
    await page.locator('#run-head').getByText('Completed').waitFor();
    await page.getByTestId('step-log').getByText('disk is full').waitFor();
    await page.goto(`${url}/ui/artifacts`);
    await page.getByTestId('artifact-list').getByRole('link').first().waitFor();

    // The record of all this.
    await proof.link();
    await page.goto(`${url}/ui/audit`);
    await page.getByTestId('audit-list').getByText('gate.decide').first().waitFor();
    await page.getByTestId('audit-verify').click();
    await page.getByTestId('audit-state').getByText('The chain is whole.').waitFor();
    expect(complaints).toEqual([]);
    await context.close();
  });
});
