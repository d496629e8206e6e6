import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Browser, Page } from 'playwright-core';
import { z } from 'zod';
import { LocalArtifactStore } from '../../src/artifacts/local-store.js';
import { ActionFailure, defineAction } from '../../src/domain/action.js';
import type { JsonObject } from '../../src/domain/json.js';
import { createApp } from '../../src/http/app.js';
import { startHttpServer, type HttpServer } from '../../src/http/server.js';
import { createReplayCheck } from '../../src/main/replay-process.js';
import { screenServices } from '../../src/main/screen-services.js';
import { ActionRegistry } from '../../src/registry/registry.js';
import type { LiveReader } from '../../src/services/live-reader.js';
import { PlanCache } from '../../src/services/plan-cache.js';
import { StepArtifactKeeper } from '../../src/services/step-artifacts.js';
import { freshDatabase, type TestDatabase } from '../support/database.js';
import { fakeServices } from '../support/fake-services.js';
import { startLive } from '../support/live.js';
import { caller, silentLog, testNode, testWorker, type TestNode } from '../support/node.js';
import { action, planOf } from '../support/plans.js';
import { testTemporal } from '../support/temporal.js';
import { until } from '../support/until.js';
import { openView, startBrowser } from './support/browser.js';

/** What the functions that run in the page use of it. */
declare const getSelection: () => { selectAllChildren(node: unknown): void; toString(): string };
declare const document: { querySelector(selector: string): { open: boolean } | null };

let browser: Browser;
let database: TestDatabase;
let node: TestNode;
let worker: { stop(): Promise<void> };
let reader: LiveReader;
let server: HttpServer;
let dir: string;
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
  const taskQueue = `ui-rerun-${randomUUID()}`;
  const [{ address }, started, fresh] = await Promise.all([testTemporal(), startBrowser(), freshDatabase()]);
  browser = started;
  database = fresh;
  const { catalog } = database;
  node = testNode({ catalog, address, taskQueue });
  dir = await mkdtemp(path.join(tmpdir(), 'xyn-ui-rerun-'));
  const store = await LocalArtifactStore.open({ dir });
  const artifacts = new StepArtifactKeeper({ catalog: node.access, store, envId: 'local', log: silentLog });
  worker = await testWorker({ catalog, address, taskQueue, actions, artifacts });
  const parts = {
    postgres: { ok: true },
    temporal: { ok: true, address, ui_url: null },
    worker: { ok: true, pollers: 1 },
  };
  const health = { check: () => Promise.resolve(parts) };
  const followed = await startLive({ node, catalog, health: () => health.check() });
  reader = followed.reader;
  const fakes = fakeServices().services;
  const core = { ...node, plans: new PlanCache(node.access.blueprints) };
  const temporal = { uiUrl: null, namespace: 'default' };
  const screens = screenServices({ catalog, core, health, artifacts: fakes.artifacts, temporal });
  const { events, runs, reruns, gates, blueprints } = node;
  const main = fileURLToPath(new URL('../../dist/src/main/replay-child.js', import.meta.url));
  const replays = createReplayCheck(main, { catalog: node.access, gateway: node.gateway });
  const services = { ...fakes, events, runs, reruns, replays, gates, blueprints, health };
  const ui = { env: { name: 'hel-1', stage: 'dev' }, services: { ...screens, feed: followed.live.feed } };
  const app = createApp(services, { log: silentLog, version: '1', allowedHosts: [], ui });
  server = await startHttpServer(app, { host: '127.0.0.1', port: 0 });
  for (const slow of [false, true]) {
    const steps = ['a', 'b', 'c'].map((id) =>
      action(id, { action: 'target.do', name: `Step ${id}`, with: slow ? { slow } : { id } }),
    );
    const plan = planOf(steps, { id: slow ? 'bp.slow' : 'bp.quick', actions: lock });
    await node.blueprints.savePlan(caller(), { plan, source: '', debug: {} });
  }
}, 90_000);

afterAll(async () => {
  await browser.close();
  await reader.stop();
  await server.close();
  await worker.stop();
  await node.close();
  await database.drop();
  await rm(dir, { recursive: true });
});

beforeEach(() => broken.clear());

async function view<T>(work: (page: Page) => Promise<T>, script = true): Promise<T> {
  const context = await openView(browser, { actor: 'ann', script });
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
      await page.goto(`${server.url}/ui/runs/${runId}`);
      await page.getByTestId('rerun-from').click();
      await page.getByTestId('anew').waitFor();
      expect(await page.getByTestId('anew').innerText()).toMatch(/b\s+asked for[^]*c\s+follows a step/);
      await page.getByTestId('rerun-run').click();
      await page.getByTestId('run-chain').waitFor();
      expect(page.url()).not.toContain(runId);
      expect(await page.getByTestId('run-chain').innerText()).toContain(`run ${runId.slice(0, 8)}, Failed`);
      const rerun = page.url().split('/').at(-1) ?? '';
      await until('the rerun completes', async () => (await node.runs.get(rerun)).status === 'completed');
      await page.goto(`${server.url}/ui/runs/${rerun}?step=a`);
      expect(await page.getByTestId('step-reused').innerText()).toContain(`Taken over from run ${runId.slice(0, 8)}`);
      await page.getByTestId('step-reused').getByRole('link').click();
      await page.getByRole('heading', { name: 'Step a' }).waitFor();
      expect(await page.getByTestId('run-chain').innerText()).toContain(`run ${rerun.slice(0, 8)}, Completed`);
    }, script);
  });

  it('says what cannot be repeated, and repeats nothing twice', async () => {
    const { run_id: runId } = await node.runs.create(caller(), { blueprint_ref: 'bp.slow' });
    await view(async (page) => {
      await page.goto(`${server.url}/ui/runs/${runId}/rerun`);
      expect(await page.getByTestId('rerun-problem').innerText()).toContain('run_open');
    });
    await node.runs.cancel(caller(), runId, 'not needed');
    await until('the first step waits', () => Promise.resolve(doors.has('a')));
    doors.get('a')?.();
    const key = randomUUID();
    const ended = await failedRun();
    await view(async (page) => {
      await page.goto(`${server.url}/ui/runs/${ended}/rerun`);
      const csrf = await page.locator('input[name=_csrf]').first().getAttribute('value');
      const send = () =>
        page.request.post(`${server.url}/ui/runs/${ended}/rerun`, {
          form: { _csrf: csrf ?? '', key },
          headers: { origin: server.url },
          maxRedirects: 0,
        });
      const [one, two] = [await send(), await send()];
      expect(one.status()).toBe(303);
      expect(two.headers()['location']).toBe(one.headers()['location']);
    });
  });

  it('checks its history against the code of today', async () => {
    const runId = await failedRun();
    await view(async (page) => {
      await page.goto(`${server.url}/ui/runs/${runId}`);
      await page.getByTestId('replay-check').click();
      await page.getByTestId('replay-run').click();
      await page.getByTestId('replay-result').waitFor();
      expect(await page.getByTestId('replay-result').innerText()).toContain('went the way');
    });
  });
});

describe('the page of a run under way', () => {
  it('shows what a step prints while it prints, and its log when it ends', async () => {
    doors.clear();
    const { run_id: runId } = await node.runs.create(caller(), { blueprint_ref: 'bp.slow' });
    await view(async (page) => {
      await page.goto(`${server.url}/ui/runs/${runId}?step=a&tab=log`);
      await page.getByTestId('step-tail').getByText('a waits').waitFor();
      doors.get('a')?.();
      await page.getByTestId('step-tail').waitFor({ state: 'detached' });
      const { rows } = await database.catalog.pool.query(
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
      await page.goto(`${server.url}/ui/runs/${runId}?step=a&tab=inputs`);
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
