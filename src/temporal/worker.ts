import {
  NativeConnection,
  Runtime,
  DefaultLogger,
  Worker,
  type ActivityInterceptorsFactory,
  type LogLevel,
  type RuntimeOptions as RuntimeInstallOptions,
} from '@temporalio/worker';
import { composeInterceptors } from '@temporalio/common/lib/interceptors.js';
import type { XynActivities } from '../../workflows/contract.js';
import { XynFault } from '../domain/fault.js';

/** Sizes of a worker process. */
export interface WorkerOptions {
  address: string;
  namespace: string;
  taskQueue: string;
  /** Path of the prebuilt workflow bundle. */
  bundlePath: string;
  /** Workflow tasks at once. */
  workflowSlots: number;
  /** Activities at once. */
  activitySlots: number;
  /** Runs kept in memory between tasks. */
  cachedWorkflows: number;
  identity: string;
}

/** What carries out steps. */
export interface StepWork {
  activities: XynActivities;
  /** Around every attempt, outermost first. */
  aroundActivities?: readonly ActivityInterceptorsFactory[];
}

/** The most heartbeats that the SDK holds back: as long as our own interval, so that a lost worker is seen in time. */
const HEARTBEAT_THROTTLE_MS = 2_000;
/** A task for a worker that was killed goes to another one after this, so that a run goes on within 15 s. */
const STICKY_PATIENCE_MS = 5_000;
/** What runs when a worker is told to stop gets this long to end (design §3). */
const SHUTDOWN_GRACE_MS = 20_000;
const SHUTDOWN_FORCE_MS = 28_000;

/** A worker that was made and polls once `run` is called. */
export interface RunningWorker {
  /** Polls. Resolves after `shutdown`, when nothing runs any more. */
  run(work: StepWork): Promise<void>;
  shutdown(): void;
  /** Polls, or still ends what runs. */
  isWorking(): boolean;
  close(): Promise<void>;
}

/** What the SDK tells besides its work. */
export interface RuntimeOptions {
  log: (level: LogLevel, message: string, facts: object) => void;
  /** Least important level that the SDK logs; default `WARN`. */
  level?: LogLevel;
  /** Where the SDK serves its own metrics to Prometheus; null or absent: nowhere. */
  metrics?: { host: string; port: number } | null;
}

/**
 * Sends the SDK's own log to ours. To be called once per process, before anything else of the SDK.
 * @throws XynFault `port_taken` when the address for metrics is in use.
 */
export function installRuntime({ log, level = 'WARN', metrics = null }: RuntimeOptions): void {
  const logging = { filter: { core: level, other: 'ERROR' as const }, forward: {} };
  const exporter =
    metrics === null
      ? {}
      : {
          metrics: {
            prometheus: {
              bindAddress: addressOf(metrics),
              countersTotalSuffix: true,
              unitSuffix: true,
              useSecondsForDurations: true,
            },
          },
        };
  const logger = new DefaultLogger(level, ({ level: of, message, meta }) => log(of, message, meta ?? {}));
  install({ logger, telemetryOptions: { logging, ...exporter }, shutdownSignals: [] }, metrics);
}

/** The SDK wants to know activities when its worker is made; here they come when it begins to poll. */
class LaterWork {
  work: StepWork | undefined;
  readonly activities: XynActivities = {
    runAction: (task, records) => this.#given().activities.runAction(task, records),
    runAgent: (task, records) => this.#given().activities.runAgent(task, records),
    recordProgress: (records) => this.#given().activities.recordProgress(records),
    checkTask: (task) => this.#given().activities.checkTask(task),
    spillResults: (task) => this.#given().activities.spillResults(task),
    readItems: (task) => this.#given().activities.readItems(task),
    fireSchedule: (task) => this.#given().activities.fireSchedule(task),
    scheduledRun: (fired) => this.#given().activities.scheduledRun(fired),
    cancelScheduledRun: (fired) => this.#given().activities.cancelScheduledRun(fired),
  };
  readonly around: ActivityInterceptorsFactory = (context) => {
    const inbound = (this.work?.aroundActivities ?? []).flatMap((factory) => factory(context).inbound ?? []);
    return { inbound: { execute: (input, next) => composeInterceptors(inbound, 'execute', next)(input) } };
  };

  #given(): StepWork {
    if (this.work === undefined) throw new Error('a worker took a task before it was told to run');
    return this.work;
  }
}

function addressOf({ host, port }: { host: string; port: number }): string {
  return `${host === 'localhost' ? '127.0.0.1' : host.includes(':') ? `[${host}]` : host}:${port}`;
}

function install(options: RuntimeInstallOptions, metrics: RuntimeOptions['metrics']): void {
  try {
    Runtime.install(options);
  } catch (error) {
    if (metrics === null || metrics === undefined) throw error;
    const message = `Temporal's SDK cannot serve metrics at ${addressOf(metrics)}; set XYN_SDK_METRICS to a free address of this machine.`;
    throw new XynFault('port_taken', message, { cause: error });
  }
}
/**
 * Makes a worker with the settings of design §3.
 * @throws XynFault `temporal_unavailable` when the server does not answer.
 */
export async function createWorker(options: WorkerOptions): Promise<RunningWorker> {
  const connection = await NativeConnection.connect({
    address: options.address,
    grpcCompression: { codec: 'none' },
  }).catch((error: unknown) => {
    throw new XynFault('temporal_unavailable', `No Temporal server answers at ${options.address}.`, { cause: error });
  });
  const later = new LaterWork();
  const worker = await Worker.create({
    connection,
    namespace: options.namespace,
    taskQueue: options.taskQueue,
    identity: options.identity,
    interceptors: { activity: [later.around] },
    workflowBundle: { codePath: options.bundlePath },
    activities: later.activities,
    maxConcurrentWorkflowTaskExecutions: options.workflowSlots,
    maxConcurrentActivityTaskExecutions: options.activitySlots,
    maxConcurrentLocalActivityExecutions: options.activitySlots,
    maxConcurrentWorkflowTaskPolls: 10,
    maxConcurrentActivityTaskPolls: 10,
    maxEagerActivityReservationsPerWorkflowTask: 50,
    maxCachedWorkflows: options.cachedWorkflows,
    stickyQueueScheduleToStartTimeout: STICKY_PATIENCE_MS,
    maxHeartbeatThrottleInterval: HEARTBEAT_THROTTLE_MS,
    defaultHeartbeatThrottleInterval: HEARTBEAT_THROTTLE_MS,
    shutdownGraceTime: SHUTDOWN_GRACE_MS,
    shutdownForceTime: SHUTDOWN_FORCE_MS,
  });
  return {
    run(work) {
      later.work = work;
      return worker.run();
    },
    shutdown() {
      if (worker.getState() === 'RUNNING') worker.shutdown();
    },
    isWorking: () => ['RUNNING', 'DRAINING', 'STOPPING'].includes(worker.getState()),
    close: () => connection.close(),
  };
}
