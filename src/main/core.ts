import type { CatalogAccess } from '../catalog/unit-of-work.js';
import { catalogAccess } from '../catalog/unit-of-work.js';
import { listenTo } from '../catalog/channel-listener.js';
import type { Catalog } from '../catalog/connect.js';
import { FootprintDayStore } from '../catalog/footprint-days.js';
import { writeRecords } from '../catalog/records.js';
import type { EnvFacts } from '../domain/engine/state.js';
import type { JsonObject } from '../domain/json.js';
import type { TargetFields } from '../domain/plan-preview.js';
import type { PreviewDeps } from '../services/plan-preview.js';
import { BlueprintService, type Compilation } from '../services/blueprints.js';
import { CancelSender } from '../services/cancel-sender.js';
import { DecisionSender } from '../services/decision-sender.js';
import { Dispatcher } from '../services/dispatcher.js';
import { EventService } from '../services/events.js';
import { FootprintDays } from '../services/footprint-days.js';
import { GateService } from '../services/gates.js';
import { HeldStarts } from '../services/held-starts.js';
import type { Log } from '../services/log.js';
import type { ServiceObserver } from '../services/observer.js';
import { PlanCache } from '../services/plan-cache.js';
import type { Rails } from '../services/rails.js';
import { Reconciler } from '../services/reconciler.js';
import type { RunCreationDeps } from '../services/run-creation.js';
import { RunEndWriter } from '../services/run-end.js';
import { RunPlaces } from '../services/run-places.js';
import { RunRepair } from '../services/run-repair.js';
import { RunStarter } from '../services/run-starter.js';
import { RunService } from '../services/runs.js';
import { ScheduleSync } from '../services/schedule-sync.js';
import { ScheduleService } from '../services/schedules.js';
import { startSweeps } from '../services/sweeps.js';
import { WaitingOnService } from '../services/waiting-on.js';
import type { RunGateway } from '../temporal/gateway.js';
import type { Lifecycle } from './lifecycle.js';

/** What the use cases are made of. */
export interface CoreParts {
  catalog: Catalog;
  gateway: RunGateway;
  env: EnvFacts;
  log: Log;
  /** Absent: nothing is held or queued. */
  rails?: Rails;
  /** Absent: documents are not taken. */
  compile?: (bytes: Uint8Array) => Promise<Compilation>;
  /** Absent: plans are not previewed. */
  targetFields?: TargetFields;
  /** JSON Schema of documents; absent: it is not served. */
  documentSchema?: JsonObject;
  observer?: ServiceObserver;
}

/** The use cases, and the work that goes on behind them. */
export interface Core {
  access: CatalogAccess;
  events: EventService;
  runs: RunService;
  waits: WaitingOnService;
  gates: GateService;
  blueprints: BlueprintService;
  schedules: ScheduleService;
  plans: PlanCache;
  /** What runs are made with, for use cases that are put together elsewhere. */
  creation: RunCreationDeps & { catalog: CatalogAccess };
  /** What previews of plans know beyond the plan. */
  preview: PreviewDeps;
  /** To be called after the commit of a new run. */
  wake: () => void;
  /** Starts dispatcher, sweeps and reconciler; they end with the process's life. */
  startBackground(lifecycle: Lifecycle): void;
}

/** Puts the services together. Nothing runs before `startBackground`. */
export function createCore(parts: CoreParts): Core {
  const { catalog, gateway, env, log, rails, compile, targetFields, documentSchema, observer } = parts;
  const clock = Date.now;
  const preview = { env, targetFields: targetFields ?? (() => []) };
  const observed = observer === undefined ? {} : { observer };
  const access = catalogAccess(catalog);
  const plans = new PlanCache(access.blueprints);
  const write = (batch: Parameters<typeof writeRecords>[1]): Promise<void> => writeRecords(catalog, batch);
  const ends = new RunEndWriter(write, clock);
  const creation = { catalog: access, plans, env, clock, ...(rails === undefined ? {} : { rails }) };
  const cancels = new CancelSender({ catalog: access, gateway, log });
  const starter = new RunStarter({
    catalog: access,
    gateway,
    plans,
    ends,
    clock,
    log,
    onCancelled: (cancel) => void cancels.send(cancel),
    ...observed,
  });
  const dispatcher = new Dispatcher({
    ...creation,
    ...observed,
    starter,
    log,
    listen: (onNotice) => listenTo({ connection: catalog.pool.options, channel: 'xyn_outbox', onNotice }),
  });
  const direct = { leases: () => dispatcher.leases(), wake: dispatcher.wake.bind(dispatcher) };
  const waits = new WaitingOnService({ catalog: access, gateway, taskQueue: gateway.taskQueue, clock });
  const decisions = new DecisionSender({ catalog: access, gateway, clock, log, envId: env.id, ...observed });
  const repair = new RunRepair({ catalog: access, gateway, plans, ends, write, clock });
  const reconciler = new Reconciler({ catalog: access, gateway, repair, clock, log });
  const sync = new ScheduleSync({ catalog: access, gateway: gateway.schedules, envId: env.id, clock, log });
  const footprintDays = new FootprintDays(new FootprintDayStore(catalog), clock);
  return {
    access,
    plans,
    creation,
    preview,
    wake: () => dispatcher.wake(),
    waits,
    events: new EventService({ ...creation, ...direct }),
    runs: new RunService({ ...creation, ...direct, waits, cancels }),
    gates: new GateService({ catalog: access, sender: decisions, clock, envId: env.id }),
    schedules: new ScheduleService({ catalog: access, gateway: gateway.schedules, sync, envId: env.id, clock }),
    blueprints: new BlueprintService({
      catalog: access,
      clock,
      envId: env.id,
      onActivated: () => sync.wake(),
      ...(compile === undefined ? {} : { compile }),
      ...(documentSchema === undefined ? {} : { documentSchema }),
      ...(targetFields === undefined ? {} : { preview }),
    }),
    startBackground(lifecycle) {
      dispatcher.start();
      reconciler.start();
      sync.start();
      const sweeps = startSweeps({
        cancels,
        decisions,
        footprints: footprintDays,
        answers: access.answers,
        tails: access.tails,
        chunks: access.chunks,
        ...(rails === undefined
          ? {}
          : { held: new HeldStarts({ ...creation, rails, log }), places: new RunPlaces(access, rails) }),
        log,
      });
      lifecycle.onClose('background', async () => {
        await Promise.all([dispatcher.stop(), sweeps.stop(), reconciler.stop(), sync.stop()]);
        await starter.stop();
        await decisions.idle();
      });
    },
  };
}
