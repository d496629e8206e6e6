import { randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import type { Browser } from 'playwright-core';
import type { Services } from '../../../src/http/services.js';
import { createApp } from '../../../src/http/app.js';
import { startHttpServer } from '../../../src/http/server.js';
import { createReplayCheck } from '../../../src/main/replay-process.js';
import { screenServices } from '../../../src/main/screen-services.js';
import type { ActionRegistry } from '../../../src/registry/registry.js';
import { PlanCache } from '../../../src/services/plan-cache.js';
import { StepArtifactKeeper } from '../../../src/services/step-artifacts.js';
import { freshDatabase, type TestDatabase } from '../../support/database.js';
import { fakeServices } from '../../support/fake-services.js';
import { startLive } from '../../support/live.js';
import { silentLog, testNode, type TestNode, testEnv } from '../../support/node.js';
import { testTemporal } from '../../support/temporal.js';
import { testWorker } from '../../support/worker.js';
import { startBrowser } from './browser.js';
import { startProof, type Proof } from './proof.js';

/** The screens with all that is behind them: catalog, Temporal, a worker, streams, artifacts and the audit trail. */
export interface Workbench {
  url: string;
  browser: Browser;
  database: TestDatabase;
  node: TestNode;
  proof: Proof;
  close(): Promise<void>;
}

export interface WorkbenchOptions {
  stage: 'dev' | 'prod';
  /** Brings schedules to Temporal; default false. */
  sync?: boolean;
  /** Default: `testActions`. */
  actions?: ActionRegistry;
}

function healthOf(address: string): Services['health'] {
  const temporal = { ok: true, address, ui_url: null };
  const report = { postgres: { ok: true }, temporal, worker: { ok: true, pollers: 1 } };
  return { check: () => Promise.resolve(report) };
}

/** Starts the screens and a browser; one of both serves a whole file of tests. */
export async function startWorkbench({ stage, sync = false, actions }: WorkbenchOptions): Promise<Workbench> {
  const taskQueue = `ui-${randomUUID()}`;
  const [{ address }, browser, database] = await Promise.all([testTemporal(), startBrowser(), freshDatabase()]);
  const { catalog } = database;
  const node = testNode({ catalog, address, taskQueue, sync });
  const proof = await startProof(database, node.access);
  const keeper = new StepArtifactKeeper({ catalog: node.access, store: proof.store, envId: 'local', log: silentLog });
  const worker = await testWorker({
    catalog,
    address,
    taskQueue,
    artifacts: keeper,
    ...(actions === undefined ? {} : { actions }),
  });
  const health = healthOf(address);
  const { reader, live } = await startLive({ node, catalog, health: () => health.check() });
  const { audit, artifacts } = proof;
  const screens = screenServices({
    catalog,
    core: {
      ...node,
      plans: new PlanCache(node.access.blueprints),
      preview: { env: testEnv, targetFields: () => ['host'] },
    },
    health,
    artifacts,
    temporal: { uiUrl: null, namespace: 'default' },
  });
  const child = fileURLToPath(new URL('../../../dist/src/main/replay-child.js', import.meta.url));
  const replays = createReplayCheck(child, { catalog: node.access, gateway: node.gateway });
  const { events, runs, reruns, gates, blueprints, schedules } = node;
  const own = { events, runs, reruns, replays, gates, blueprints, schedules, audit, artifacts, health };
  const server = await startHttpServer(
    createApp(
      { ...fakeServices().services, ...own },
      {
        log: silentLog,
        version: '1',
        allowedHosts: [],
        ui: { env: { name: 'hel-1', stage }, services: { ...screens, feed: live.feed } },
      },
    ),
    { host: '127.0.0.1', port: 0 },
  );
  return {
    url: server.url,
    browser,
    database,
    node,
    proof,
    async close() {
      await browser.close();
      await reader.stop();
      await server.close();
      await worker.stop();
      await node.close();
      await database.drop();
      await proof.close();
    },
  };
}
