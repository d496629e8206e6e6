import { randomUUID } from 'node:crypto';
import type { ArtifactStore } from '../../src/artifacts/store.js';
import { listenTo } from '../../src/catalog/channel-listener.js';
import type { Catalog } from '../../src/catalog/connect.js';
import { writeRecords } from '../../src/catalog/records.js';
import type { RunToStart } from '../../src/catalog/run-store.js';
import { catalogAccess, type CatalogAccess } from '../../src/catalog/unit-of-work.js';
import type { EnvFacts } from '../../src/domain/engine/state.js';
import { createReruns } from '../../src/main/reruns.js';
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
import { RunEndWriter } from '../../src/services/run-end.js';
import { RunRepair } from '../../src/services/run-repair.js';
import type { RerunService } from '../../src/services/rerun.js';
import { RunService } from '../../src/services/runs.js';
import { RunStarter } from '../../src/services/run-starter.js';
import { ScheduleSync } from '../../src/services/schedule-sync.js';
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
