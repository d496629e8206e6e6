import { ApplicationFailure, CancelledFailure, Context } from '@temporalio/activity';
import { ActionFailure } from '../src/domain/action.js';
import type { ArtifactOwner, StepLog } from '../src/domain/artifacts.js';
import { finishResult } from '../src/domain/engine/result.js';
import { nextDelayMs } from '../src/domain/engine/retry.js';
import type { Transition } from '../src/domain/engine/state.js';
import type { AttemptStart, Footprint } from '../src/domain/records.js';
import type { Json } from '../src/domain/json.js';
import { kept } from '../src/domain/kept.js';
import { isoUtc } from '../src/domain/time.js';
import type { FailureFacts, XynError } from '../src/domain/xyn-error.js';
import { TASK_FAILURE, type TaskResult } from '../workflows/contract.js';
import { beginProof } from './approval.js';
import { startHeartbeat, type AttemptMemory } from './heartbeat.js';
import { currentRunId, type ActivityDependencies } from './dependencies.js';
import { offloaded, recordable, resolved } from './offload.js';
import { patiently } from './patience.js';
import { withinTimeout } from './timeout.js';
import type { Work, WorkResult } from './work.js';

/** A `running` row is written only for steps that last longer than this (design §4). */
const RUNNING_AFTER_MS = 50;
/** Attempt numbers of a step's later rounds begin a thousand further on. */
const ROUND_STRIDE = 1_000;

interface Attempt {
  deps: ActivityDependencies;
  work: Work;
  start: AttemptStart;
  signal: AbortSignal;
  memory: AttemptMemory;
  owner: ArtifactOwner;
  isLocal: boolean;
  log?: StepLog | undefined;
  beat: (memory: AttemptMemory) => void;
  /** What it has used so far, for an end that is no result. */
  spent: readonly Footprint[];
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
  const number = info.attempt + ROUND_STRIDE * ((task.round ?? 1) - 1);
  const owner = { runId: currentRunId(), path: task.path, attempt: number };
  const attempt: Attempt = {
    deps,
    owner,
    log: deps.artifacts?.log(owner),
    work,
    isLocal: info.isLocal,
    signal: cancellationSignal,
    memory: heartbeat.memory,
    beat: heartbeat.beat,
    spent: [],
    start: {
      run_id: owner.runId,
      path: task.path,
      id: task.id,
      name: task.name ?? task.id,
      kind: work.kind,
      action: work.action,
      effect: work.effect,
      seq: task.seq,
      attempt: number,
      input: work.recorded?.('input', task.input) ?? task.input,
      key: task.key,
      worker: deps.worker,
      ...(work.pack === undefined ? {} : { pack: work.pack }),
      started_at: Date.now(),
    },
  };
  try {
    return await perform(attempt, records);
  } catch (error) {
    throw await failureOf(attempt, error);
  } finally {
    heartbeat.stop();
  }
}

async function perform(attempt: Attempt, records: readonly Transition[]): Promise<TaskResult> {
  const { deps, work, start, memory } = attempt;
  const proven = beginProof(deps.approvals, {
    runId: start.run_id,
    gates: work.task.gates ?? [],
    step: { path: start.path, action: work.action, input: work.task.input },
  });
  const { recorded } = await announce(attempt, records);
  await proven(attempt.signal);
  const slow = work.effect === 'read' ? setTimeout(() => deps.records.running(start), RUNNING_AFTER_MS) : undefined;
  let result: WorkResult;
  try {
    result = await withinTimeout(work.task.timeout_ms, attempt.signal, (signal) => workOn(attempt, signal));
  } finally {
    clearTimeout(slow);
  }
  const endedAt = Date.now();
  const out = await handOver(attempt, result);
  deps.records.end({
    ...start,
    ended_at: endedAt,
    status: 'completed',
    outputs: out.recorded,
    ...out.log,
    footprints: [...result.footprints, ...out.footprints],
  });
  const usage: Record<string, number> = {};
  for (const { metric, quantity } of result.footprints) usage[metric] = (usage[metric] ?? 0) + quantity;
  return {
    o: out.state,
    ...(work.task.rules === undefined ? {} : { d: true as const }),
    ...(attempt.isLocal ? { l: { p: start.path, s: start.seq, ms: endedAt - start.started_at } } : {}),
    ...(memory.failed === 0 ? {} : { n: memory.failed + 1 }),
    ...(result.footprints.length === 0 ? {} : { f: usage }),
    ...((await recorded) ? {} : { unrecorded: true as const }),
  };
}

async function workOn(attempt: Attempt, signal: AbortSignal): Promise<WorkResult> {
  const { deps, work, start, owner, log } = attempt;
  const { artifacts } = deps;
  const input = artifacts === undefined ? work.task.input : await resolved(artifacts, owner.runId, work.task.input);
  return work.run({
    runId: start.run_id,
    attempt: start.attempt,
    input,
    signal,
    spent: (footprints) => (attempt.spent = footprints),
    ...(log === undefined ? {} : { output: (stream, chunk) => log.write(stream, chunk) }),
  });
}

interface HandedOver {
  /** For the run's state, and for the step's record. */
  state: Json;
  recorded: Json;
  log: { logs_artifact_id?: string };
  footprints: Footprint[];
}

/** Moves what is too large for state and record into artifacts. */
async function handOver({ deps, work, owner, log }: Attempt, { outputs }: WorkResult): Promise<HandedOver> {
  // The state is in the history for all to see, and what is large in artifacts: neither holds what is never recorded.
  const whole = work.recorded?.('output', outputs) ?? outputs;
  const record = finished(work, owner, whole);
  const state = kept(record, work.task.keep);
  const { artifacts } = deps;
  if (artifacts === undefined) return { state, recorded: record, log: {}, footprints: [] };
  try {
    const small = await offloaded(artifacts, owner, state);
    const shown = await recordable(artifacts, owner, record);
    const ended = await endOf(log);
    return {
      state: small.value,
      recorded: shown.value,
      log: ended.log,
      footprints: printsOf(small.bytes + shown.bytes + ended.bytes),
    };
  } catch (error) {
    // The effect has happened: what cannot be repeated is for people to judge.
    if (!work.once || !(error instanceof ActionFailure)) throw error;
    throw new ActionFailure(unknownOutcome(`The result cannot be kept: ${error.message}`), { cause: error });
  }
}

/** What the step's rules make of a result. What they refuse is a failed attempt, though its effect happened. */
function finished(work: Work, { runId, path }: ArtifactOwner, result: Json): Json {
  const end = finishResult(work.task.rules, result, { runId, path });
  if ('fault' in end) throw new ActionFailure(end.fault);
  return end.value;
}

async function endOf(log: StepLog | undefined): Promise<{ log: { logs_artifact_id?: string }; bytes: number }> {
  const kept = await log?.close();
  return kept === undefined
    ? { log: {}, bytes: 0 }
    : { log: { logs_artifact_id: kept.artifact_id }, bytes: kept.bytes };
}

function printsOf(bytes: number): Footprint[] {
  return bytes === 0 ? [] : [{ metric: 'artifact_bytes_written', quantity: bytes, unit: 'bytes' }];
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
    await patiently(attempt.signal, () => deps.records.begin(start, records));
    return { recorded: true };
  }
  if (records.length === 0) return { recorded: true };
  if (gated) {
    await patiently(attempt.signal, () => deps.records.record(start.run_id, records));
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

/** Writes the end of a failed attempt behind and tells Temporal whether and when another one follows. */
async function failureOf(attempt: Attempt, error: unknown): Promise<Error> {
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
  const ended = await endOf(attempt.log);
  deps.records.end({
    ...start,
    ended_at: endedAt,
    status: 'failed',
    ...ended.log,
    error: errorValue(attempt, facts, failed, endedAt),
    ...(pauseMs === undefined ? {} : { next_retry_at: endedAt + pauseMs }),
    footprints: [...attempt.spent, ...printsOf(ended.bytes)],
  });
  if (cancelled && facts.code === 'cancelled') return new CancelledFailure('cancelled');
  attempt.beat({ ...memory, failed });
  return ApplicationFailure.create({
    message: facts.message,
    type: TASK_FAILURE,
    nonRetryable: pauseMs === undefined,
    ...(pauseMs === undefined ? {} : { nextRetryDelay: pauseMs }),
    details: [{ ...facts, attempt: failed, ...(attempt.isLocal ? { path: start.path, seq: start.seq } : {}) }],
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
