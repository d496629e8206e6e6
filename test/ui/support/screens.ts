import type { IncomingMessage, ServerResponse } from 'node:http';
import { createApp } from '../../../src/http/app.js';
import { startHttpServer } from '../../../src/http/server.js';
import type { DraftService } from '../../../src/services/drafts.js';
import type { HealthReport } from '../../../src/services/health.js';
import type { LiveFeed, LiveMessage, LiveSubscription } from '../../../src/services/live-feed.js';
import { createCompiler } from '../../../src/main/compiler.js';
import { createCore, type Core } from '../../../src/main/core.js';
import { createDrafts } from '../../../src/main/drafts.js';
import { screenServices } from '../../../src/main/screen-services.js';
import { RunGateway } from '../../../src/temporal/gateway.js';
import { freshDatabase, type TestDatabase } from '../../support/database.js';
import { fakeServices } from '../../support/fake-services.js';
import { caller, silentLog } from '../../support/node.js';
import { planOf, transform } from '../../support/plans.js';
import { seedProof, startProof, type Proof } from './proof.js';
import { seedOldEvents, seedOldRuns } from './history.js';
import { seedRunSamples } from './run-samples.js';
import { seed } from './seed.js';

/** The screens over a real catalog, without Temporal: what runs wait for is only what the catalog knows. */
export interface Screens {
  url: string;
  database: TestDatabase;
  feed: TestFeed;
  core: Core;
  drafts: DraftService;
  proof: Proof;
  /** Breaks every stream of a page, as a network that fails does. */
  cut(): void;
  close(): Promise<void>;
}

/** A feed that a test moves by hand. */
export class TestFeed implements LiveFeed {
  readonly #subscribers = new Set<{ subscription: LiveSubscription; onMessage: (message: LiveMessage) => void }>();
  #position = 1;

  position(): string {
    return String(this.#position);
  }

  subscribe(subscription: LiveSubscription, onMessage: (message: LiveMessage) => void): () => void {
    const one = { subscription, onMessage };
    this.#subscribers.add(one);
    return () => void this.#subscribers.delete(one);
  }

  /** Says that something changed. */
  change(topic: LiveSubscription['topics'][number]): void {
    this.#position += 1;
    for (const { subscription, onMessage } of this.#subscribers) {
      if (subscription.topics.includes(topic)) {
        onMessage({ kind: 'change', position: this.position(), topics: [topic] });
      }
    }
  }

  /** Says something else to all. */
  tell(message: LiveMessage): void {
    for (const { onMessage } of [...this.#subscribers]) onMessage(message);
  }

  get subscribers(): number {
    return this.#subscribers.size;
  }
}

function quietGateway(): RunGateway {
  const gateway = new RunGateway({ address: '127.0.0.1:1', namespace: 'default', taskQueue: 'none', log: silentLog });
  Object.assign(gateway.schedules, { put: () => Promise.resolve(), describe: () => Promise.resolve(undefined) });
  return Object.assign(gateway, {
    describe: () => Promise.resolve({ status: 'open', pending: [], decision: null }),
    snapshot: () => Promise.resolve(undefined),
  });
}

export interface ScreensOptions {
  port?: number;
  empty?: boolean;
  samples?: boolean;
  /** Fills the audit trail, artifacts and footprints; default: with `samples`. */
  proof?: boolean;
  /** Runs, and as many events, that are older than all else. */
  history?: number;
  stage?: 'dev' | 'prod';
  name?: string;
  /** How the parts are; default: all work. */
  health?: HealthReport;
}

/** A blueprint that starts by the clock, in two ways; one of them is paused. */
async function seedSchedules({ blueprints, schedules }: Core): Promise<void> {
  const at = (cron: string) => ({ kind: 'schedule', cron, timezone: 'Europe/Berlin', catchup_ms: 600_000 }) as const;
  const triggers = [at('0 3 * * *'), { ...at('0 7 * * MON'), jitter_ms: 60_000 }];
  const plan = planOf([transform('seen', [['x', 1]])], { id: 'bp.checks.nightly', triggers });
  await blueprints.savePlan(caller(), { plan, source: 'id: bp.checks.nightly', debug: {} });
  await schedules.pause(caller(), 'bp.checks.nightly:2', 'the rack is being moved');
}

/** Starts the screens over a catalog of their own, with a realistic content unless `empty`. */
export async function startScreens(options: ScreensOptions = {}): Promise<Screens> {
  const database = await freshDatabase();
  const { catalog } = database;
  const { history = 0 } = options;
  if (history > 0) await seedOldEvents(catalog, history);
  if (options.empty !== true) await seed(catalog);
  if (options.samples === true) await seedRunSamples(catalog);
  if (history > 0) await seedOldRuns(database, history);
  const env = { id: 'env-1', name: options.name ?? 'hel-1', stage: options.stage ?? ('prod' as const), vars: {} };
  const core = createCore({
    catalog,
    gateway: quietGateway(),
    env,
    log: silentLog,
    compile: createCompiler(),
    targetFields: () => ['host'],
  });
  if (options.samples === true) await seedSchedules(core);
  const feed = new TestFeed();
  const fakes = fakeServices().services;
  const works: HealthReport = {
    postgres: { ok: true },
    temporal: { ok: true, address: '127.0.0.1:7233', ui_url: 'http://127.0.0.1:8233' },
    worker: { ok: true, pollers: 2 },
  };
  const health = { check: () => Promise.resolve(options.health ?? works) };
  const proof = await startProof(database, core.access);
  const { audit, artifacts } = proof;
  if (options.proof ?? options.samples === true) await seedProof(database, proof);
  const drafts = createDrafts({ access: core.access, store: proof.store, envId: env.id });
  const services = screenServices({
    catalog,
    core,
    health,
    artifacts,
    temporal: { uiUrl: 'http://127.0.0.1:8233', namespace: 'default' },
  });
  const app = createApp(
    { ...fakes, ...core, health, audit, artifacts, drafts },
    { log: silentLog, version: '0.1.0', allowedHosts: [], ui: { env, services: { ...services, feed } } },
  );
  const streams = new Set<ServerResponse>();
  const watched = (request: IncomingMessage, response: ServerResponse): void => {
    if (request.url?.startsWith('/ui/live') === true) {
      streams.add(response);
      response.once('close', () => streams.delete(response));
    }
    app(request, response);
  };
  const server = await startHttpServer(watched, { host: '127.0.0.1', port: options.port ?? 0 });
  return {
    url: server.url,
    database,
    feed,
    core,
    drafts,
    proof,
    cut() {
      for (const response of streams) response.destroy();
    },
    async close() {
      await server.close();
      await database.drop();
      await proof.close();
    },
  };
}
