import {
  Client,
  Connection,
  WorkflowExecutionAlreadyStartedError,
  WorkflowUpdateFailedError,
  type WorkflowExecutionDescription,
} from '@temporalio/client';
import { defineSearchAttributeKey, type TypedSearchAttributes } from '@temporalio/common';
import type { History } from '@temporalio/common/lib/proto-utils.js';
import { workflowIdOf } from '../domain/ids.js';
import type { Plan } from '../domain/plan.js';
import {
  CANCEL_RUN,
  DECIDE_GATE,
  SNAPSHOT,
  WORKFLOW_TYPE,
  type CancelRun,
  type DecideGate,
  type DecideGateAnswer,
  type FreshRun,
  type Snapshot,
} from '../../workflows/contract.js';
import { readHistory, type HistoryFacts } from './run-history.js';
import { ScheduleGateway } from './schedules.js';
import { GRPC, grpcStatusOf, isTemporalUnavailable, isWorkflowGone, temporalFault } from './temporal-faults.js';

/** Where the gateway tells what operators should know. */
export interface GatewayLog {
  warn(facts: Record<string, unknown>, message: string): void;
}

export interface GatewayOptions {
  /** `host:port` of the Temporal frontend. */
  address: string;
  namespace: string;
  /** The queue that workers of this environment poll. */
  taskQueue: string;
  log: GatewayLog;
}

/** Everything that a new run needs. */
export interface RunStart {
  runId: string;
  plan: Plan;
  start: FreshRun['start'];
  /** Shown in Temporal's own UI. */
  name: string;
  blueprintId: string;
  version: string;
  envId: string;
  correlationId: string;
}

/** A task that has not ended, as Temporal sees it. */
export interface PendingTask {
  path: string;
  /** From 1. */
  attempt: number;
  /** `scheduled`: waits for a worker, or for the time of its next attempt. */
  state: 'scheduled' | 'started' | 'cancel_requested' | 'paused';
  scheduledAt: string | null;
  nextAttemptAt: string | null;
  lastFailure: string | null;
  /** Its last attempt ended since no heartbeat came any more. */
  isLost: boolean;
  /** Who had the last attempt, or has the one that runs. */
  worker: string;
  startedAt: string | null;
  heartbeatAt: string | null;
}

/** The run's next decision: a workflow task that has not ended. */
export interface PendingDecision {
  state: 'scheduled' | 'started';
  /** From 1; above, the ones before failed or their workers died. */
  attempt: number;
  scheduledAt: string | null;
  startedAt: string | null;
}

/** How the last decision that did not succeed ended. */
export type DecisionFailure =
  { kind: 'failed'; message: string; at: string | null } | { kind: 'timed_out'; at: string | null };

export type ExecutionStatus = 'open' | 'completed' | 'failed' | 'cancelled' | 'terminated' | 'timed_out' | 'not_found';

export interface RunDescription {
  status: ExecutionStatus;
  pending: PendingTask[];
  /** Null when nothing is to be decided now. */
  decision: PendingDecision | null;
}

/** What the server says about itself. */
export interface ServerFacts {
  version: string;
  missingSearchAttributes: string[];
}

/** What became of a decision: an answer, `unknown` (send it again with the same id), or `closed`. */
export type DecideOutcome = DecideGateAnswer | 'unknown' | 'closed';

const CALL_DEADLINE_MS = 5_000;
const QUERY_DEADLINE_MS = 2_000;
/** A long poll lasts a minute, so a poller that is there was seen within this. */
const POLLER_FRESH_MS = 70_000;
const HISTORY_DEADLINE_MS = 15_000;
/** Runs that one listing gives. */
const MAX_OPEN_RUNS = 10_000;
/** Newest events that are looked through for a failed decision. */
const FAILURE_EVENTS = 10;
type QueueRequest = Parameters<Connection['workflowService']['describeTaskQueue']>[0];
/** `TASK_QUEUE_TYPE_WORKFLOW`. */
const WORKFLOW_QUEUE = 1 as unknown as NonNullable<QueueRequest['taskQueueType']>;
/** Executions of one run that are read back, newest first. */
const MAX_EXECUTIONS = 100;

const KEYS = {
  blueprint: defineSearchAttributeKey('XynBlueprint', 'KEYWORD'),
  version: defineSearchAttributeKey('XynVersion', 'KEYWORD'),
  env: defineSearchAttributeKey('XynEnv', 'KEYWORD'),
  correlation: defineSearchAttributeKey('XynCorrelationId', 'KEYWORD'),
};

/**
 * The way to Temporal for everything that is not a worker. Connects at the first call and reconnects by itself; every
 * call is bounded. Calls throw `temporal_unavailable` when nobody answers, unless they say otherwise.
 */
export class RunGateway {
  readonly #options: GatewayOptions;
  readonly #connection: Connection;
  readonly #client: Client;
  /** The way to Temporal's schedules, over the same connection. */
  readonly schedules: ScheduleGateway;
  #searchAttributes = true;

  constructor(options: GatewayOptions) {
    this.#options = options;
    this.#connection = Connection.lazy({
      address: options.address,
      // Callers have their own back-off, and know when a repeat is harmless.
      interceptors: [],
      channelArgs: {
        // The default grows to two minutes: too long to notice that a restarted server is back.
        'grpc.initial_reconnect_backoff_ms': 200,
        'grpc.max_reconnect_backoff_ms': 2_000,
      },
    });
    this.#client = new Client({ connection: this.#connection, namespace: options.namespace });
    this.schedules = new ScheduleGateway({
      client: this.#client,
      namespace: options.namespace,
      taskQueue: options.taskQueue,
      bounded: (deadlineMs, call) => this.#bounded(deadlineMs, call),
    });
  }

  /**
   * Starts the workflow of a run.
   * @returns `already_there` when the run was started before, which is success too.
   */
  async start(run: RunStart): Promise<'started' | 'already_there'> {
    try {
      await this.#start(run);
      return 'started';
    } catch (error) {
      if (error instanceof WorkflowExecutionAlreadyStartedError) return 'already_there';
      if (!this.#searchAttributes || !isMissingSearchAttribute(error)) throw temporalFault(error);
      this.#searchAttributes = false;
      this.#options.log.warn(
        { address: this.#options.address },
        'The Temporal server lacks the search attributes XynBlueprint, XynVersion, XynEnv, XynCorrelationId: runs start without them.',
      );
      return this.start(run);
    }
  }

  /** Sends a decision to its gate. Sending it again with the same id changes nothing. Never throws for an outage. */
  async decide(runId: string, decision: DecideGate & { id: string }): Promise<DecideOutcome> {
    try {
      return await this.#bounded(CALL_DEADLINE_MS, () =>
        this.#handle(runId).executeUpdate<DecideGateAnswer, [DecideGate]>(DECIDE_GATE, {
          args: [decision],
          updateId: decision.id,
        }),
      );
    } catch (error) {
      if (isWorkflowGone(error)) return 'closed';
      if (error instanceof WorkflowUpdateFailedError) return afterFailedUpdate(error);
      if (isTemporalUnavailable(error)) return 'unknown';
      // "Workflow is closing", too many updates in flight and their like: the next try tells.
      if (grpcStatusOf(error) !== undefined) return 'unknown';
      throw temporalFault(error);
    }
  }

  /** Asks a run to cancel. Stored by the server even while no worker is there. Never throws for an outage. */
  async cancel(runId: string, request: CancelRun): Promise<'sent' | 'closed' | 'unavailable'> {
    try {
      await this.#bounded(CALL_DEADLINE_MS, () => this.#handle(runId).signal(CANCEL_RUN, request));
      return 'sent';
    } catch (error) {
      if (isWorkflowGone(error)) return 'closed';
      if (temporalFault(error).code === 'temporal_unavailable') return 'unavailable';
      throw temporalFault(error);
    }
  }

  /** What Temporal knows about a run now. */
  async describe(runId: string, deadlineMs: number = CALL_DEADLINE_MS): Promise<RunDescription> {
    try {
      return describe(await this.#bounded(deadlineMs, () => this.#handle(runId).describe()));
    } catch (error) {
      if (isWorkflowGone(error)) return { status: 'not_found', pending: [], decision: null };
      throw temporalFault(error);
    }
  }

  /** How the run's last decision that did not succeed ended; undefined when none of the last events tells. */
  async decisionFailure(runId: string, deadlineMs: number): Promise<DecisionFailure | undefined> {
    try {
      const { history } = await this.#bounded(deadlineMs, () =>
        this.#connection.workflowService.getWorkflowExecutionHistoryReverse({
          namespace: this.#options.namespace,
          execution: { workflowId: workflowIdOf(runId) },
          maximumPageSize: FAILURE_EVENTS,
        }),
      );
      return decisionFailureOf(history?.events ?? []);
    } catch (error) {
      throw temporalFault(error);
    }
  }

  /** The history of the newest execution of a run, or of the given one; undefined when there is none. */
  async history(runId: string, executionId?: string): Promise<History | undefined> {
    try {
      return await this.#bounded(HISTORY_DEADLINE_MS, () => this.#handle(runId, executionId).fetchHistory());
    } catch (error) {
      if (isWorkflowGone(error)) return undefined;
      throw temporalFault(error);
    }
  }

  /** What all executions of a run prove, oldest first; `end` is that of the newest. Undefined when there is none. */
  async facts(runId: string): Promise<HistoryFacts | undefined> {
    let merged: HistoryFacts | undefined;
    let executionId: string | undefined;
    for (let n = 0; n < MAX_EXECUTIONS; n += 1) {
      const history = await this.history(runId, executionId);
      if (history === undefined) return merged;
      const facts = readHistory(runId, history);
      merged = {
        attempts: [...facts.attempts, ...(merged?.attempts ?? [])],
        transitions: [...facts.transitions, ...(merged?.transitions ?? [])],
        ...(n === 0 ? (facts.end === undefined ? {} : { end: facts.end }) : merged?.end ? { end: merged.end } : {}),
      };
      if (facts.previous === undefined) return merged;
      executionId = facts.previous;
    }
    return merged;
  }

  /** The run's state from a worker's memory, or undefined when none answers in time. Works for closed runs too. */
  async snapshot(runId: string): Promise<Snapshot | undefined> {
    try {
      return await this.#bounded(QUERY_DEADLINE_MS, () => this.#handle(runId).query<Snapshot>(SNAPSHOT));
    } catch {
      return undefined;
    }
  }

  /**
   * Ids of the runs that Temporal works on, at most 10 000; its listing lags a little behind.
   * @throws XynFault `temporal_unavailable`
   */
  async openRunIds(): Promise<Set<string>> {
    const ids = new Set<string>();
    let nextPageToken: Uint8Array = new Uint8Array();
    try {
      do {
        const page = await this.#bounded(CALL_DEADLINE_MS, () =>
          this.#connection.workflowService.listWorkflowExecutions({
            namespace: this.#options.namespace,
            query: `WorkflowType = '${WORKFLOW_TYPE}' AND ExecutionStatus = 'Running'`,
            pageSize: 1_000,
            nextPageToken,
          }),
        );
        for (const { execution } of page.executions) ids.add((execution?.workflowId ?? '').slice('run/'.length));
        nextPageToken = page.nextPageToken;
      } while (nextPageToken.length > 0 && ids.size < MAX_OPEN_RUNS);
    } catch (error) {
      throw temporalFault(error);
    }
    return ids;
  }

  /** @throws XynFault `temporal_unavailable`, also where the server does not tell its search attributes. */
  async serverFacts(): Promise<ServerFacts> {
    const { namespace } = this.#options;
    try {
      const [info, attributes] = await this.#bounded(QUERY_DEADLINE_MS, () =>
        Promise.all([
          this.#connection.workflowService.getSystemInfo({}),
          this.#connection.operatorService.listSearchAttributes({ namespace }),
        ]),
      );
      const names = Object.values(KEYS).map(({ name }) => name);
      const missing = names.filter((name) => !(name in attributes.customAttributes));
      return { version: info.serverVersion, missingSearchAttributes: missing };
    } catch (error) {
      throw temporalFault(error);
    }
  }

  /** Whether the server answers, within `deadlineMs`. */
  async isReachable(deadlineMs: number): Promise<boolean> {
    try {
      await this.#bounded(deadlineMs, () => this.#connection.workflowService.getSystemInfo({}));
      return true;
    } catch {
      return false;
    }
  }

  /**
   * How many workers asked for workflow tasks lately.
   * @throws XynFault `temporal_unavailable`
   */
  async pollers(): Promise<number> {
    const { namespace, taskQueue } = this.#options;
    try {
      const { pollers } = await this.#bounded(QUERY_DEADLINE_MS, () =>
        this.#connection.workflowService.describeTaskQueue({
          namespace,
          taskQueue: { name: taskQueue },
          taskQueueType: WORKFLOW_QUEUE,
        }),
      );
      const recent = Date.now() - POLLER_FRESH_MS;
      const fresh = pollers.filter((one) => Number(one.lastAccessTime?.seconds ?? 0) * 1_000 >= recent);
      return new Set(fresh.map((one) => one.identity)).size;
    } catch (error) {
      throw temporalFault(error);
    }
  }

  /** The queue that workers of this environment poll. */
  get taskQueue(): string {
    return this.#options.taskQueue;
  }

  /** `host:port` of the server. */
  get address(): string {
    return this.#options.address;
  }

  /** Ends the connection; open calls fail. */
  async close(): Promise<void> {
    await this.#connection.close();
  }

  async #start(run: RunStart): Promise<void> {
    const input: FreshRun = { plan: run.plan, start: run.start };
    await this.#bounded(CALL_DEADLINE_MS, () =>
      this.#client.workflow.start(WORKFLOW_TYPE, {
        workflowId: workflowIdOf(run.runId),
        taskQueue: this.#options.taskQueue,
        args: [input],
        workflowIdReusePolicy: 'REJECT_DUPLICATE',
        workflowIdConflictPolicy: 'FAIL',
        staticSummary: run.name.slice(0, 200),
        memo: { blueprint: run.blueprintId, version: run.version },
        ...(this.#searchAttributes ? { typedSearchAttributes: searchAttributesOf(run) } : {}),
      }),
    );
  }

  #handle(runId: string, executionId?: string): ReturnType<Client['workflow']['getHandle']> {
    return this.#client.workflow.getHandle(workflowIdOf(runId), executionId);
  }

  #bounded<T>(deadlineMs: number, call: () => Promise<T>): Promise<T> {
    return this.#connection.withDeadline(Date.now() + deadlineMs, call);
  }
}

function searchAttributesOf(run: RunStart): TypedSearchAttributes | { key: typeof KEYS.env; value: string }[] {
  return [
    { key: KEYS.blueprint, value: run.blueprintId },
    { key: KEYS.version, value: run.version },
    { key: KEYS.env, value: run.envId },
    { key: KEYS.correlation, value: run.correlationId },
  ];
}

function isMissingSearchAttribute(error: unknown): boolean {
  const status = grpcStatusOf(error);
  return status?.code === GRPC.invalidArgument && /search attribute/i.test(status.details);
}

/** An update that failed was refused by its validator, unless its workflow closed before it was handled. */
function afterFailedUpdate(error: WorkflowUpdateFailedError): DecideOutcome {
  const cause = error.cause as { type?: unknown } | undefined;
  if (cause?.type === 'AcceptedUpdateCompletedWorkflow') return 'closed';
  return { answer: 'refused', code: typeof cause?.type === 'string' ? cause.type : 'gate_decision_refused' };
}

const STATUSES: Record<string, ExecutionStatus> = {
  COMPLETED: 'completed',
  FAILED: 'failed',
  CANCELLED: 'cancelled',
  TERMINATED: 'terminated',
  TIMED_OUT: 'timed_out',
};
const TASK_STATES: Record<number, PendingTask['state']> = {
  2: 'started',
  3: 'cancel_requested',
  4: 'paused',
  5: 'paused',
};
/** `PENDING_WORKFLOW_TASK_STATE_STARTED`. */
const DECISION_STARTED = 2;
/** `TIMEOUT_TYPE_HEARTBEAT`. */
const HEARTBEAT_TIMEOUTS = new Set<number>([4]);

function describe(description: WorkflowExecutionDescription): RunDescription {
  const raw = description.raw;
  const decision = raw.pendingWorkflowTask;
  return {
    status: STATUSES[description.status.name] ?? 'open',
    pending: (raw.pendingActivities ?? []).map((task) => ({
      path: task.activityId ?? '',
      attempt: task.attempt ?? 1,
      state: TASK_STATES[task.state ?? 0] ?? 'scheduled',
      scheduledAt: isoTime(task.scheduledTime),
      nextAttemptAt: isoTime(task.nextAttemptScheduleTime),
      lastFailure: task.lastFailure?.message ?? null,
      isLost: HEARTBEAT_TIMEOUTS.has(task.lastFailure?.timeoutFailureInfo?.timeoutType ?? 0),
      worker: task.lastWorkerIdentity ?? '',
      startedAt: isoTime(task.lastStartedTime),
      heartbeatAt: isoTime(task.lastHeartbeatTime),
    })),
    decision: decision == null ? null : decisionOf(decision),
  };
}

function decisionOf(task: NonNullable<WorkflowExecutionDescription['raw']['pendingWorkflowTask']>): PendingDecision {
  return {
    state: Number(task.state) === DECISION_STARTED ? 'started' : 'scheduled',
    attempt: task.attempt ?? 1,
    scheduledAt: isoTime(task.originalScheduledTime) ?? isoTime(task.scheduledTime),
    startedAt: isoTime(task.startedTime),
  };
}

/** Newest event first. */
function decisionFailureOf(events: NonNullable<History['events']>): DecisionFailure | undefined {
  for (const event of events) {
    const at = isoTime(event.eventTime);
    const failed = event.workflowTaskFailedEventAttributes;
    if (failed != null) return { kind: 'failed', message: failed.failure?.message ?? 'unknown', at };
    if (event.workflowTaskTimedOutEventAttributes != null) return { kind: 'timed_out', at };
  }
  return undefined;
}

function isoTime(time: { seconds?: unknown; nanos?: number | null } | null | undefined): string | null {
  const seconds = Number(time?.seconds ?? 0);
  return seconds === 0 ? null : new Date(seconds * 1000 + (time?.nanos ?? 0) / 1e6).toISOString();
}
