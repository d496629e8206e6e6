import { statfs } from 'node:fs/promises';
import path from 'node:path';
import { redact } from '../agents/redact.js';
import { LocalArtifactStore } from '../artifacts/local-store.js';
import { auditChain } from '../catalog/audit-chain.js';
import { readBacklog } from '../catalog/backlog.js';
import { auditLog } from '../catalog/audit.js';
import { AuditOverviewStore } from '../catalog/audit-overview.js';
import { listenTo } from '../catalog/channel-listener.js';
import { connectCatalog } from '../catalog/connect.js';
import { grantAppRole } from '../catalog/grants.js';
import { migrate } from '../catalog/migrate.js';
import { ensurePartitions } from '../catalog/partitions.js';
import { runLogEntries } from '../catalog/run-log-rows.js';
import { sharedKey } from '../catalog/signing-keys.js';
import { loadConfig, secretsOf } from '../config/config.js';
import { createLogger } from '../config/log.js';
import { SETTINGS } from '../config/settings.js';
import { createApp } from '../http/app.js';
import { startHttpServer } from '../http/server.js';
import { ActionCalls } from '../services/action-calls.js';
import { ArtifactService } from '../services/artifacts.js';
import { AuditChainer } from '../services/audit-chainer.js';
import { AuditHeads } from '../services/audit-heads.js';
import { DoctorService } from '../services/doctor.js';
import { AuditTrail } from '../services/audit-trail.js';
import type { ServiceObserver } from '../services/observer.js';
import { requestTraces, runTraces } from '../telemetry/api-traces.js';
import { LiveReader } from '../services/live-reader.js';
import { LiveStreams } from '../services/live-streams.js';
import { HealthService } from '../services/health.js';
import { PartitionSweep } from '../services/partition-sweep.js';
import { RunLogWriter } from '../services/run-log.js';
import { catalogMetrics, poolMetrics } from '../telemetry/catalog-metrics.js';
import { createRegistry } from '../telemetry/registry.js';
import { requestMetrics } from '../telemetry/request-metrics.js';
import { serviceMetrics } from '../telemetry/service-metrics.js';
import { RunGateway } from '../temporal/gateway.js';
import { createCompiler, createDocumentSchema, createTargetFields } from './compiler.js';
import { createCore } from './core.js';
import { createDrafts } from './drafts.js';
import { createReplayCheck } from './replay-process.js';
import { createReruns } from './reruns.js';
import { screenServices } from './screen-services.js';
import { environmentOf } from './environment.js';
import { Lifecycle, tellParent } from './lifecycle.js';
import { serveMetrics } from './metrics-server.js';
import { packagePaths, packageVersion } from './package-paths.js';
import { artifactBounds, limitRailsOf, railsOf } from './rails.js';
import { requireSetting } from './require-setting.js';
import { startTracing } from './tracing.js';
import { applySettingsFile } from './settings-file.js';

/** How long the first call to Temporal may take, which nobody waits for. */
const WARM_UP_MS = 5_000;

/** The API process: migrates, serves HTTP, and does the work behind it (dispatch, sweeps, repair, audit chain). */
applySettingsFile(process.env, { orUsual: false });
const config = loadConfig(process.env);
const secrets = secretsOf(config);
const log = createLogger({ level: config.logLevel, format: config.logFormat, name: 'api', secrets: () => secrets });
const lifecycle = new Lifecycle(log);

const url = requireSetting(config.databaseUrl, 'DATABASE_URL');
const ownerUrl = config.databaseOwnerUrl ?? url;
const { applied } = await migrate({ ownerUrl, dir: packagePaths.migrations });
const grants = await grantAppRole(ownerUrl, decodeURIComponent(new URL(url).username));
if (applied.length > 0) log.info({ applied }, 'migrated');
if (grants.ownerCouldRemoveTriggers) {
  log.warn({}, 'the application owns its tables: it could remove the triggers that keep the audit trail append-only');
}

const catalog = connectCatalog({ url, applicationName: 'xyn-api' });
lifecycle.onClose('catalog', () => catalog.close());
const gateway = new RunGateway({
  address: requireSetting(config.temporalAddress, 'TEMPORAL_ADDRESS'),
  namespace: config.temporalNamespace,
  taskQueue: config.taskQueue,
  log,
});
lifecycle.onClose('temporal', () => gateway.close());
const env = environmentOf(config);
const registry = createRegistry({ part: 'api', version: packageVersion() });
poolMetrics(registry, catalog.pool);
catalogMetrics(registry, () => readBacklog(catalog));
await serveMetrics({
  registry,
  listener: config.apiMetrics,
  setting: SETTINGS.apiMetrics,
  log,
  lifecycle,
});
const tracer = await startTracing('api', { config, log, lifecycle });
const measured = { request: requestMetrics(registry), ...serviceMetrics(registry) };
const traced = tracer && { request: requestTraces(tracer), ...runTraces(tracer) };
const observer: ServiceObserver = {
  ...measured,
  runStarted(run, at) {
    measured.runStarted(run, at);
    traced?.runStarted(run, at);
  },
};
const core = createCore({
  catalog,
  gateway,
  env,
  log,
  rails: railsOf(config),
  compile: createCompiler(limitRailsOf(config)),
  targetFields: createTargetFields(),
  documentSchema: createDocumentSchema(),
  observer,
});
const store = await LocalArtifactStore.open({
  dir: path.join(config.stateDir, 'artifacts'),
  ...artifactBounds(config),
});
const artifacts = new ArtifactService({ catalog: core.access, store, envId: config.envId });
const runLogs = new RunLogWriter({
  catalog: core.access,
  entries: (runId, logId) => runLogEntries(catalog, runId, logId),
  store,
  redact: (text) => redact(text, secrets),
  log,
});
runLogs.start();
lifecycle.onClose('run logs', () => runLogs.stop());
const chain = auditChain(catalog);
const heads = await AuditHeads.open(path.join(config.stateDir, 'audit'));
const partitions = new PartitionSweep({ ensure: (day) => ensurePartitions(ownerUrl, day), clock: Date.now, log });
partitions.start();
lifecycle.onClose('partitions', () => partitions.stop());
const chainer = new AuditChainer({
  chain,
  heads,
  log,
  clock: Date.now,
  listen: (onNotice) => listenTo({ connection: catalog.pool.options, channel: 'xyn_audit', onNotice }),
});
chainer.start();
lifecycle.onClose('audit', () => chainer.stop());
// After the chainer, so that it ends before it and its last entries are still linked.
core.startBackground(lifecycle);

const health = new HealthService({ catalog: core.access, gateway, temporalUiUrl: config.temporalUiUrl ?? null });
const screens = screenServices({
  catalog,
  core,
  health,
  artifacts,
  temporal: { uiUrl: config.temporalUiUrl ?? null, namespace: config.temporalNamespace },
});
const reader = new LiveReader({
  store: core.access.live,
  log,
  clock: Date.now,
  maxFollowers: config.maxStreams,
  listen: (onNotice) => listenTo({ connection: catalog.pool.options, channel: 'xyn_outbox', onNotice }),
});
await reader.start();
const live = new LiveStreams({
  reader,
  catalog: core.access,
  explain: (runId) => core.runs.get(runId),
  health: () => health.check(),
});
const doctor = new DoctorService({
  runs: core.access.stuck,
  gateway,
  waits: core.waits,
  health,
  disk: async () => {
    const { bavail, blocks, bsize } = await statfs(config.stateDir);
    return { freeBytes: bavail * bsize, totalBytes: blocks * bsize };
  },
  clock: Date.now,
});
const app = createApp(
  {
    ...core,
    reruns: createReruns(core, store, log),
    replays: createReplayCheck(packagePaths.replayMain, { catalog: core.access, gateway }),
    health,
    live,
    doctor,
    artifacts,
    drafts: createDrafts({ ...core, store, envId: config.envId, rails: limitRailsOf(config) }),
    actions: new ActionCalls(core),
    audit: new AuditTrail({
      log: auditLog(catalog),
      store: new AuditOverviewStore(catalog),
      chain,
      heads,
      clock: Date.now,
    }),
    cursors: { key: sharedKey(catalog, 'cursor') },
  },
  {
    log,
    version: packageVersion(),
    allowedHosts: [config.host, ...(config.allowedHosts ?? [])],
    ui: { env, services: { ...screens, feed: live.feed } },
    onRequest(facts) {
      measured.request(facts);
      traced?.request(facts);
    },
  },
);
// A port that somebody asked for is taken or nothing; the default moves on to the next free one.
const orNext = (process.env['XYN_PORT'] ?? '') === '';
const server = await startHttpServer(app, { host: config.host, port: config.port, orNext });
lifecycle.onClose('http', () => server.close());
// The first start would wait for the connection, and for what the client works out when it is first used.
void gateway.isReachable(WARM_UP_MS);
// After the server, so that streams end before it waits for answers under way.
lifecycle.onClose('live', () => reader.stop());
log.info({ url: server.url }, 'listening');
tellParent({ ready: true, url: server.url });
await lifecycle.ended;
if (process.connected) process.disconnect();
