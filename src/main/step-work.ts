import path from 'node:path';
import type { Logger } from 'pino';
import { createActivities } from '../../activities/index.js';
import { LocalArtifactStore } from '../artifacts/local-store.js';
import type { ArtifactStore } from '../artifacts/store.js';
import { catalogApprovals } from '../catalog/approvals.js';
import { pausedMs } from '../catalog/attempts.js';
import { correlationIds } from '../catalog/correlation.js';
import { connectPool } from '../catalog/pool.js';
import { recordWriter } from '../catalog/records.js';
import type { Config } from '../config/config.js';
import { SETTINGS } from '../config/settings.js';
import type { ActionResources } from '../domain/action.js';
import type { Json } from '../domain/json.js';
import { PACKS } from '../registry/packs.js';
import { ActionRegistry } from '../registry/registry.js';
import type { SecretKeeper } from '../secrets/secret-keeper.js';
import { RecordBuffer } from '../services/record-buffer.js';
import { StepArtifactKeeper } from '../services/step-artifacts.js';
import { StepEvents } from '../services/step-events.js';
import { StepFiles } from '../services/step-files.js';
import { Inventory } from '../targets/inventory.js';
import { attemptContextInterceptor } from '../telemetry/attempt-context.js';
import { attemptLog } from '../telemetry/attempt-log.js';
import { attemptTraces, traceOutgoingRequests } from '../telemetry/attempt-traces.js';
import { poolMetrics } from '../telemetry/catalog-metrics.js';
import { observedRecords } from '../telemetry/observed-records.js';
import { recordMetrics } from '../telemetry/record-metrics.js';
import { createRegistry } from '../telemetry/registry.js';
import { stepMetrics } from '../telemetry/step-metrics.js';
import type { StepWork } from '../temporal/worker.js';
import { actionResources } from './action-resources.js';
import { agentRouterOf } from './agents.js';
import { enginesOf, startContainerSweep } from './container-sweep.js';
import { draftsOnFirstUse } from './drafts-on-first-use.js';
import type { Lifecycle } from './lifecycle.js';
import { serveMetrics } from './metrics-server.js';
import { packageVersion } from './package-paths.js';
import { artifactBounds, limitRailsOf } from './rails.js';
import { StoresOnFirstUse } from './stores-on-first-use.js';
import { startTracing } from './tracing.js';

/** What is written behind gets this long to reach Postgres when the worker ends. */
const FLUSH_MS = 5_000;

/** What a worker process has at its beginning. */
export interface WorkerBeginning {
  config: Config;
  databaseUrl: string;
  keeper: SecretKeeper;
  /** Texts that no log and no model sees. */
  masked: () => string[];
  log: Logger;
  lifecycle: Lifecycle;
  identity: string;
}

/** The work, and what makes its first step as fast as the next. */
export interface OpenStepWork extends StepWork {
  /** Loads what the first step would wait for. To be called when the worker polls; never rejects. */
  warmUp(): Promise<void>;
}

/** Opens what activities need, and has it closed at the end of the process. */
export async function openStepWork(beginning: WorkerBeginning): Promise<OpenStepWork> {
  const { config, databaseUrl, keeper, masked, log, lifecycle, identity } = beginning;
  const inventory = await inventoryOf(config);
  const resources = actionResources(config, keeper, inventory);
  const catalog = connectPool({ url: databaseUrl, applicationName: 'xyn-worker' });
  lifecycle.onClose('catalog', () => catalog.close());
  const sweep = startContainerSweep({
    catalog,
    engines: enginesOf(resources.containers.engine, inventory.all()),
    secret: (secretPath) => keeper.get(secretPath),
    log,
  });
  lifecycle.onClose('container sweep', () => sweep.stop());
  const records = new RecordBuffer({ writer: recordWriter(catalog), log });
  lifecycle.onClose('records', () => records.close(FLUSH_MS));
  const registry = createRegistry({ part: 'worker', version: packageVersion() });
  poolMetrics(registry, catalog.pool);
  recordMetrics(registry, records);
  const measure = stepMetrics(registry);
  const correlationOf = correlationIds(catalog);
  const tracer = await startTracing('worker', { config, log, lifecycle });
  if (tracer !== undefined) lifecycle.onClose('outgoing traces', traceOutgoingRequests(tracer));
  const tell = attemptLog(log, correlationOf);
  const { workerMetrics: listener } = config;
  await serveMetrics({ registry, listener, setting: SETTINGS.workerMetrics, log, lifecycle });
  const stores = new StoresOnFirstUse(catalog);
  const store = await LocalArtifactStore.open({
    dir: path.join(config.stateDir, 'artifacts'),
    ...artifactBounds(config),
  });
  const artifacts = new StepArtifactKeeper({ catalog: stores.forArtifacts(), store, envId: config.envId, log });
  const { envId } = config;
  const rails = limitRailsOf(config);
  const drafts = draftsOnFirstUse(async () => ({ access: await stores.access(), store, envId, rails }));
  const keepers = keepersOf(stores, { store, envId, keeper });
  return {
    activities: createActivities({
      records: observedRecords(records, (end) => {
        measure(end);
        tell(end);
      }),
      approvals: catalogApprovals(catalog),
      actions: new ActionRegistry(PACKS),
      resources: { ...resources, drafts, ...keepers },
      artifacts,
      chunks: stores.forLoops(),
      agents: agentRouterOf(config, artifacts.agents(), masked),
      pausedMs: (runId, stepPath) => pausedMs(catalog, runId, stepPath),
      schedules: stores.forSchedules(envId),
      worker: identity,
    }),
    aroundActivities: [
      attemptContextInterceptor({ correlationOf, always: log.isLevelEnabled('debug') }),
      ...(tracer === undefined ? [] : [attemptTraces({ tracer, correlationOf })]),
    ],
    async warmUp() {
      // The client of `http.call`, and a connection for records. What fails here fails again where somebody is told.
      await Promise.allSettled([catalog.pool.query('SELECT 1'), import('undici')]);
    },
  };
}

/** Most workers have no targets: they start without the reader of YAML. */
async function inventoryOf({ targetsFile }: Config): Promise<Inventory> {
  if (targetsFile === undefined) return new Inventory();
  const { loadInventory } = await import('../targets/inventory-file.js');
  return loadInventory(targetsFile);
}

/** Files and events of steps. */
function keepersOf(
  stores: StoresOnFirstUse,
  { store, envId, keeper }: { store: ArtifactStore; envId: string; keeper: SecretKeeper },
): Required<Pick<ActionResources, 'files' | 'events'>> {
  const scrub = <T extends Json>(value: T): T => keeper.redactor.json(value);
  const common = async () => ({ catalog: await stores.access(), envId, scrub });
  return {
    files: {
      write: async (step, file, signal) => new StepFiles({ ...(await common()), store }).write(step, file, signal),
    },
    events: {
      emit: async (step, event) => new StepEvents({ ...(await common()), clock: Date.now }).emit(step, event),
    },
  };
}
