import { sha256Hex } from '../hash.js';
import { evaluateBool } from '../expression/evaluate.js';
import { renderRecord } from '../expression/render.js';
import type { Json } from '../json.js';
import type { Handler, NodeIx, PlanNode } from '../plan.js';
import type { FailureFacts, XynError } from '../xyn-error.js';
import { attempt } from './attempt.js';
import { ROOT, viewOf, type Draft } from './draft.js';
import { cleanupOf, dropFrame, dropFrames, FINALLY, handlersOf, isHolder, listOf } from './frames.js';
import { matchesCode } from './retry.js';
import type { Hold, Outcome, ReusedFrom, SkipReason, StepStatus, StepView } from './state.js';

/** Causes that an error keeps (language §5.6). */
const MAX_CAUSES = 5;
/** Bounds of the run itself, and its end by people: no handler catches them (language §4.4). */
const UNCATCHABLE: ReadonlySet<string> = new Set(['cancelled', 'limit_run_time', 'limit_state', 'limit_steps']);

/** Timer suffix of the time that a `finally` has. */
export const CLEANUP = '~cleanup';

/** Marks a step as running, without a note: a worker or a later transition records it. */
export function beginStep(d: Draft, frameId: string, node: PlanNode): void {
  const frame = d.frame(frameId);
  frame.open = true;
  frame.steps[node.id] = { status: 'running', attempts: 0, started_at: d.nowIso() };
}

interface StepEnd {
  attempts: number;
  /** False where the worker's own record says it already. */
  note: boolean;
  /** It was done by an earlier run. */
  reused?: ReusedFrom;
}

/** Ends a leaf well. */
export function completeStep(d: Draft, frameId: string, node: PlanNode, raw: Json, end: StepEnd): void {
  const replacement = node.outputs;
  if (!replacement) return endStep(d, frameId, node, { status: 'completed', outputs: raw }, end);
  const path = d.pathOf(frameId, node);
  const rendered = attempt(() => renderRecord(replacement, d.scope(frameId, path, { result: raw })));
  if ('fault' in rendered) {
    return failStep(d, frameId, node, d.errorAt(node, path, rendered.fault, end.attempts), end.attempts);
  }
  endStep(d, frameId, node, { status: 'completed', outputs: rendered.value }, { ...end, note: true });
}

/** A step failed: its handlers, and what its scope does last, come before its end. */
export function failStep(d: Draft, frameId: string, node: PlanNode, error: XynError, attempts: number): void {
  concludeStep(d, frameId, node, { status: 'failed', error }, attempts);
}

/**
 * The body of a step has ended this way: now the first handler that fits, then `finally`, then its end (language §4.1, rows
 * 10 and 11).
 */
export function concludeStep(d: Draft, frameId: string, node: PlanNode, outcome: Outcome, attempts: number): void {
  const ix = currentOf(d, frameId);
  const path = d.pathOf(frameId, node);
  d.frame(frameId).steps[node.id] = {
    ...viewFacts(outcome),
    attempts,
    started_at: startedAt(d, viewOf(d.frame(frameId), node.id)),
    ended_at: d.nowIso(),
  };
  const stopping = d.frame(frameId).cancelling === true;
  const place = { frameId, path, node: ix, attempts };
  const handled = stopping ? outcome : handle(d, place, outcome);
  if (handled === undefined) return;
  if (cleanUp(d, place, handled)) return;
  endStep(d, frameId, node, handled, { attempts, note: true });
}

/** What the plan's own list came to: as `concludeStep`, for the run. @returns undefined while handlers or `finally` run. */
export function concludeRun(d: Draft, outcome: Outcome): Outcome | undefined {
  const handled = handle(d, RUN, outcome);
  if (handled === undefined) return undefined;
  return cleanUp(d, RUN, handled) ? undefined : handled;
}

/** A step in progress, or the run itself. */
interface Place {
  frameId: string;
  path: string;
  node: NodeIx | 'root';
  attempts: number;
}

const RUN: Place = { frameId: ROOT, path: '', node: ROOT, attempts: 1 };

/** Starts the handler of a failure. @returns what stands if there is none to wait for. */
function handle(d: Draft, place: Place, outcome: Outcome): Outcome | undefined {
  const { frameId, path, node } = place;
  if (outcome.status !== 'failed' || outcome.handled || UNCATCHABLE.has(outcome.error.code)) return outcome;
  const id = (h: number): string => `${path}!${h}`;
  const handlers = handlersOf(d, node);
  for (const [h, handler] of handlers.entries()) {
    if (!fitsCodes(handler, outcome.error)) continue;
    const seen = { error: outcome.error as unknown as Json };
    const frame = {
      node,
      body: `!${h}`,
      parent: frameId,
      hold: path || ROOT,
      pc: 0,
      steps: {},
      stage: 'body',
      seen,
    } as const;
    d.state.frames[id(h)] = frame;
    const wanted = attempt(() => handler.when === undefined || evaluateBool(handler.when, d.scope(id(h), path)));
    if ('fault' in wanted) {
      dropFrame(d, id(h));
      return { status: 'failed', error: withCause(errorOf(d, node, path, wanted.fault), outcome.error) };
    }
    if (!wanted.value) {
      dropFrame(d, id(h));
      continue;
    }
    d.addFrame(id(h), { ...frame, steps: {} });
    const hold = holdOf(d, place);
    hold.stage = 'handler';
    hold.outcome = outcome;
    return undefined;
  }
  return outcome;
}

function errorOf(d: Draft, node: NodeIx | 'root', path: string, facts: FailureFacts): XynError {
  return d.errorAt(node === ROOT ? undefined : d.node(node), path, facts);
}

function fitsCodes({ codes }: Handler, error: XynError): boolean {
  if (codes === undefined) return true;
  for (let one: XynError | undefined = error; one; one = one.cause) {
    const { code } = one;
    if (codes.some((pattern) => matchesCode(pattern, code))) return true;
  }
  return false;
}

/** The hold of a step; a leaf gets one when its failure is handled. */
function holdOf(d: Draft, { frameId, path, node, attempts }: Place): Hold {
  const key = path || ROOT;
  if (d.state.holds[key]) return d.hold(key);
  return d.addHold(key, { node, frame: frameId, stage: 'body', attempt: attempts, started: d.state.now });
}

/** A handler's list has ended. */
export function afterHandler(d: Draft, handlerId: string, ended: Outcome): Outcome {
  const { hold: path, node, body } = d.frame(handlerId);
  const hold = d.hold(path);
  const before = hold.outcome as Extract<Outcome, { status: 'failed' }>;
  const handler = handlersOf(d, node)[Number(body.slice(1))] as Handler;
  dropFrame(d, handlerId);
  if (ended.status === 'failed') return { ...before, error: withCause(ended.error, before.error) };
  if (ended.status === 'cancelled' || handler.then === 'fail') return before;
  const outputs = handler.outputs === undefined ? {} : { outputs: ended.outputs as Json };
  return { ...before, handled: true, error: { ...before.error, handled: true }, ...outputs };
}

/** After its handler a step goes on to its `finally` and its end. */
export function concludeHandled(d: Draft, path: string, outcome: Outcome): void {
  const hold = d.hold(path);
  const node = d.node(hold.node as number);
  const place = { frameId: hold.frame, path, node: hold.node, attempts: hold.attempt };
  if (cleanUp(d, place, outcome)) return;
  endStep(d, hold.frame, node, outcome, { attempts: hold.attempt, note: true });
}

/** After its handler the run goes on to its `finally`. @returns undefined while that runs. */
export function concludeHandledRun(d: Draft, outcome: Outcome): Outcome | undefined {
  return cleanUp(d, RUN, outcome) ? undefined : outcome;
}

/** Starts `finally`, if the scope has one. */
function cleanUp(d: Draft, place: Place, outcome: Outcome): boolean {
  const { path, node, frameId } = place;
  if (cleanupOf(d, node).length === 0) return false;
  const hold = holdOf(d, place);
  hold.stage = 'finally';
  hold.outcome = outcome;
  const status = outcome.status === 'failed' && outcome.handled ? 'completed' : outcome.status;
  const error = outcome.status === 'completed' ? null : outcome.error;
  const body = node === ROOT ? ROOT : bodyFrameId(path, hold.attempt);
  d.addFrame(`${path}${FINALLY}`, {
    node,
    body: FINALLY,
    // A block whose condition failed has no body.
    parent: d.state.frames[body] ? body : frameId,
    hold: path || ROOT,
    pc: 0,
    steps: {},
    stage: 'body',
    seen: { error: error as unknown as Json, outcome: status },
  });
  d.state.timers[`${path}${CLEANUP}`] = d.state.now + d.plan.limits.cleanup_ms;
  return true;
}

/** The frame of a block's attempt. */
export function bodyFrameId(path: string, attemptNo: number): string {
  return attemptNo === 1 ? path : `${path}#${attemptNo}`;
}

/** The list of a `finally` has ended: what the scope comes to in the end (language §5.4). */
export function afterCleanup(d: Draft, frameId: string, ended: Outcome): Outcome {
  const { hold: path } = d.frame(frameId);
  const hold = d.hold(path);
  const outcome = hold.outcome as Outcome;
  dropFrame(d, frameId);
  delete d.state.timers[`${path === ROOT ? '' : path}${CLEANUP}`];
  if (ended.status === 'completed') return outcome;
  const cause = hold.overdue ? overdue(d, path) : ended.error;
  if (outcome.status === 'completed' || (outcome.status === 'failed' && outcome.handled)) {
    const facts = {
      code: 'finally_failed',
      message: `What the step does last failed: ${cause.message}`,
      retryable: cause.retryable,
    };
    return { status: 'failed', error: withCause(errorOf(d, hold.node, path === ROOT ? '' : path, facts), cause) };
  }
  const suppressed = [
    ...(outcome.error.suppressed ?? []),
    { code: cause.code, message: cause.message, path: cause.path },
  ];
  return { ...outcome, error: { ...outcome.error, suppressed } };
}

function overdue(d: Draft, path: string): XynError {
  const message = `It took longer than ${d.plan.limits.cleanup_ms / 1_000} s (\`limits.cleanup\`).`;
  return errorOf(d, d.hold(path).node, path === ROOT ? '' : path, { code: 'timeout', message, retryable: true });
}

/** The end of a step, whatever it did: its list goes on, or ends with it. */
export function endStep(d: Draft, frameId: string, node: PlanNode, outcome: Outcome, end: StepEnd): void {
  const frame = d.frame(frameId);
  const path = d.pathOf(frameId, node);
  if (d.state.holds[path]) {
    delete d.state.holds[path];
    dropFrames(d, path);
  }
  const timing = { attempts: end.attempts, started_at: startedAt(d, frame.steps[node.id]) };
  const facts = viewFacts(outcome);
  frame.steps[node.id] = { ended_at: d.nowIso(), ...facts, ...timing };
  d.grow(facts.outputs);
  if (end.note) noteStep(d, node, path, facts.status, { ...facts, ...timing, ...end });
  else d.state.ran.ended += 1;
  delete frame.open;
  if (outcome.status === 'completed' || (outcome.status === 'failed' && outcome.handled)) frame.pc += 1;
  else frame.error = outcome.error;
  d.ready.push(frameId);
}

function viewFacts(outcome: Outcome): Pick<StepView, 'status' | 'outputs' | 'error' | 'handled' | 'failures'> {
  const { status, ...facts } = outcome;
  return { status: status === 'completed' ? 'completed' : 'failed', ...facts };
}

/** A step that will not run, with all that it holds. Loop bodies that never ran get no record (language §5.2). */
export function skipStep(d: Draft, frameId: string, node: PlanNode, reason: SkipReason): void {
  d.frame(frameId).steps[node.id] = { status: 'skipped', skip_reason: reason, attempts: 0 };
  skipBelow(d, d.pathOf(frameId, node), node, reason);
}

function skipBelow(d: Draft, path: string, node: PlanNode, reason: SkipReason): void {
  noteStep(d, node, path, 'skipped', { skip_reason: reason, attempts: 0 });
  if (!isHolder(node) || node.kind === 'for_each') return;
  for (const [name, body] of Object.entries(node.bodies)) {
    skipList(d, node.kind === 'block' ? path : `${path}:${name}`, body.do, reason);
  }
}

/** Steps of a list that will not run, by the address of the frame that it would have had. */
export function skipList(d: Draft, prefix: string, list: readonly NodeIx[], reason: SkipReason): void {
  for (const ix of list) {
    const node = d.node(ix);
    skipBelow(d, `${prefix}.${node.id}`, node, reason);
  }
}

/** Steps of a frame's list that have not begun. */
export function skipRest(d: Draft, frameId: string, reason: SkipReason): void {
  const frame = d.frame(frameId);
  for (const ix of listOf(d, frame).do.slice(frame.pc)) {
    const node = d.node(ix);
    if (frame.steps[node.id] === undefined) skipStep(d, frameId, node, reason);
  }
}

interface StepFacts {
  skip_reason?: SkipReason;
  outputs?: Json;
  error?: XynError;
  started_at?: string;
  attempts: number;
  reused?: ReusedFrom;
}

/** Notes the status of a step for the catalog. */
export function noteStep(d: Draft, node: PlanNode, path: string, status: StepStatus, facts: StepFacts): void {
  if (status !== 'running') d.state.ran.ended += 1;
  d.note({
    t: 'step',
    path,
    id: node.id,
    kind: node.kind,
    ...(node.name === undefined ? {} : { name: node.name }),
    status,
    ...(facts.skip_reason === undefined ? {} : { skip_reason: facts.skip_reason }),
    ...(facts.outputs === undefined || facts.reused ? {} : { outputs: facts.outputs }),
    ...(facts.error === undefined ? {} : { error: facts.error }),
    ...(facts.started_at === undefined ? {} : { started_at: facts.started_at }),
    attempts: facts.attempts,
    ...(facts.reused === undefined ? {} : { reused: facts.reused }),
  });
}

/** The step of a list that is in progress. */
export function currentOf(d: Draft, frameId: string): NodeIx {
  const frame = d.frame(frameId);
  return listOf(d, frame).do[frame.pc] as NodeIx;
}

/** When a step began: now, for one that failed before it did. */
function startedAt(d: Draft, view: StepView | undefined): string {
  return view?.started_at ?? d.nowIso();
}

/** An error with the one that led to it, at most five deep. */
export function withCause(error: XynError, cause: XynError): XynError {
  return { ...error, cause: trimmed(cause, MAX_CAUSES - 1) };
}

function trimmed(error: XynError, depth: number): XynError {
  const { cause, ...rest } = error;
  if (cause === undefined || depth <= 0) return rest;
  return { ...rest, cause: trimmed(cause, depth - 1) };
}

/** A number in 0…1 that is the same on every replay: spreads the pauses of a block. */
export function fractionOf(d: Draft, path: string, attemptNo: number): number {
  return parseInt(sha256Hex(`${d.state.run.id}/${path}/${attemptNo}`).slice(0, 8), 16) / 2 ** 32;
}
