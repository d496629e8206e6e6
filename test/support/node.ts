import { bundleWorkflowCode, NativeConnection, Worker, type WorkflowBundleOption } from '@temporalio/worker';
import { randomUUID } from 'node:crypto';
import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { createActivities } from '../../activities/index.js';
import type { ArtifactStore } from '../../src/artifacts/store.js';
import { catalogApprovals } from '../../src/catalog/approvals.js';
import { listenTo } from '../../src/catalog/channel-listener.js';
import type { Catalog } from '../../src/catalog/connect.js';
import { recordWriter, writeRecords } from '../../src/catalog/records.js';
import type { RunToStart } from '../../src/catalog/run-store.js';
import { catalogAccess, type CatalogAccess } from '../../src/catalog/unit-of-work.js';
import { defineAction, type ActionResources } from '../../src/domain/action.js';
import type { AgentRouter } from '../../src/domain/agent.js';
import type { StepArtifacts } from '../../src/domain/artifacts.js';
import type { EnvFacts } from '../../src/domain/engine/state.js';
import type { JsonObject } from '../../src/domain/json.js';
import { createReruns } from '../../src/main/reruns.js';
import { ActionRegistry } from '../../src/registry/registry.js';
import { BlueprintService } from '../../src/services/blueprints.js';
import { CancelSender } from '../../src/services/cancel-sender.js';
import type { Caller } from '../../src/services/caller.js';
import { DecisionSender } from '../../src/services/decision-sender.js';
import { Dispatcher } from '../../src/services/dispatcher.js';
import { EventService } from '../../src/services/events.js';
import { GateService } from '../../src/services/gates.js';
import { PlanCache } from '../../src/services/plan-cache.js';
import type { Rails } from '../../src/services/rails.js';
import { Reconciler, type ReconcilerPatience } from '../../src/services/reconciler.js';
import { RecordBuffer } from '../../src/services/record-buffer.js';
import { RunEndWriter } from '../../src/services/run-end.js';
import { RunRepair } from '../../src/services/run-repair.js';
import type { RerunService } from '../../src/services/rerun.js';
import { RunService } from '../../src/services/runs.js';
import { RunStarter } from '../../src/services/run-starter.js';
import { ScheduleSync } from '../../src/services/schedule-sync.js';
import { ScheduleTickService } from '../../src/services/schedule-ticks.js';
import { ScheduleService } from '../../src/services/schedules.js';
import { WaitingOnService } from '../../src/services/waiting-on.js';
import { RunGateway } from '../../src/temporal/gateway.js';

export const testEnv: EnvFacts = { id: 'local', name: 'local', stage: 'dev', vars: { site: 'hel' } };
export const silentLog = { debug: quiet, info: quiet, warn: quiet, error: quiet };

function quiet(): void {
  // Tests look at what is stored, not at the log.
}

/** A caller of the open mode. */
export function caller(actor = 'ann'): Caller {
  return { actor, proven: false, correlationId: randomUUID(), source: 'api' };
}

/** The services of one process, over a real catalog and a real Temporal server. */
export interface TestNode {
  access: CatalogAccess;
  gateway: RunGateway;
  events: EventService;
  runs: RunService;
  waits: WaitingOnService;
  reruns: RerunService;
  gates: GateService;
  blueprints: BlueprintService;
  schedules: ScheduleService;
  sync: ScheduleSync;
  dispatcher: Dispatcher;
  cancels: CancelSender;
  decisions: DecisionSender;
  repair: RunRepair;
  reconciler(patience?: Partial<ReconcilerPatience>): Reconciler;
  /** Ends what was started. */
  close(): Promise<void>;
}

export interface TestNodeOptions {
  catalog: Catalog;
  address: string;
  taskQueue: string;
  /** Starts to drain the outbox at once; default true. */
  dispatch?: boolean;
  /** Brings schedules to Temporal; default false. */
  sync?: boolean;
  /** Default: nothing is held or queued. */
  rails?: Rails;
  /** Where large results are; default: there are none. */
  store?: ArtifactStore;
  log?: typeof silentLog;
}

/** Puts a node together as the composition roots do. */
export function testNode(options: TestNodeOptions): TestNode {
  const { catalog, address, taskQueue, log = silentLog } = options;
  const clock = Date.now;
  const access = catalogAccess(catalog);
  const gateway = new RunGateway({ address, namespace: 'default', taskQueue, log });
  const write = (batch: Parameters<typeof writeRecords>[1]): Promise<void> => writeRecords(catalog, batch);
  const plans = new PlanCache(access.blueprints);
  const ends = new RunEndWriter(write, clock);
  const cancels = new CancelSender({ catalog: access, gateway, log });
  const rails = options.rails === undefined ? {} : { rails: options.rails };
  const creation = { catalog: access, plans, env: testEnv, clock, ...rails };
  const starter = new RunStarter({
    ...creation,
    gateway,
    ends,
    log,
    onCancelled: (cancel) => void cancels.send(cancel),
  });
  const dispatcher = new Dispatcher({
    ...creation,
    starter,
    log,
    listen: (onNotice) => listenTo({ connection: catalog.pool.options, channel: 'xyn_outbox', onNotice }),
  });
  const direct = {
    leases: () => dispatcher.leases(),
    wake: (leased: readonly RunToStart[]) => dispatcher.wake(leased),
  };
  const waits = new WaitingOnService({ catalog: access, gateway, taskQueue: gateway.taskQueue, clock });
  const decisions = new DecisionSender({ catalog: access, gateway, clock, log, envId: testEnv.id });
  const repair = new RunRepair({ catalog: access, gateway, plans, ends, write, clock });
  const sync = new ScheduleSync(
    { catalog: access, gateway: gateway.schedules, envId: testEnv.id, clock, log },
    { passMs: 200, compareMs: 60_000 },
  );
  if (options.dispatch !== false) dispatcher.start();
  if (options.sync === true) sync.start();
  return {
    access,
    gateway,
    waits,
    events: new EventService({ ...creation, ...direct }),
    runs: new RunService({ ...creation, ...direct, waits, cancels }),
    reruns: createReruns({ creation, wake: () => dispatcher.wake() }, options.store ?? ({} as ArtifactStore), log),
    gates: new GateService({ catalog: access, sender: decisions, clock, envId: testEnv.id }),
    blueprints: new BlueprintService({ catalog: access, clock, envId: testEnv.id, onActivated: () => sync.wake() }),
    schedules: new ScheduleService({ catalog: access, gateway: gateway.schedules, sync, envId: testEnv.id, clock }),
    sync,
    dispatcher,
    cancels,
    decisions,
    repair,
    reconciler: (patience) => new Reconciler({ catalog: access, gateway, repair, clock, log }, patience),
    async close() {
      await dispatcher.stop();
      await sync.stop();
      await decisions.idle();
      await gateway.close();
    },
  };
}

const anyJson = z.record(z.string(), z.json());

/** One pack of actions that answer with their input. */
export const testActions = new ActionRegistry([
  {
    name: 'test',
    version: '1.0.0',
    actions: [
      defineAction<JsonObject, JsonObject>({
        name: 't.echo',
        summary: 'answers with its input',
        input: anyJson,
        output: anyJson,
        traits: { effect: 'write', idempotency: 'keyed' },
        errors: {},
        execute: (input) => Promise.resolve(input),
      }),
      defineAction<JsonObject, JsonObject>({
        name: 't.login',
        summary: 'answers with its input, of which `session.token` is never recorded',
        input: anyJson,
        output: anyJson,
        traits: { effect: 'read', idempotency: 'safe' },
        redact: { input: ['session.token'], output: ['session.token'] },
        errors: {},
        execute: (input) => Promise.resolve(input),
      }),
      defineAction<JsonObject, JsonObject>({
        name: 't.print',
        summary: 'writes its texts as a program would, and says how long they are',
        input: anyJson,
        output: anyJson,
        traits: { effect: 'read', idempotency: 'safe' },
        errors: {},
        execute: (input, context) => {
          const text = input['text'] as string;
          for (let at = 0; at < text.length; at += 5) context.output('stdout', Buffer.from(text.slice(at, at + 5)));
          context.output('stderr', Buffer.from('no newline'));
          return Promise.resolve({ length: text.length });
        },
      }),
    ],
  },
]);

/** The action lock of plans that use `testActions`. */
export const testLock = Object.fromEntries(
  testActions.names().map((name) => [name, { pack: 'test@1.0.0', contract: testActions.find(name)?.contract ?? '' }]),
);

let bundle: Promise<WorkflowBundleOption> | undefined;

/** The bundle of the build, unless its sources are newer: making one takes seconds. */
export function workflowBundle(): Promise<WorkflowBundleOption> {
  bundle ??= findBundle();
  return bundle;
}

async function findBundle(): Promise<WorkflowBundleOption> {
  const at = (file: string): string => fileURLToPath(new URL(`../../${file}`, import.meta.url));
  const built = at('dist/workflow-bundle.js');
  const madeAt = await timeOf(built);
  const sources = ['workflows', 'src/domain'].map((folder) => at(folder));
  const files = await Promise.all(sources.map((folder) => readdir(folder, { recursive: true })));
  const times = await Promise.all(
    files.flatMap((names, ix) => names.map((name) => timeOf(path.join(sources[ix] as string, name)))),
  );
  if (times.every((time) => time <= madeAt)) return { codePath: built };
  const logger = { log: quiet, trace: quiet, debug: quiet, info: quiet, warn: quiet, error: quiet };
  const preloadModules = [at('workflows/task-scopes.ts')];
  return bundleWorkflowCode({ workflowsPath: at('workflows/index.ts'), preloadModules, logger });
}

async function timeOf(file: string): Promise<number> {
  return stat(file).then(
    ({ mtimeMs }) => mtimeMs,
    () => 0,
  );
}

/** The interpreter as a worker, with records in the catalog. */
export async function testWorker(options: {
  catalog: Catalog;
  address: string;
  taskQueue: string;
  artifacts?: StepArtifacts;
  /** Default: `testActions`. */
  actions?: ActionRegistry;
  /** Absent: every question is answered with `because`. */
  agents?: AgentRouter;
  /** Absent: public addresses only, and nothing that Xyn keeps. */
  resources?: ActionResources;
}): Promise<{ records: RecordBuffer; stop(): Promise<void> }> {
  const connection = await NativeConnection.connect({ address: options.address });
  const records = new RecordBuffer({
    writer: recordWriter(options.catalog),
    log: silentLog,
  });
  const worker = await Worker.create({
    connection,
    taskQueue: options.taskQueue,
    workflowBundle: await workflowBundle(),
    maxConcurrentActivityTaskExecutions: 100,
    activities: createActivities({
      records,
      approvals: catalogApprovals(options.catalog),
      actions: options.actions ?? testActions,
      agents: options.agents ?? { ask: () => Promise.resolve({ outputs: { text: 'because' }, footprints: [] }) },
      pausedMs: () => Promise.resolve(0),
      schedules: new ScheduleTickService({
        catalog: catalogAccess(options.catalog),
        envId: testEnv.id,
        clock: Date.now,
      }),
      worker: 'test',
      ...(options.artifacts === undefined
        ? {}
        : { artifacts: options.artifacts, chunks: catalogAccess(options.catalog).chunks }),
      ...(options.resources === undefined ? {} : { resources: options.resources }),
    }),
  });
  const running = worker.run();
  return {
    records,
    async stop() {
      worker.shutdown();
      await running;
      await records.close();
      await connection.close();
    },
  };
}
