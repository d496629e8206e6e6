import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Page } from 'playwright-core';
import { caller, type TestNode } from '../support/node.js';
import { action, gate, planOf } from '../support/plans.js';
import { until } from '../support/until.js';
import { testLock } from '../support/worker.js';
import { openView } from './support/browser.js';
import { startWorkbench, type Workbench } from './support/workbench.js';

/** Runs in the page, whose types this project's tests do not have. */
function setValue(field: unknown, value: string): void {
  (field as { setAttribute(name: string, value: string): void }).setAttribute('value', value);
}

let bench: Workbench;
let node: TestNode;

beforeAll(async () => {
  bench = await startWorkbench({ stage: 'prod' });
  ({ node } = bench);
  const plan = planOf(
    [
      gate('ask', { name: 'Approve the restart', message: 'Restart the balancer?', require: 2, reason: 'required' }),
      action('restart', { action: 't.echo', with: { host: 'lb-1' }, effect: 'destructive', name: 'Restart' }),
    ],
    { id: 'bp.ask', actions: testLock },
  );
  await node.blueprints.savePlan(caller(), { plan, source: '', debug: {} });
}, 90_000);

afterAll(() => bench.close());

async function openGate(): Promise<{ runId: string; path: string }> {
  const run = await node.runs.create(caller(), { blueprint_ref: 'bp.ask' });
  const found = await until('the gate is open', async () => (await node.access.gates.openOf(run.run_id))[0]);
  return { runId: run.run_id, path: `/ui/gates/${found.gate_id}` };
}

async function as<T>(actor: string, work: (page: Page) => Promise<T>, script = true): Promise<T> {
  const context = await openView(bench.browser, { actor, script });
  try {
    return await work(await context.newPage());
  } finally {
    await context.close();
  }
}

const decisions = async (path: string): Promise<unknown[]> =>
  (await node.gates.get(path.split('/').at(-1) ?? '')).decisions;

/** Moves the focus as a person without a mouse does, until it is on the element. */
async function tabTo(page: Page, testId: string): Promise<void> {
  for (let n = 0; n < 80; n += 1) {
    await page.keyboard.press('Tab');
    if (
      (await page
        .locator(':focus')
        .getAttribute('data-testid')
        .catch(() => null)) === testId
    )
      return;
  }
  throw new Error(`Tab never reaches ${testId}.`);
}

describe('a gate in the browser', () => {
  it('is approved by two people, by keyboard alone, and the run goes on', async () => {
    const { runId, path } = await openGate();
    for (const actor of ['bea', 'cem']) {
      await as(actor, async (page) => {
        await page.goto(bench.url + path);
        await tabTo(page, 'gate-reason');
        await page.keyboard.type('Looked at it.');
        await tabTo(page, 'gate-confirm');
        await page.keyboard.type('lb-1');
        await tabTo(page, 'gate-approve');
        await page.keyboard.press('Enter');
        await page.getByTestId('gate-approvals').getByText('You', { exact: true }).waitFor();
        expect(await page.getByTestId('gate-approve').count()).toBe(0);
      });
    }
    await until('the run ends', async () => (await node.runs.get(runId)).status === 'completed');
  });

  it('is not decided without a reason, nor without the name of what cannot be undone', async () => {
    const { path } = await openGate();
    await as('bea', async (page) => {
      await page.goto(bench.url + path);
      await page.getByTestId('gate-approve').click();
      expect(await page.locator('.problem').allInnerTexts()).toHaveLength(2);
      await page.getByTestId('gate-reason').fill('Because.');
      await page.getByTestId('gate-confirm').fill('lb-2');
      await page.getByTestId('gate-approve').click();
      expect(await page.locator('.problem').allInnerTexts()).toEqual(['Type lb-1 as it is written here.']);
      expect(await page.getByTestId('gate-reason').inputValue()).toBe('Because.');
    });
    expect(await decisions(path)).toEqual([]);
  });

  it('is decided from within the form only, by the button that had the focus last', async () => {
    const { path } = await openGate();
    await as('bea', async (page) => {
      await page.goto(bench.url + path);
      await page.keyboard.press('Control+Enter');
      await page.getByTestId('gate-reason').fill('Not now.');
      await page.getByTestId('gate-reason').press('Control+Enter');
      expect(await decisions(path)).toEqual([]);
      await page.getByTestId('gate-reject').focus();
      await page.getByTestId('gate-reason').press('Control+Enter');
      await page.getByTestId('gate-approvals').getByText('You', { exact: true }).waitFor();
    });
    expect(await decisions(path)).toMatchObject([{ decision: 'reject', actor: 'bea' }]);
  });

  it('is rejected without JavaScript', async () => {
    const { runId, path } = await openGate();
    await as(
      'bea',
      async (page) => {
        await page.goto(bench.url + path);
        await page.getByTestId('gate-reason').fill('Not today.');
        await page.getByTestId('gate-reject').click();
        await page.getByText('Not today.').waitFor();
      },
      false,
    );
    const run = await until('the run ends', async () => {
      const seen = await node.runs.get(runId);
      return seen.status === 'failed' && seen;
    });
    expect(run.error).toMatchObject({ code: 'gate_rejected' });
  });

  it('refuses a decision about what the gate no longer asks', async () => {
    const { path } = await openGate();
    await as('bea', async (page) => {
      await page.goto(bench.url + path);
      await page.getByTestId('gate-reason').fill('Looked at it.');
      await page.getByTestId('gate-confirm').fill('lb-1');
      await page.locator('input[name=digest]').evaluate(setValue, 'sha256:0');
      const seen = [
        ['restart', '0', { host: 'lb-0', script: 'echo one\nsleep 5' }],
        ['other', '1'],
      ];
      await page.locator('input[name=seen]').evaluate(setValue, JSON.stringify(seen));
      await page.getByTestId('gate-approve').click();
      const told = await page.getByTestId('gate-problem').innerText();
      expect(told).toContain('Refused: the plan changed.');
      expect(told).toContain('restart runs with other arguments');
      expect(told).toContain('other no longer runs');
      const row = page.getByTestId('gate-changes').getByRole('row', { name: 'host' });
      expect(await row.getByRole('cell').allInnerTexts()).toEqual(['lb-0', 'lb-1']);
      const text = page.getByTestId('gate-changes').getByRole('region', { name: 'Changed lines' });
      expect(await text.locator('.removed').allInnerTexts()).toEqual(['echo one', 'sleep 5']);
      expect(await page.getByTestId('gate-reason').inputValue()).toBe('Looked at it.');
    });
    expect(await decisions(path)).toEqual([]);
  });

  it('is decided by nothing but its form: no GET, no HEAD, no foreign or repeated POST', async () => {
    const { path } = await openGate();
    const decide = `${bench.url}${path}/decide?decision=approve`;
    for (const method of ['GET', 'HEAD']) expect((await fetch(decide, { method })).status).toBe(404);
    const body = new URLSearchParams({ decision: 'approve', reason: 'x', _csrf: 'A'.repeat(22) });
    expect((await fetch(`${bench.url}${path}/decide`, { method: 'POST', body })).status).toBe(403);
    const headers = { origin: 'http://evil.example' };
    expect((await fetch(`${bench.url}${path}/decide`, { method: 'POST', body, headers })).status).toBe(403);
    expect(await decisions(path)).toEqual([]);
  });
});
