import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import type { Page } from 'playwright-core';
import { z } from 'zod';
import { ActionFailure, defineAction } from '../../src/domain/action.js';
import type { JsonObject } from '../../src/domain/json.js';
import { ActionRegistry } from '../../src/registry/registry.js';
import { caller, type TestNode } from '../support/node.js';
import { action, planOf } from '../support/plans.js';
import { until } from '../support/until.js';
import { openView } from './support/browser.js';
import { startWorkbench, type Workbench } from './support/workbench.js';

/** What the functions that run in the page use of it. */
declare const getSelection: () => { selectAllChildren(node: unknown): void; toString(): string };
declare const document: { querySelector(selector: string): { open: boolean } | null };

let bench: Workbench;
let node: TestNode;
/** Steps that refuse, and what lets each step of a slow run go on. */
const broken = new Set<string>();
const doors = new Map<string, () => void>();

const any = z.record(z.string(), z.json());
const actions = new ActionRegistry([
  {
    name: 'target',
    version: '1.0.0',
    actions: [
      defineAction<JsonObject, JsonObject>({
        name: 'target.do',
        summary: 'does it, unless the target refuses',
        input: any,
        output: any,
        traits: { effect: 'write', idempotency: 'keyed' },
        errors: {},
        execute: async (input, context) => {
          const { path: at } = context;
          if (input['slow'] === true) context.output('stdout', Buffer.from(`${at} waits\n`));
          if (input['slow'] === true) await new Promise<void>((resolve) => doors.set(at, resolve));
          if (broken.has(at)) throw new ActionFailure({ code: 'refused', message: 'No.', retryable: false });
          return input;
        },
      }),
    ],
  },
]);
const lock = { 'target.do': { pack: 'target@1.0.0', contract: actions.find('target.do')?.contract ?? '' } };

beforeAll(async () => {
  bench = await startWorkbench({ stage: 'dev', actions });
  ({ node } = bench);
  for (const slow of [false, true]) {
    const steps = ['a', 'b', 'c'].map((id) =>
      action(id, { action: 'target.do', name: `Step ${id}`, with: slow ? { slow } : { id } }),
    );
    const plan = planOf(steps, { id: slow ? 'bp.slow' : 'bp.quick', actions: lock });
    await node.blueprints.savePlan(caller(), { plan, source: '', debug: {} });
  }
  const typed = planOf([action('a', { action: 'target.do', with: { host: { $: ['.', ['v', 'inputs'], 'host'] } } })], {
    id: 'bp.typed',
    actions: lock,
    inputs: {
      type: 'object',
      additionalProperties: false,
      required: ['host'],
      properties: { host: { type: 'string' }, tries: { type: 'integer', minimum: 1 }, dry: { type: 'boolean' } },
    },
  });
  await node.blueprints.savePlan(caller(), { plan: typed, source: '', debug: {} });
}, 90_000);

afterAll(() => bench.close());

beforeEach(() => broken.clear());

async function view<T>(work: (page: Page) => Promise<T>, script = true): Promise<T> {
  const context = await openView(bench.browser, { actor: 'ann', script });
  try {
    return await work(await context.newPage());
  } finally {
    await context.close();
  }
}

async function failedRun(): Promise<string> {
  broken.add('b');
  const { run_id: runId } = await node.runs.create(caller(), { blueprint_ref: 'bp.quick' });
  await until('the run fails and its first step is recorded', async () => {
    const { items } = await node.runs.steps(runId, { limit: 10 });
    return (await node.runs.get(runId)).status === 'failed' && items.some((step) => step.path === 'c');
  });
  broken.clear();
  return runId;
}

describe('the page of a run that failed', () => {
  it.each([true, false])('leads to a rerun that is linked with it (script: %s)', async (script) => {
    const runId = await failedRun();
    await view(async (page) => {
      await page.goto(`${bench.url}/ui/runs/${runId}`);
      await page.getByTestId('rerun-from').click();
      await page.getByTestId('anew').waitFor();
      expect(await page.getByTestId('anew').innerText()).toMatch(/b\s+asked for[^]*c\s+follows a step/);
      await page.getByTestId('rerun-run').click();
      await page.getByTestId('run-chain').waitFor();
      expect(page.url()).not.toContain(runId);
      expect(await page.getByTestId('run-chain').innerText()).toContain(`run ${runId.slice(0, 8)}, Failed`);
      const rerun = page.url().split('/').at(-1) ?? '';
      await until('the rerun completes', async () => (await node.runs.get(rerun)).status === 'completed');
      await page.goto(`${bench.url}/ui/runs/${rerun}?step=a`);
      expect(await page.getByTestId('step-reused').innerText()).toContain(`Taken over from run ${runId.slice(0, 8)}`);
      await page.getByTestId('step-reused').getByRole('link').click();
      await page.getByRole('heading', { name: 'Step a' }).waitFor();
      expect(await page.getByTestId('run-chain').innerText()).toContain(`run ${rerun.slice(0, 8)}, Completed`);
    }, script);
  });

  it('says what cannot be repeated, and repeats nothing twice', async () => {
    const { run_id: runId } = await node.runs.create(caller(), { blueprint_ref: 'bp.slow' });
    await view(async (page) => {
      await page.goto(`${bench.url}/ui/runs/${runId}/rerun`);
      expect(await page.getByTestId('rerun-problem').innerText()).toContain('run_open');
    });
    await until('the first step waits', () => Promise.resolve(doors.has('a')));
    await node.runs.cancel(caller(), runId, 'not needed');
    doors.get('a')?.();
    const key = randomUUID();
    const ended = await failedRun();
    await view(async (page) => {
      await page.goto(`${bench.url}/ui/runs/${ended}/rerun`);
      const csrf = await page.locator('input[name=_csrf]').first().getAttribute('value');
      const send = () =>
        page.request.post(`${bench.url}/ui/runs/${ended}/rerun`, {
          form: { _csrf: csrf ?? '', key },
          headers: { origin: bench.url },
          maxRedirects: 0,
        });
      const [one, two] = [await send(), await send()];
      expect(one.status()).toBe(303);
      expect(two.headers()['location']).toBe(one.headers()['location']);
    });
  });

  it('is repeated with other inputs, in the fields that the launcher has', async () => {
    const request = { blueprint_ref: 'bp.typed', inputs: { host: 'web-1', tries: 2 } };
    const { run_id: runId } = await node.runs.create(caller(), request);
    await until('the run ends', async () => (await node.runs.get(runId)).status === 'completed');
    await view(async (page) => {
      await page.goto(`${bench.url}/ui/runs/${runId}/rerun`);
      const inputs = page.getByTestId('rerun-inputs');
      await inputs.locator('summary').click();
      expect(await page.locator('#field-host').inputValue()).toBe('web-1');
      await page.locator('#field-host').fill('web-2');
      await page.locator('#field-tries').fill('many');
      await page.getByTestId('rerun-look').click();
      await page.getByTestId('field-error').waitFor();
      expect(await page.locator('#field-host').inputValue()).toBe('web-2');
      await page.locator('#field-tries').fill('2');
      await page.getByTestId('rerun-look').click();
      await inputs.getByText('some of them others').waitFor();
      await page.getByTestId('rerun-run').click();
      await page.getByTestId('run-chain').waitFor();
      const { inputs: now, rerun_of: of } = await node.runs.get(page.url().split('/').at(-1) ?? '');
      expect([now, of]).toEqual([expect.objectContaining({ host: 'web-2', tries: 2 }), runId]);
    });
  });

  it('checks its history against the code of today', async () => {
    const runId = await failedRun();
    await view(async (page) => {
      await page.goto(`${bench.url}/ui/runs/${runId}`);
      await page.getByTestId('replay-check').click();
      await page.getByTestId('replay-run').click();
      await page.getByTestId('replay-result').waitFor();
      expect(await page.getByTestId('replay-result').innerText()).toContain('went the way');
    });
  });

  it('is shown where its history and the code of today part', async () => {
    const runId = await failedRun();
    const { gateway } = node;
    const fetch = gateway.history.bind(gateway);
    gateway.history = async (id) => {
      const history = await fetch(id);
      for (const { activityTaskScheduledEventAttributes: scheduled } of history?.events ?? [])
        if (scheduled?.activityType) scheduled.activityType.name = 'an-earlier-name';
      return history;
    };
    await view(async (page) => {
      await page.goto(`${bench.url}/ui/runs/${runId}/replay-check`);
      await page.getByTestId('replay-run').click();
      await page.getByRole('heading', { name: 'The history does not fit.' }).waitFor();
      expect(await page.getByTestId('replay-result').innerText()).toContain('could not carry this run on');
      expect(await page.getByTestId('replay-difference').innerText()).toContain('an-earlier-name');
      expect(await page.getByTestId('replay-run').innerText()).toBe('Check again');
    }).finally(() => {
      gateway.history = fetch;
    });
  });
});

describe('the page of a run under way', () => {
  it('shows what a step prints while it prints, and its log when it ends', async () => {
    doors.clear();
    const { run_id: runId } = await node.runs.create(caller(), { blueprint_ref: 'bp.slow' });
    await view(async (page) => {
      await page.goto(`${bench.url}/ui/runs/${runId}?step=a&tab=log`);
      await page.getByTestId('step-tail').getByText('a waits').waitFor();
      doors.get('a')?.();
      await page.getByTestId('step-tail').waitFor({ state: 'detached' });
      const { rows } = await bench.database.catalog.pool.query(
        'SELECT 1 FROM step_tails t JOIN steps s USING (step_id) WHERE s.path = $1',
        ['a'],
      );
      expect(rows).toEqual([]);
      for (const id of ['b', 'c']) {
        await until(`step ${id} waits`, () => Promise.resolve(doors.has(id)));
        doors.get(id)?.();
      }
      await until('the run ends', async () => (await node.runs.get(runId)).status === 'completed');
    });
  });

  it('shows its steps move on, and keeps what is open and selected', async () => {
    doors.clear();
    const { run_id: runId } = await node.runs.create(caller(), { blueprint_ref: 'bp.slow' });
    await view(async (page) => {
      await page.goto(`${bench.url}/ui/runs/${runId}?step=a&tab=inputs`);
      await page.locator('.stream[data-state=live]').waitFor();
      await page.locator('#run-audit summary').click();
      await page.locator('#run-head h1').evaluate((element) => getSelection().selectAllChildren(element));
      const selected = await page.evaluate(() => getSelection().toString());
      expect(selected).not.toBe('');
      for (const [id, next] of [
        ['a', 'b'],
        ['b', 'c'],
      ] as const) {
        await until(`step ${id} waits`, () => Promise.resolve(doors.has(id)));
        doors.get(id)?.();
        await page.getByTestId(`step-${id}`).getByText('Completed').waitFor({ state: 'attached' });
        await page.getByTestId(`step-${next}`).getByText('Running').waitFor({ state: 'attached' });
      }
      const isKept = async (): Promise<void> => {
        expect(await page.evaluate(() => document.querySelector('#run-audit details')?.open)).toBe(true);
        expect(await page.evaluate(() => getSelection().toString())).toBe(selected);
      };
      await isKept();
      expect(page.url()).toContain('step=a&tab=inputs');
      await until('step c waits', () => Promise.resolve(doors.has('c')));
      doors.get('c')?.();
      // The end is shown too, without a reload.
      await page.getByTestId('run-actions').getByTestId('rerun').waitFor();
      await isKept();
    });
  });
});
