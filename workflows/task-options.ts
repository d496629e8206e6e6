import { ActivityCancellationType, type ActivityOptions, type LocalActivityOptions } from '@temporalio/workflow';
import type { ActionNode, AgentNode } from '../src/domain/plan.js';

/** A worker that was killed is noticed when this passes without a heartbeat; workers send one every 2 s (design §3). */
const HEARTBEAT_TIMEOUT_MS = 6_000;
/** `startToClose` is the step's timeout plus this: the worker itself enforces the timeout, this only finds crashes. */
const CRASH_MARGIN_MS = 30_000;
/** The same for a local one, whose worker is the workflow's own. */
const LOCAL_MARGIN_MS = 6_000;
/** Attempts that are lost with their worker do not count, but are bounded too. */
const LOST_ATTEMPTS = 10;
/** The server caps the pause that a failed attempt asks for by this; `Retry-After` may ask for a day. */
const MAX_PAUSE_MS = 86_400_000;

/** Options of the activity that runs a step. Retries are decided by the worker (language §8.3), bounded here. */
export function taskOptions(node: ActionNode | AgentNode, activityId: string): ActivityOptions {
  const once = node.kind === 'action_task' && node.idempotency === 'none';
  const { retry } = node;
  return {
    activityId,
    summary: node.name ?? node.id,
    startToCloseTimeout: node.timeout_ms + CRASH_MARGIN_MS,
    ...(retry.deadline_ms === undefined ? {} : { scheduleToCloseTimeout: retry.deadline_ms + CRASH_MARGIN_MS }),
    heartbeatTimeout: HEARTBEAT_TIMEOUT_MS,
    cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
    retry: {
      maximumAttempts: once ? 1 : retry.attempts + LOST_ATTEMPTS,
      initialInterval: retry.backoff.first_ms,
      backoffCoefficient: retry.backoff.factor,
      maximumInterval: MAX_PAUSE_MS,
    },
  };
}

/** Pauses between local attempts above this are timers of the server, so that the run can be told things meanwhile. */
const LOCAL_PAUSE_MS = 1_000;

/** Options of a step that runs in the worker that decides: as a local activity (design §3). */
export function localOptions(node: ActionNode | AgentNode): LocalActivityOptions {
  const { retry } = node;
  return {
    summary: node.name ?? node.id,
    startToCloseTimeout: node.timeout_ms + LOCAL_MARGIN_MS,
    ...(retry.deadline_ms === undefined ? {} : { scheduleToCloseTimeout: retry.deadline_ms + LOCAL_MARGIN_MS }),
    localRetryThreshold: LOCAL_PAUSE_MS,
    cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
    retry: {
      maximumAttempts: retry.attempts,
      initialInterval: retry.backoff.first_ms,
      backoffCoefficient: retry.backoff.factor,
      maximumInterval: MAX_PAUSE_MS,
    },
  };
}

/** The flush of records: short, so that a database that is down is noticed and tried again 10 s later by the driver. */
export const RECORD_OPTIONS: LocalActivityOptions = {
  startToCloseTimeout: 2_000,
  retry: { maximumAttempts: 2, initialInterval: 200 },
  summary: 'records',
};

/** The question how long a task has paused between its attempts. */
export const CHECK_OPTIONS: LocalActivityOptions = {
  startToCloseTimeout: 2_000,
  retry: { maximumAttempts: 2, initialInterval: 200 },
  summary: 'retry pauses',
};

/** Lists of loops, which may have 64 MiB: as long as the server waits for a workflow task that does not end. */
export const LIST_OPTIONS: LocalActivityOptions = {
  startToCloseTimeout: 30_000,
  retry: { maximumAttempts: 2, initialInterval: 200 },
  summary: 'items',
};

/** What could not be written or read is tried again after this: the catalog is away. */
export const STORE_RETRY_MS = 10_000;
