import type { GateStatus, StepStatus, Transition } from '../domain/engine/state.js';
import { gateIdOf, stepIdOf } from '../domain/ids.js';
import type { Json, JsonObject } from '../domain/json.js';
import type { StepKind } from '../domain/plan.js';
import type { AttemptEnd, AttemptStart } from '../domain/records.js';
import type { XynError } from '../domain/xyn-error.js';

/** A transition of one kind. */
export type TransitionOf<T extends Transition['t']> = Extract<Transition, { t: T }>;

/** What a batch says about a run, summed up. Times are RFC 3339. */
export interface RunRow {
  run_id: string;
  /** Number of the newest transition in the batch; 0 when it has none. */
  seq: number;
  started_at: string | null;
  /** Whether a gate opened or closed. */
  gates: boolean;
  end_seq: number | null;
  end_status: string | null;
  outputs: JsonObject | null;
  error: XynError | null;
  completed_at: string | null;
  /** Final status of every leaf by step id, of the end. */
  leaves: Record<string, StepStatus> | null;
  /** How many steps ended or were skipped in all, of the end. */
  ended: number | null;
}

export interface StepRow {
  step_id: string;
  run_id: string;
  path: string;
  node_id: string;
  kind: StepKind;
  name: string;
  status: StepStatus;
  skip_reason: string | null;
  handled: boolean;
  seq: number;
  attempts: number;
  inputs: Json;
  outputs: Json;
  error: XynError | null;
  idempotency_key: string | null;
  logs_artifact_id: string | null;
  started_at: string | null;
  completed_at: string | null;
  /** The run whose result it took over, and the step of that run: its inputs, outputs and log are copied. */
  reused_from_run: string | null;
  source_step: string | null;
}

export interface AttemptRow {
  step_id: string;
  attempt: number;
  run_id: string;
  status: 'running' | 'lost' | 'completed' | 'failed';
  worker: string;
  pack: string | null;
  error: XynError | null;
  started_at: string;
  ended_at: string | null;
  next_retry_at: string | null;
}

export interface GateRow {
  gate_id: string;
  run_id: string;
  step_id: string;
  path: string;
  purpose: string;
  message: string | null;
  approvers: string[] | null;
  require: number;
  reject: number;
  reason: string;
  status: GateStatus;
  digest: string | null;
  binds: unknown[] | null;
  seq: number;
  opened_at: string;
  expires_at: string | null;
  closed_at: string | null;
}

/** Ends the path of a gate that asks what became of a step; the gate belongs to that step. */
const RECOVERY_SUFFIX = '~recover';
/** Each round that a recovery gate asked for adds this to the attempt's number. */
const ROUND = 1000;

/** @throws RangeError when the time is no date. */
export function iso(ms: number): string {
  return new Date(ms).toISOString();
}

/** Whether a step with this status has ended. */
export function isFinalStep(status: StepStatus): boolean {
  return status === 'completed' || status === 'failed' || status === 'skipped';
}

/** The step that a gate belongs to: its own, or the one whose outcome it asks for. */
export function stepIdOfGate(runId: string, path: string): string {
  return stepIdOf(runId, path.endsWith(RECOVERY_SUFFIX) ? path.slice(0, -RECOVERY_SUFFIX.length) : path);
}

/** The row of a run that nothing is said about yet. */
export function emptyRunRow(runId: string): RunRow {
  return {
    run_id: runId,
    seq: 0,
    started_at: null,
    gates: false,
    end_seq: null,
    end_status: null,
    outputs: null,
    error: null,
    completed_at: null,
    leaves: null,
    ended: null,
  };
}

/** Adds a transition to the row of its run. */
export function addToRun(row: RunRow, transition: Transition): void {
  row.seq = Math.max(row.seq, transition.seq);
  if (transition.t === 'run') row.started_at ??= iso(transition.at);
  if (transition.t === 'gate') row.gates = true;
  if (transition.t !== 'end' || (row.end_seq !== null && row.end_seq >= transition.seq)) return;
  row.end_seq = transition.seq;
  row.end_status = transition.status;
  row.outputs = transition.outputs ?? null;
  row.error = transition.error ?? null;
  row.completed_at = iso(transition.at);
  row.leaves = Object.fromEntries(
    Object.entries(transition.steps).map(([path, status]) => [stepIdOf(row.run_id, path), status]),
  );
  row.ended = transition.ended ?? null;
}

/** The step of a transition. */
export function stepOfTransition(runId: string, transition: TransitionOf<'step'>): StepRow {
  const { path, id, status, at } = transition;
  const begun = transition.started_at ?? (status === 'running' ? iso(at) : null);
  return {
    step_id: stepIdOf(runId, path),
    run_id: runId,
    path,
    node_id: id,
    kind: transition.kind,
    name: transition.name ?? id,
    status,
    skip_reason: transition.skip_reason ?? null,
    handled: transition.error?.handled === true,
    seq: transition.seq,
    attempts: transition.attempts,
    inputs: null,
    outputs: transition.outputs ?? null,
    error: transition.error ?? null,
    idempotency_key: null,
    logs_artifact_id: null,
    started_at: begun,
    completed_at: isFinalStep(status) ? iso(at) : null,
    reused_from_run: transition.reused?.run ?? null,
    source_step:
      transition.reused === undefined ? null : stepIdOf(transition.reused.run, transition.reused.path ?? path),
  };
}

/**
 * The step of an attempt. A failed attempt leaves it running: whether the step fails is for the engine to say, in a later
 * transition.
 */
export function stepOfAttempt(stepId: string, attempt: AttemptStart | AttemptEnd): StepRow {
  const completed = 'status' in attempt && attempt.status === 'completed';
  return {
    step_id: stepId,
    run_id: attempt.run_id,
    path: attempt.path,
    node_id: attempt.id,
    kind: attempt.kind,
    name: attempt.name,
    status: completed ? 'completed' : 'running',
    skip_reason: null,
    handled: false,
    seq: attempt.seq,
    attempts: attempt.attempt % ROUND || ROUND,
    inputs: attempt.input,
    outputs: completed ? (attempt.outputs ?? null) : null,
    error: null,
    idempotency_key: attempt.key,
    logs_artifact_id: ('status' in attempt ? attempt.logs_artifact_id : undefined) ?? null,
    started_at: iso(attempt.started_at),
    completed_at: completed ? iso(attempt.ended_at) : null,
    reused_from_run: null,
    source_step: null,
  };
}

/** The row of an attempt. */
export function attemptRow(stepId: string, attempt: AttemptStart | AttemptEnd): AttemptRow {
  const ended = 'status' in attempt ? attempt : undefined;
  return {
    step_id: stepId,
    attempt: attempt.attempt,
    run_id: attempt.run_id,
    status: ended?.status ?? 'running',
    worker: attempt.worker,
    pack: attempt.pack ?? null,
    error: ended?.error ?? null,
    started_at: iso(attempt.started_at),
    ended_at: ended ? iso(ended.ended_at) : null,
    next_retry_at: ended?.next_retry_at === undefined ? null : iso(ended.next_retry_at),
  };
}

/** The gate of a transition. */
export function gateRow(runId: string, transition: TransitionOf<'gate'>): GateRow {
  const at = iso(transition.at);
  return {
    gate_id: gateIdOf(runId, transition.path),
    run_id: runId,
    step_id: stepIdOfGate(runId, transition.path),
    path: transition.path,
    purpose: transition.purpose,
    message: transition.message ?? null,
    approvers: transition.approvers ?? null,
    require: transition.require,
    reject: transition.reject,
    reason: transition.reason,
    status: transition.status,
    digest: transition.digest ?? null,
    binds: transition.binds ?? null,
    seq: transition.seq,
    opened_at: at,
    expires_at: transition.expires_at === undefined ? null : iso(transition.expires_at),
    closed_at: transition.status === 'open' ? null : at,
  };
}

/**
 * One row from two of the same step, in whatever order they came. The statement merges with the rows of the table by the
 * same rules; both must agree.
 */
export function mergeSteps(a: StepRow, b: StepRow): StepRow {
  const [newer, older] = isNewer(b, a) ? [b, a] : [a, b];
  return {
    ...newer,
    attempts: Math.max(a.attempts, b.attempts),
    inputs: older.inputs ?? newer.inputs,
    outputs: newer.outputs ?? (newer.status === 'completed' ? older.outputs : null),
    idempotency_key: older.idempotency_key ?? newer.idempotency_key,
    logs_artifact_id: logOf(a, b),
    started_at: earliest(a.started_at, b.started_at),
    reused_from_run: a.reused_from_run ?? b.reused_from_run,
    source_step: a.source_step ?? b.source_step,
  };
}

/** One row from two of the same attempt: its end counts more than its loss, and that more than its start. */
export function mergeAttempts(a: AttemptRow, b: AttemptRow): AttemptRow {
  return attemptRank(b) > attemptRank(a) ? b : a;
}

/** One row from two of the same gate: the newer one, with what only its opening told. */
export function mergeGates(a: GateRow, b: GateRow): GateRow {
  const [newer, older] = b.seq > a.seq ? [b, a] : [a, b];
  if (newer.status === 'open') return newer;
  return {
    ...newer,
    message: newer.message ?? older.message,
    approvers: newer.approvers ?? older.approvers,
    digest: newer.digest ?? older.digest,
    binds: newer.binds ?? older.binds,
    expires_at: newer.expires_at ?? older.expires_at,
    opened_at: older.opened_at < newer.opened_at ? older.opened_at : newer.opened_at,
  };
}

/** Attempts of a step that still run while a later one is in the batch were lost with their worker. */
export function loseEarlierAttempts(rows: readonly AttemptRow[]): AttemptRow[] {
  const latest = new Map<string, AttemptRow>();
  for (const row of rows) {
    const known = latest.get(row.step_id);
    if (!known || row.attempt > known.attempt) latest.set(row.step_id, row);
  }
  return rows.map((row) => {
    const last = latest.get(row.step_id);
    if (row.status !== 'running' || !last || last.attempt === row.attempt) return row;
    return { ...row, status: 'lost', ended_at: last.started_at };
  });
}

/** The log of the later attempt that has one. */
function logOf(a: StepRow, b: StepRow): string | null {
  const [later, earlier] = b.attempts >= a.attempts ? [b, a] : [a, b];
  return later.logs_artifact_id ?? earlier.logs_artifact_id;
}

function isNewer(one: StepRow, other: StepRow): boolean {
  const [a, b] = [placeOf(one), placeOf(other)];
  const differing = a.findIndex((value, ix) => value !== b[ix]);
  return differing !== -1 && (a[differing] as number) > (b[differing] as number);
}

function placeOf({ seq, status, attempts }: StepRow): number[] {
  const rank = isFinalStep(status) ? 2 : status === 'running' ? 1 : 0;
  return [seq, rank, status === 'completed' ? attempts : 0];
}

function attemptRank(row: AttemptRow): number {
  return row.status === 'running' ? 0 : row.status === 'lost' ? 1 : 2;
}

function earliest(a: string | null, b: string | null): string | null {
  if (a === null || b === null) return a ?? b;
  return Date.parse(a) <= Date.parse(b) ? a : b;
}
