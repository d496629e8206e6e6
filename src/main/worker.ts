import { once } from 'node:events';
import { hostname } from 'node:os';
import { loadConfig, secretsOf } from '../config/config.js';
import { createLogger } from '../config/log.js';
import { environmentSecrets } from '../secrets/environment-store.js';
import { SecretKeeper } from '../secrets/secret-keeper.js';
import { attemptContext } from '../telemetry/attempt-context.js';
import { createWorker, installRuntime } from '../temporal/worker.js';
import { keepAliveFile } from './alive-file.js';
import { Lifecycle, tellParent } from './lifecycle.js';
import { packagePaths } from './package-paths.js';
import { requireSetting } from './require-setting.js';
import { sdkLevel, sdkLog } from './sdk-log.js';
import { applySettingsFile } from './settings-file.js';

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
const databaseUrl = requireSetting(config.databaseUrl, 'DATABASE_URL');
installRuntime({ log: sdkLog(log), level: sdkLevel(config.logLevel), metrics: config.sdkMetrics });
const identity = `${hostname()}/${process.pid}`;

// The SDK's thread for workflows loads as long as everything that steps need: both at once, before the worker polls.
const threadBegins = once(process, 'worker');
const creating = createWorker({
  address: requireSetting(config.temporalAddress, 'TEMPORAL_ADDRESS'),
  namespace: config.temporalNamespace,
  taskQueue: config.taskQueue,
  bundlePath: packagePaths.workflowBundle,
  workflowSlots: config.workflowSlots,
  activitySlots: config.activitySlots,
  cachedWorkflows: config.cachedWorkflows,
  identity,
});
await Promise.race([threadBegins, creating]);
const { openStepWork } = await import('./step-work.js');
const work = await openStepWork({ config, databaseUrl, keeper, masked, log, lifecycle, identity });
const worker = await creating;
const running = worker.run(work);
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
void work.warmUp();
await lifecycle.ended;
if (process.connected) process.disconnect();
