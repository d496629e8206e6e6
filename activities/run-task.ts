import { ApplicationFailure, CancelledFailure, Context } from '@temporalio/activity';
import { ActionFailure } from '../src/domain/action.js';
import { nextDelayMs } from '../src/domain/engine/retry.js';
import type { Transition } from '../src/domain/engine/state.js';
import { XynFault } from '../src/domain/fault.js';
import type { AttemptStart } from '../src/domain/records.js';
import { isoUtc } from '../src/domain/time.js';
import type { FailureFacts, XynError } from '../src/domain/xyn-error.js';
import { TASK_FAILURE, type TaskResult } from '../workflows/contract.js';
import { startHeartbeat, type AttemptMemory } from './heartbeat.js';
import { currentRunId, type ActivityDependencies } from './dependencies.js';
import { kept } from './keep.js';
import { withinTimeout } from './timeout.js';
import type { Work, WorkResult } from './work.js';

/** A `running` row is written only for steps that last longer than this (design §4). */
const RUNNING_AFTER_MS = 50;
/** How long one attempt waits for the catalog before its effect: short outages pass unnoticed, `none` steps survive them. */
const AUDIT_PATIENCE_MS = 60_000;
const AUDIT_PAUSE_MS = 500;
/** Attempt numbers of a step's later rounds begin a thousand further on. */
const ROUND_STRIDE = 1_000;

interface Attempt {
  deps: ActivityDependencies;
  work: Work;
  start: AttemptStart;
  signal: AbortSignal;
  memory: AttemptMemory;
  beat: (memory: AttemptMemory) => void;
}

/**
 * One attempt at a step: records come first where there is an effect, then the decisions of its gates are looked up, then
 * the work runs under its timeout, then the end is written behind.
 */
export async function runTask(
  deps: ActivityDependencies,
  work: Work,
  records: readonly Transition[],
): Promise<TaskResult> {
  const { info, cancellationSignal } = Context.current();
  const heartbeat = startHeartbeat(Date.now());
  const { task } = work;
  const attempt: Attempt = {
    deps,
    work,
    signal: cancellationSignal,
    memory: heartbeat.memory,
    beat: heartbeat.beat,
    start: {
      run_id: currentRunId(),
      path: task.path,
      id: task.id,
      name: task.name ?? task.id,
      kind: work.kind,
      action: work.action,
      effect: work.effect,
      seq: task.seq,
      attempt: info.attempt + ROUND_STRIDE * ((task.round ?? 1) - 1),
      input: task.input,
      key: task.key,
      worker: deps.worker,
      ...(work.pack === undefined ? {} : { pack: work.pack }),
      started_at: Date.now(),
    },
  };
  try {
    return await perform(attempt, records);
  } catch (error) {
    throw failureOf(attempt, error);
  } finally {
    heartbeat.stop();
  }
}

async function perform(attempt: Attempt, records: readonly Transition[]): Promise<TaskResult> {
  const { deps, work, start, memory } = attempt;
  const { recorded } = await announce(attempt, records);
  await proveApproval(attempt);
  const slow = work.effect === 'read' ? setTimeout(() => deps.records.running(start), RUNNING_AFTER_MS) : undefined;
  let result: WorkResult;
  try {
    result = await withinTimeout(work.task.timeout_ms, attempt.signal, (signal) =>
      work.run({ runId: start.run_id, attempt: start.attempt, signal }),
    );
  } finally {
    clearTimeout(slow);
  }
  deps.records.end({
    ...start,
    ended_at: Date.now(),
    status: 'completed',
    outputs: result.outputs,
    footprints: result.footprints,
  });
  const usage = Object.fromEntries(result.footprints.map(({ metric, quantity }) => [metric, quantity]));
  return {
    o: kept(result.outputs, work.task.keep),
    ...(memory.failed === 0 ? {} : { n: memory.failed + 1 }),
    ...(result.footprints.length === 0 ? {} : { f: usage }),
    ...((await recorded) ? {} : { unrecorded: true as const }),
  };
}

/**
 * Nothing changes the world before its attempt and its audit entry are committed. For reading steps the transitions are
 * written beside the work.
 * @returns whether the transitions that came along are in the catalog.
 */
async function announce(
  attempt: Attempt,
  records: readonly Transition[],
): Promise<{ recorded: boolean | Promise<boolean> }> {
  const { deps, work, start } = attempt;
  const gated = (work.task.gates ?? []).length > 0;
  if (work.effect !== 'read') {
    await patiently(attempt, () => deps.records.begin(start, records));
    return { recorded: true };
  }
  if (records.length === 0) return { recorded: true };
  if (gated) {
    await patiently(attempt, () => deps.records.record(start.run_id, records));
    return { recorded: true };
  }
  // Inside an object, since a promise that an async function returns would be waited for.
  return {
    recorded: deps.records.record(start.run_id, records).then(
      () => true,
      () => false,
    ),
  };
}

/** Asks the catalog again and again while it is away; nothing has been done yet, so waiting is safe. */
async function patiently<T>(attempt: Attempt, ask: () => Promise<T>): Promise<T> {
  const deadline = Date.now() + AUDIT_PATIENCE_MS;
  for (;;) {
    attempt.signal.throwIfAborted();
    try {
      return await ask();
    } catch (error) {
      if (!(error instanceof XynFault) || Date.now() + AUDIT_PAUSE_MS > deadline) {
        throw new ActionFailure(
          {
            code: 'audit_unavailable',
            message: 'The audit trail cannot be written, so nothing was done.',
            retryable: true,
          },
          { cause: error },
        );
      }
      await new Promise((resolve) => setTimeout(resolve, AUDIT_PAUSE_MS));
    }
  }
}

async function proveApproval(attempt: Attempt): Promise<void> {
  const { deps, work, start } = attempt;
  const gates = work.task.gates ?? [];
  if (gates.length === 0) return;
  const step = { path: start.path, action: work.action, input: work.task.input };
  const stale = await patiently(attempt, () => deps.approvals.check(start.run_id, gates, step));
  if (stale !== undefined) throw new ActionFailure({ code: 'approval_stale', message: stale, retryable: false });
}

/** Writes the end of a failed attempt behind and tells Temporal whether and when another one follows. */
function failureOf(attempt: Attempt, error: unknown): Error {
  const { deps, work, start, memory } = attempt;
  const cancelled = attempt.signal.aborted;
  const facts = factsOf(attempt, error, cancelled);
  const failed = memory.failed + 1;
  const pauseMs = cancelled
    ? undefined
    : nextDelayMs(work.task.retry, {
        attempt: failed,
        error: facts,
        elapsedMs: Date.now() - memory.first,
        random: Math.random(),
      });
  const endedAt = Date.now();
  deps.records.end({
    ...start,
    ended_at: endedAt,
    status: 'failed',
    error: errorValue(attempt, facts, failed, endedAt),
    ...(pauseMs === undefined ? {} : { next_retry_at: endedAt + pauseMs }),
    footprints: [],
  });
  if (cancelled && facts.code === 'cancelled') return new CancelledFailure('cancelled');
  attempt.beat({ ...memory, failed });
  return ApplicationFailure.create({
    message: facts.message,
    type: TASK_FAILURE,
    nonRetryable: pauseMs === undefined,
    ...(pauseMs === undefined ? {} : { nextRetryDelay: pauseMs }),
    details: [{ ...facts, attempt: failed }],
  });
}

function factsOf({ work, signal }: Attempt, error: unknown, cancelled: boolean): FailureFacts {
  if (error instanceof ActionFailure) {
    if (error.facts.code === 'timeout' && work.once) return unknownOutcome(error.facts.message);
    return error.facts;
  }
  if (cancelled && (error === signal.reason || isAbort(error))) {
    return { code: 'cancelled', message: 'The task was cancelled.', retryable: false };
  }
  const message = error instanceof Error ? error.message : 'The task failed in a way that is not known.';
  return { code: 'internal', message, retryable: false };
}

function isAbort(error: unknown): boolean {
  return error instanceof CancelledFailure || (error instanceof Error && error.name === 'AbortError');
}

function unknownOutcome(message: string): FailureFacts {
  return { code: 'outcome_unknown', message: `${message} Whether it took effect is not known.`, retryable: false };
}

function errorValue({ start }: Attempt, facts: FailureFacts, failed: number, at: number): XynError {
  return {
    code: facts.code,
    ...(facts.detail === undefined ? {} : { detail: facts.detail }),
    message: facts.message,
    step: start.id,
    path: start.path,
    attempt: failed,
    retryable: facts.retryable,
    at: isoUtc(at),
    ...(facts.status === undefined ? {} : { status: facts.status }),
    ...(facts.excerpt === undefined ? {} : { excerpt: facts.excerpt }),
  };
}
