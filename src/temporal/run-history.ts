import { defaultPayloadConverter } from '@temporalio/common';
import type { History } from '@temporalio/common/lib/proto-utils.js';
import type { RunEnd } from '../domain/dtos.js';
import type { TaskFailure } from '../domain/engine/messages.js';
import type { Transition } from '../domain/engine/state.js';
import type { Plan } from '../domain/plan.js';
import type { AttemptEnd } from '../domain/records.js';
import type { XynError } from '../domain/xyn-error.js';
import {
  TASK_FAILURE,
  type ActionTask,
  type AgentTask,
  type RunInput,
  type RunResult,
  type TaskFailureDetails,
  type TaskResult,
} from '../../workflows/contract.js';

/** Name of the events that the SDK writes for local activities. */
const LOCAL_MARKER = 'core_local_activity';

type HistoryEvent = NonNullable<History['events']>[number];
type Payloads = { payloads?: Parameters<typeof defaultPayloadConverter.fromPayload>[0][] | null } | null | undefined;
type Failure = NonNullable<NonNullable<HistoryEvent['activityTaskFailedEventAttributes']>['failure']>;
type Task = ActionTask | AgentTask;

/** What the history of one execution proves. Attempts before the last of a task are not in it. */
export interface HistoryFacts {
  attempts: AttemptEnd[];
  /** Transitions that travelled with tasks, oldest first. */
  transitions: Transition[];
  /** How the execution ended, when it did and when it was not handed over to another. */
  end?: RunEnd & { at: number };
  /** The execution that this one continues. */
  previous?: string;
}

/** Reads a history; unknown events and activities are passed over. */
export function readHistory(runId: string, history: History): HistoryFacts {
  const facts: HistoryFacts = { attempts: [], transitions: [] };
  const scheduled = new Map<string, { task: Task; type: string }>();
  const started = new Map<string, { worker: string; attempt: number; at: number }>();
  let plan: Plan | undefined;
  for (const event of history.events ?? []) {
    const first = event.workflowExecutionStartedEventAttributes;
    if (first?.continuedExecutionRunId) facts.previous = first.continuedExecutionRunId;
    const schedule = event.activityTaskScheduledEventAttributes;
    if (schedule) {
      const [task, records] = decode(schedule.input) as [Task, Transition[]?];
      scheduled.set(String(event.eventId), { task, type: schedule.activityType?.name ?? '' });
      if (Array.isArray(records)) facts.transitions.push(...records);
    }
    const start = event.activityTaskStartedEventAttributes;
    if (start) {
      started.set(String(start.scheduledEventId), {
        worker: start.identity ?? '',
        attempt: start.attempt ?? 1,
        at: timeOf(event),
      });
    }
    const input = decode(first?.input)[0] as Partial<RunInput> | undefined;
    if (input?.plan !== undefined) plan = input.plan;
    const attempt = attemptEnd(runId, event, scheduled, started) ?? localEnd(runId, event, plan);
    if (attempt !== undefined) facts.attempts.push(attempt);
    const end = runEnd(event);
    if (end !== undefined) facts.end = { ...end, at: timeOf(event) };
  }
  return facts;
}

function attemptEnd(
  runId: string,
  event: HistoryEvent,
  scheduled: Map<string, { task: Task; type: string }>,
  started: Map<string, { worker: string; attempt: number; at: number }>,
): AttemptEnd | undefined {
  const completed = event.activityTaskCompletedEventAttributes;
  const failed = event.activityTaskFailedEventAttributes ?? event.activityTaskTimedOutEventAttributes;
  const ended = completed ?? failed;
  const key = String(ended?.scheduledEventId);
  const place = scheduled.get(key);
  const start = started.get(key);
  if (!ended || place === undefined || start === undefined || !/^run(Action|Agent)$/.test(place.type)) return undefined;
  const { task } = place;
  const common = {
    run_id: runId,
    path: task.path,
    id: task.id,
    name: task.name ?? task.id,
    kind: 'action' in task ? ('action_task' as const) : ('agent_task' as const),
    action: 'action' in task ? task.action : `agent:${task.provider}/${task.model}`,
    effect: 'effect' in task ? task.effect : ('read' as const),
    seq: task.seq,
    attempt: start.attempt + 1000 * ((task.round ?? 1) - 1),
    input: task.input,
    key: task.key,
    worker: start.worker,
    started_at: start.at,
    ended_at: timeOf(event),
  };
  if (completed) {
    const [result] = decode(completed.result) as [TaskResult?];
    return { ...common, status: 'completed', outputs: result?.o ?? {}, footprints: footprintsOf(result) };
  }
  return { ...common, status: 'failed', error: taskError(common, failed?.failure), footprints: [] };
}

/** The end of a local step. Its input is not in the history. */
function localEnd(runId: string, event: HistoryEvent, plan: Plan | undefined): AttemptEnd | undefined {
  const marker = event.markerRecordedEventAttributes;
  if (marker?.markerName !== LOCAL_MARKER) return undefined;
  const [result] = decode(marker.details?.['result']) as [TaskResult?];
  const info = marker.failure?.applicationFailureInfo;
  const facts = info?.type === TASK_FAILURE ? (decode(info.details)[0] as TaskFailureDetails) : undefined;
  const place = result?.l ?? (facts?.path === undefined ? undefined : { p: facts.path, s: facts.seq ?? 0, ms: 0 });
  const node = place && plan?.nodes.find(({ id }) => id === place.p.split('.').at(-1));
  if (place === undefined || node?.kind !== 'action_task') return undefined;
  const endedAt = timeOf(event);
  const common = {
    run_id: runId,
    path: place.p,
    id: node.id,
    name: node.name ?? node.id,
    kind: node.kind,
    action: node.action,
    effect: node.effect,
    seq: place.s,
    attempt: result?.n ?? facts?.attempt ?? 1,
    input: {},
    key: '',
    worker: '',
    started_at: endedAt - place.ms,
    ended_at: endedAt,
  };
  if (result?.l !== undefined) {
    return { ...common, status: 'completed', outputs: result.o, footprints: footprintsOf(result) };
  }
  return { ...common, status: 'failed', error: taskError(common, marker.failure), footprints: [] };
}

const UNITS: Record<string, string> = { tokens_in: 'tokens', tokens_out: 'tokens', wall_ms: 'ms' };

function footprintsOf(result: TaskResult | undefined): AttemptEnd['footprints'] {
  return Object.entries(result?.f ?? {}).map(([metric, quantity]) => ({
    metric,
    quantity,
    unit: UNITS[metric] ?? 'count',
  }));
}

function taskError(
  task: { id: string; path: string; attempt: number; ended_at: number },
  failure: Failure | null | undefined,
): XynError {
  const info = failure?.applicationFailureInfo;
  const facts = info?.type === TASK_FAILURE ? (decode(info.details)[0] as TaskFailure | undefined) : undefined;
  const lost = failure?.timeoutFailureInfo;
  const detail = facts?.detail === undefined ? {} : { detail: facts.detail };
  return {
    code: facts?.code ?? (lost ? 'timeout' : 'internal'),
    ...detail,
    message: facts?.message ?? failure?.message ?? 'The task failed.',
    step: task.id,
    path: task.path,
    attempt: facts?.attempt ?? task.attempt,
    retryable: facts?.retryable ?? Boolean(lost),
    at: new Date(task.ended_at).toISOString(),
    ...(facts?.status === undefined ? {} : { status: facts.status }),
    ...(facts?.excerpt === undefined ? {} : { excerpt: facts.excerpt }),
  };
}

function runEnd(event: HistoryEvent): RunEnd | undefined {
  const at = timeOf(event);
  const completed = event.workflowExecutionCompletedEventAttributes;
  if (completed) {
    const [result] = decode(completed.result) as [RunResult?];
    return { status: result?.status ?? 'completed', outputs: result?.outputs ?? {} };
  }
  const failed = event.workflowExecutionFailedEventAttributes;
  if (failed) {
    const [error] = decode(failed.failure?.applicationFailureInfo?.details) as [XynError?];
    return { status: 'failed', error: error ?? runError('internal', failed.failure?.message ?? 'The run failed.', at) };
  }
  if (event.workflowExecutionTimedOutEventAttributes) {
    return { status: 'failed', error: runError('run_timed_out', 'Temporal ended the run: it took too long.', at) };
  }
  const terminated = event.workflowExecutionTerminatedEventAttributes;
  if (terminated) {
    const why = terminated.reason ? ` Reason: ${terminated.reason}` : '';
    return { status: 'failed', error: runError('run_terminated', `The run was terminated in Temporal.${why}`, at) };
  }
  return event.workflowExecutionCanceledEventAttributes ? { status: 'cancelled' } : undefined;
}

/** An error of the run itself, as opposed to one of a step. `at` in milliseconds. */
export function runError(code: string, message: string, at: number): XynError {
  return { code, message, step: '', path: '', attempt: 1, retryable: false, at: new Date(at).toISOString() };
}

function decode(payloads: Payloads): unknown[] {
  return (payloads?.payloads ?? []).map((payload) => defaultPayloadConverter.fromPayload(payload));
}

function timeOf(event: HistoryEvent): number {
  const time = event.eventTime;
  return Math.round(Number(time?.seconds ?? 0) * 1000 + (time?.nanos ?? 0) / 1e6);
}
