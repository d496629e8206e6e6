import { hostname } from 'node:os';
import path from 'node:path';
import { createActivities } from '../../activities/index.js';
import { LocalArtifactStore } from '../artifacts/local-store.js';
import { catalogApprovals } from '../catalog/approvals.js';
import { pausedMs } from '../catalog/attempts.js';
import { correlationIds } from '../catalog/correlation.js';
import { connectCatalog } from '../catalog/connect.js';
import { recordWriter } from '../catalog/records.js';
import { catalogAccess } from '../catalog/unit-of-work.js';
import { loadConfig, secretsOf } from '../config/config.js';
import { createLogger } from '../config/log.js';
import { SETTINGS } from '../config/settings.js';
import type { Json } from '../domain/json.js';
import { PACKS } from '../registry/packs.js';
import { ActionRegistry } from '../registry/registry.js';
import { RecordBuffer } from '../services/record-buffer.js';
import { ScheduleTickService } from '../services/schedule-ticks.js';
import { StepArtifactKeeper } from '../services/step-artifacts.js';
import { StepEvents } from '../services/step-events.js';
import { StepFiles } from '../services/step-files.js';
import { poolMetrics } from '../telemetry/catalog-metrics.js';
import { attemptContext, attemptContextInterceptor } from '../telemetry/attempt-context.js';
import { attemptLog } from '../telemetry/attempt-log.js';
import { attemptTraces, traceOutgoingRequests } from '../telemetry/attempt-traces.js';
import { observedRecords } from '../telemetry/observed-records.js';
import { recordMetrics } from '../telemetry/record-metrics.js';
import { createRegistry } from '../telemetry/registry.js';
import { stepMetrics } from '../telemetry/step-metrics.js';
import { createWorker, installRuntime } from '../temporal/worker.js';
import { SecretKeeper } from '../secrets/secret-keeper.js';
import { environmentSecrets } from '../secrets/environment-store.js';
import { loadInventory } from '../targets/inventory.js';
import { actionResources } from './action-resources.js';
import { agentRouterOf } from './agents.js';
import { keepAliveFile } from './alive-file.js';
import { draftsOnFirstUse } from './drafts-on-first-use.js';
import { enginesOf, startContainerSweep } from './container-sweep.js';
import { Lifecycle, tellParent } from './lifecycle.js';
import { serveMetrics } from './metrics-server.js';
import { packagePaths, packageVersion } from './package-paths.js';
import { artifactBounds, limitRailsOf } from './rails.js';
import { requireSetting } from './require-setting.js';
import { sdkLevel, sdkLog } from './sdk-log.js';
import { startTracing } from './tracing.js';
import { applySettingsFile } from './settings-file.js';

/** What is written behind gets this long to reach Postgres when the worker ends. */
const FLUSH_MS = 5_000;

/** The worker process: runs workflows and activities until it is told to stop, then drains. */
applySettingsFile(process.env, { orUsual: false });
const config = loadConfig(process.env);
const secrets = secretsOf(config);
const keeper = new SecretKeeper(environmentSecrets(process.env, config.envId), config.envId);
const masked = (): string[] => [...secrets, ...keeper.redactor.forms()];
const log = createLogger({
  level: config.logLevel,
  format: config.logFormat,
  name: 'worker',
  secrets: masked,
  context: attemptContext,
});
const lifecycle = new Lifecycle(log);

const inventory = loadInventory(config.targetsFile);
const resources = actionResources(config, keeper, inventory);
installRuntime({ log: sdkLog(log), level: sdkLevel(config.logLevel), metrics: config.sdkMetrics });
const identity = `${hostname()}/${process.pid}`;
const catalog = connectCatalog({
  url: requireSetting(config.databaseUrl, 'DATABASE_URL'),
  applicationName: 'xyn-worker',
});
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
await serveMetrics({
  registry,
  listener: config.workerMetrics,
  setting: SETTINGS.workerMetrics,
  log,
  lifecycle,
});
const access = catalogAccess(catalog);
const store = await LocalArtifactStore.open({
  dir: path.join(config.stateDir, 'artifacts'),
  ...artifactBounds(config),
});
const artifacts = new StepArtifactKeeper({ catalog: access, store, envId: config.envId, log });
const drafts = draftsOnFirstUse({ access, store, envId: config.envId, rails: limitRailsOf(config) });
const kept = {
  catalog: access,
  envId: config.envId,
  scrub: <T extends Json>(value: T): T => keeper.redactor.json(value),
};
const worker = await createWorker({
  address: requireSetting(config.temporalAddress, 'TEMPORAL_ADDRESS'),
  namespace: config.temporalNamespace,
  taskQueue: config.taskQueue,
  bundlePath: packagePaths.workflowBundle,
  activities: createActivities({
    records: observedRecords(records, (end) => {
      measure(end);
      tell(end);
    }),
    approvals: catalogApprovals(catalog),
    actions: new ActionRegistry(PACKS),
    resources: {
      ...resources,
      drafts,
      files: new StepFiles({ ...kept, store }),
      events: new StepEvents({ ...kept, clock: Date.now }),
    },
    artifacts,
    chunks: access.chunks,
    agents: agentRouterOf(config, artifacts.agents(), masked),
    pausedMs: (runId, path) => pausedMs(catalog, runId, path),
    schedules: new ScheduleTickService({ catalog: access, envId: config.envId, clock: Date.now }),
    worker: identity,
  }),
  workflowSlots: config.workflowSlots,
  activitySlots: config.activitySlots,
  cachedWorkflows: config.cachedWorkflows,
  identity,
  aroundActivities: [
    attemptContextInterceptor({ correlationOf, always: log.isLevelEnabled('debug') }),
    ...(tracer === undefined ? [] : [attemptTraces({ tracer, correlationOf })]),
  ],
});
const running = worker.run();
lifecycle.onClose('alive file', await keepAliveFile(config.stateDir, () => worker.isWorking()));
lifecycle.onClose('worker', async () => {
  worker.shutdown();
  await running.catch((error: unknown) => log.error({ err: error }, 'the worker ended with an error'));
  await worker.close();
});
running.catch((error: unknown) => {
  log.fatal({ err: error }, 'the worker stopped by itself');
  process.exitCode = 1;
  void lifecycle.close();
});
log.info({ address: config.temporalAddress, task_queue: config.taskQueue, identity }, 'polling');
tellParent({ ready: true });
await lifecycle.ended;
if (process.connected) process.disconnect();
