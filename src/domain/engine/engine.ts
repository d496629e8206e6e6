import { evaluateBool } from '../expression/evaluate.js';
import { sortedKeys, type JsonObject } from '../json.js';
import type { HolderNode, NodeIx, Plan, PlanNode } from '../plan.js';
import type { FailureFacts } from '../xyn-error.js';
import { abandonTask, cancelFrame, cancelledError, GRACE, isCancelling, PAUSE } from './cancel.js';
import { activeMs, keepTime, keepWake, RUN_TIME, YIELD } from './clock.js';
import { Draft, ROOT, viewOf } from './draft.js';
import { attempt, DO, FINALLY, isCleanup, isHolder, isInLoop, listOf, resultOf } from './frames.js';
import { decide, expireGate, openGate, openGatePaths, openRecovery, unknownOutcome } from './gates.js';
import { afterBlockBody, endTime, openBlock, retryBlock, TIMEOUT } from './holders/block.js';
import { afterIteration, openLoop } from './holders/for-each.js';
import { afterBranch, openParallel } from './holders/parallel.js';
import { afterCase, openSwitch } from './holders/switch.js';
import { commandTask, inputOf, issueTask, type TaskNode } from './leaves.js';
import type { Command, EngineEvent } from './messages.js';
import type { Frame, Outcome, State, StepStatus, Task } from './state.js';
import {
  afterCleanup,
  afterHandler,
  beginStep,
  CLEANUP,
  completeStep,
  concludeHandled,
  concludeHandledRun,
  concludeRun,
  endStep,
  failStep,
  skipRest,
  skipStep,
} from './steps.js';
import { runTransform } from './transforms.js';
import { endWait, openWait } from './waits.js';

/** Cost units of one event (language §8.3): then the engine asks to go on in a millisecond, in a task of its own. */
const MAX_EVENT_COST = 200_000;
/** Cost units of all expressions of a run. */
const MAX_RUN_COST = 20_000_000;
/** Cost units that a step counts beside its expressions, so that one event runs at most 10 000 of them. */
const STEP_COST = 20;
/** Tasks that one event may begin: the server refuses an answer over 4 MB (language §8.3). */
const MAX_EVENT_TASKS = 100;

/** What `advance` returns: the next state and what the driver has to do, in this order. */
export interface Advance {
  state: State;
  commands: Command[];
}

/** The state of a run before its `start` event. */
export function start(plan: Plan): State {
  return {
    v: 1,
    status: 'created',
    seq: 0,
    now: 0,
    started: 0,
    active_ms: 0,
    ran: { steps: 0, loop_steps: 0, ended: 0 },
    cost: 0,
    run: {
      id: '',
      blueprint: plan.id,
      version: '',
      digest: plan.digest,
      actor: '',
      trigger: '',
      started_at: '',
      correlation_id: '',
    },
    env: { id: '', name: '', stage: 'dev', vars: {} },
    event: null,
    inputs: {},
    frames: {},
    holds: {},
    waits: {},
    tasks: {},
    timers: {},
    gates: {},
    transitions: [],
  };
}

/**
 * Applies one event. Total and pure: the same plan, state and event give the same result, the arguments stay as they are,
 * and an event for something unknown, closed or already decided changes nothing (language §8.3).
 * @throws Error on an internal contradiction only; every mistake of a user is a value in the state.
 */
export function advance(plan: Plan, state: State, event: EngineEvent): Advance {
  const d = new Draft(plan, state, event);
  if (isFinal(state)) return { state: { ...state, transitions: d.state.transitions }, commands: [] };
  apply(d, event);
  settle(d);
  if (d.state.seq > state.seq || event.t === 'recorded') keepRecords(d);
  return { state: d.state, commands: d.commands };
}

/** The commands that bring a driver up to date with a state handed over by continue-as-new. */
export function resume(plan: Plan, state: State): Command[] {
  const d = new Draft(plan, state, { t: 'tick', now: state.now });
  for (const [path, task] of Object.entries(d.state.tasks)) if (!isRecovering(d, path)) commandTask(d, path, task);
  if (d.state.wake !== undefined) d.commands.push({ c: 'wake', at: d.state.wake });
  keepRecords(d);
  return d.commands;
}

/** Whether a run has ended; its status never changes again. */
export function isFinal(state: State): boolean {
  return state.status === 'completed' || state.status === 'failed' || state.status === 'cancelled';
}

function isRecovering(d: Draft, path: string): boolean {
  return d.state.gates[`${path}~recover`]?.status === 'open';
}

function apply(d: Draft, event: EngineEvent): void {
  switch (event.t) {
    case 'start':
      return begin(d, event);
    case 'done':
      return onDone(d, event);
    case 'failed':
      return onFailed(d, event);
    case 'lost':
      return onLost(d, event.path);
    case 'gate':
      return decide(d, event.path, event.decision);
    case 'cancel':
      return onCancel(d, event.by, event.reason);
    case 'tick':
      return onTick(d);
    case 'checked':
      return onChecked(d, event.path, event.paused_ms);
    case 'recorded':
      return;
  }
}

function begin(d: Draft, event: Extract<EngineEvent, { t: 'start' }>): void {
  if (d.state.status !== 'created') return;
  d.state.status = 'running';
  d.state.started = d.state.now;
  d.state.run = event.run;
  d.state.env = event.env;
  d.state.event = event.event;
  d.state.inputs = event.inputs;
  d.note({ t: 'run', status: 'running' });
  d.addHold(ROOT, { node: ROOT, frame: '', stage: 'body', attempt: 1, started: d.state.now });
  d.addFrame(ROOT, { node: ROOT, body: DO, hold: ROOT, pc: 0, steps: {}, stage: 'body' });
}

/** An open task of this path that still waits for its worker. */
function openTask(d: Draft, path: string): { task: Task; node: TaskNode } | undefined {
  const task = d.state.tasks[path];
  return task && !isRecovering(d, path) ? { task, node: d.node(task.node) as TaskNode } : undefined;
}

function closeTask(d: Draft, path: string): void {
  delete d.state.tasks[path];
  delete d.state.timers[`${path}${GRACE}`];
}

function onDone(d: Draft, event: Extract<EngineEvent, { t: 'done' }>): void {
  const open = openTask(d, event.path);
  if (!open) return;
  closeTask(d, event.path);
  completeStep(d, open.task.frame, open.node, event.result, { attempts: event.attempt, note: false });
}

function onFailed(d: Draft, event: Extract<EngineEvent, { t: 'failed' }>): void {
  const open = openTask(d, event.path);
  if (!open) return;
  closeTask(d, event.path);
  const error = d.errorAt(open.node, event.path, event.error, event.error.attempt);
  failStep(d, open.task.frame, open.node, error, event.error.attempt);
}

function onLost(d: Draft, path: string): void {
  const open = openTask(d, path);
  if (!open) return;
  const { frame } = open.task;
  if (!isCancelling(d, frame) && !isCleanup(d, frame)) {
    openRecovery(d, path, open.task);
    return;
  }
  closeTask(d, path);
  failStep(d, frame, open.node, unknownOutcome(d, open.node, path), 1);
}

function onCancel(d: Draft, by: string, reason: string): void {
  if (d.state.cancel) return;
  d.state.cancel = { by, reason, at: d.state.now };
  stop(d, by);
}

/** Cancels what is open; the run ends when all of it has ended (language §5.3). */
function stop(d: Draft, by: string): void {
  const hold = d.state.holds[ROOT];
  if (!hold || hold.stage === 'finally') return;
  d.state.phase = 'cancel';
  delete d.state.timers[RUN_TIME];
  if (hold.stage === 'body') cancelFrame(d, ROOT, by);
  else {
    for (const [id, frame] of Object.entries(d.state.frames)) {
      if (frame.hold === ROOT && frame.body.startsWith('!')) cancelFrame(d, id, by);
    }
  }
}

function isStopping(d: Draft): boolean {
  return d.state.cancel !== undefined || d.state.error !== undefined;
}

function onTick(d: Draft): void {
  if (isTooOld(d)) failRun(d, tooOld(d));
  for (const key of sortedKeys(d.state.timers)) {
    const due = d.state.timers[key];
    if (due !== undefined && due <= d.state.now) onTimer(d, key);
  }
}

function onTimer(d: Draft, key: string): void {
  const at = key.lastIndexOf('~');
  const [path, purpose] = at === -1 ? [key, ''] : [key.slice(0, at), key.slice(at)];
  switch (purpose) {
    case GRACE:
      return abandonTask(d, path);
    case TIMEOUT:
      return endTime(d, path);
    case PAUSE:
      return retryBlock(d, path);
    case CLEANUP:
      return endCleanup(d, path);
    case YIELD:
      delete d.state.timers[YIELD];
      return;
    case RUN_TIME:
      return checkTasks(d);
    default:
      if (d.state.waits[key]) endWait(d, key);
      else expireGate(d, key);
  }
}

function checkTasks(d: Draft): void {
  delete d.state.timers[RUN_TIME];
  for (const path of Object.keys(d.state.tasks)) {
    d.state.tasks[path] = { ...(d.state.tasks[path] as Task), checking: true };
    d.commands.push({ c: 'check', path });
  }
}

/** The time that a `finally` has is over. */
function endCleanup(d: Draft, path: string): void {
  delete d.state.timers[`${path}${CLEANUP}`];
  d.hold(path || ROOT).overdue = true;
  cancelFrame(d, `${path}${FINALLY}`, 'its cleanup time');
}

/** The pauses of a task's retries do not count as active time; only what is left over may break the bound. */
function onChecked(d: Draft, path: string, pausedMs: number): void {
  const task = d.state.tasks[path];
  if (!task || isStopping(d)) return;
  d.state.active_ms -= Math.max(0, pausedMs - (task.paused_ms ?? 0));
  const { checking: _, ...rest } = task;
  d.state.tasks[path] = { ...rest, paused_ms: Math.max(pausedMs, task.paused_ms ?? 0) };
  const left = d.plan.limits.run_time_ms - activeMs(d);
  if (left <= 0) failRun(d, tooLong(d));
  else d.state.timers[RUN_TIME] = d.state.now + left;
}

/** Ends the run as failed by a bound of the run itself, which no handler catches. */
function failRun(d: Draft, facts: FailureFacts): void {
  if (isStopping(d) || d.state.holds[ROOT]?.stage === 'finally') return;
  d.state.error = d.errorAt(undefined, '', facts);
  stop(d, 'a limit of the run');
}

function tooLong(d: Draft): FailureFacts {
  const minutes = Math.round(d.plan.limits.run_time_ms / 60_000);
  return { code: 'limit_run_time', message: `The run was active for more than ${minutes} min.`, retryable: false };
}

function isTooOld(d: Draft): boolean {
  return d.state.now - d.state.started >= d.plan.limits.max_age_ms;
}

function tooOld(d: Draft): FailureFacts {
  const days = Math.round(d.plan.limits.max_age_ms / 86_400_000);
  return { code: 'limit_run_time', message: `The run is older than ${days} d.`, retryable: false };
}

/** Brings everything that can move without the outside to its end. */
function settle(d: Draft): void {
  if (d.state.status !== 'running') return;
  keepTime(d);
  const waiting = d.state.queue ?? [];
  delete d.state.queue;
  d.ready.unshift(...waiting);
  drain(d);
  keepTime(d);
  d.state.cost += d.costUsed();
  if (isFinal(d.state)) delete d.state.wake;
  else {
    setPhase(d);
    keepWake(d);
  }
}

/** Lists go on until they wait; what holds a list that ended is told before another goes on. */
function drain(d: Draft): void {
  while (!isFinal(d.state)) {
    const ended = d.ended.shift();
    if (ended) {
      onFrameEnd(d, ended.frame, ended.outcome);
      continue;
    }
    const id = d.ready.shift();
    if (id === undefined) return;
    if (isExhausted(d)) {
      d.state.queue = [...new Set([id, ...d.ready])];
      d.state.timers[YIELD] = d.state.now + 1;
      return;
    }
    const frame = d.state.frames[id];
    if (frame?.stage === 'body' && !frame.open) goOn(d, id);
  }
}

function isExhausted(d: Draft): boolean {
  if (d.costUsed() + d.entered * STEP_COST >= MAX_EVENT_COST) return true;
  return d.commands.filter(({ c }) => c === 'action' || c === 'agent').length >= MAX_EVENT_TASKS;
}

/** One step of a list, or its end. */
function goOn(d: Draft, id: string): void {
  const frame = d.frame(id);
  const ix = frame.error || frame.cancelling ? undefined : listOf(d, frame).do[frame.pc];
  if (ix === undefined) return endFrame(d, id, frame);
  enter(d, id, ix, d.node(ix));
  // A list whose step ended at once goes on before the others: what can be done without waiting is done in its order.
  if (d.ready.includes(id)) {
    d.ready.splice(d.ready.lastIndexOf(id), 1);
    d.ready.unshift(id);
  }
}

function endFrame(d: Draft, id: string, frame: Frame): void {
  skipRest(d, id, frame.cancelling && !d.state.error ? 'cancelled' : 'not_reached');
  frame.stage = 'done';
  d.ended.push({ frame: id, outcome: outcomeOf(d, id, frame) });
}

function outcomeOf(d: Draft, id: string, frame: Frame): Outcome {
  if (frame.cancelling) return { status: 'cancelled', error: cancelledError(d, id) };
  if (frame.error) return { status: 'failed', error: frame.error };
  const result = attempt(() => resultOf(d, id));
  if ('value' in result)
    return { status: 'completed', ...(result.value === undefined ? {} : { outputs: result.value }) };
  const node = frame.node === ROOT ? undefined : d.node(frame.node);
  return { status: 'failed', error: d.errorAt(node, frame.hold === ROOT ? '' : frame.hold, result.fault) };
}

/** Tells what holds a list that the list has ended. */
function onFrameEnd(d: Draft, id: string, outcome: Outcome): void {
  const { hold: path, body, node: ix } = d.frame(id);
  if (path === ROOT) return onRunFrameEnd(d, id, body, outcome);
  if (body === FINALLY) {
    const { frame, node, attempt: attempts } = d.hold(path);
    return endStep(d, frame, d.node(node as number), afterCleanup(d, id, outcome), { attempts, note: true });
  }
  if (body.startsWith('!')) return concludeHandled(d, path, afterHandler(d, id, outcome));
  switch ((d.node(ix as number) as HolderNode).kind) {
    case 'block':
      return afterBlockBody(d, path, outcome);
    case 'switch':
      return afterCase(d, path, body, outcome);
    case 'parallel':
      return afterBranch(d, path, id, outcome);
    case 'for_each':
      return afterIteration(d, path, id, outcome);
  }
}

/** A list of the run itself has ended: its body, its handler, or what it does last. */
function onRunFrameEnd(d: Draft, id: string, body: string, ended: Outcome): void {
  const outcome =
    body === FINALLY
      ? afterCleanup(d, id, ended)
      : body === DO
        ? concludeRun(d, runOutcomeOf(d, ended))
        : concludeHandledRun(d, afterHandler(d, id, ended));
  if (outcome !== undefined) finish(d, outcome);
}

/** What the plan's own list came to: a bound of the run and a cancel count more than the list's own error. */
function runOutcomeOf(d: Draft, ended: Outcome): Outcome {
  if (ended.status !== 'cancelled') return ended;
  if (d.state.error) return { status: 'failed', error: d.state.error };
  const { by, reason } = d.state.cancel as NonNullable<State['cancel']>;
  const message = `Cancelled by ${by}${reason === '' ? '' : `: ${reason}`}.`;
  return { status: 'cancelled', error: cancelledError(d, '', message) };
}

function enter(d: Draft, frameId: string, ix: NodeIx, node: PlanNode): void {
  const path = d.pathOf(frameId, node);
  const cleanup = isCleanup(d, frameId);
  const bound = cleanup ? undefined : boundOf(d);
  if (bound) return failRun(d, bound);
  d.entered += 1;
  if (node.when !== undefined) {
    const condition = node.when;
    const chosen = attempt(() => evaluateBool(condition, d.scope(frameId, path)));
    if ('fault' in chosen) {
      d.frame(frameId).open = true;
      return failStep(d, frameId, node, d.errorAt(node, path, chosen.fault), 0);
    }
    if (!chosen.value) {
      skipStep(d, frameId, node, 'when');
      d.frame(frameId).pc += 1;
      d.ready.push(frameId);
      return;
    }
  }
  if (!cleanup && !isHolder(node) && !countStep(d, frameId)) return;
  enterKind(d, frameId, ix, node, path);
}

/** Counts a leaf against the bound of the run. @returns false when that ends the run. */
function countStep(d: Draft, frameId: string): boolean {
  const counter = isInLoop(d, frameId) ? 'loop_steps' : 'steps';
  const most = d.plan.limits[counter];
  if (d.state.ran[counter] < most) {
    d.state.ran[counter] += 1;
    return true;
  }
  const where = counter === 'steps' ? 'steps' : 'steps in loops';
  failRun(d, { code: 'limit_steps', message: `The run reached its bound of ${most} ${where}.`, retryable: false });
  return false;
}

function enterKind(d: Draft, frameId: string, ix: NodeIx, node: PlanNode, path: string): void {
  switch (node.kind) {
    case 'transform':
      return runTransform(d, frameId, node);
    case 'gate':
      return openGate(d, frameId, ix, node);
    case 'wait':
      return openWait(d, frameId, ix, node);
    case 'block':
      return openBlock(d, frameId, ix, node);
    case 'switch':
      return openSwitch(d, frameId, ix, node);
    case 'parallel':
      return openParallel(d, frameId, ix, node);
    case 'for_each':
      return openLoop(d, frameId, ix, node);
    case 'action_task':
    case 'agent_task': {
      beginStep(d, frameId, node);
      const input = attempt(() => inputOf(d, frameId, path, node));
      if ('fault' in input) return failStep(d, frameId, node, d.errorAt(node, path, input.fault), 0);
      return issueTask(d, frameId, node, ix, 1);
    }
  }
}

function boundOf(d: Draft): FailureFacts | undefined {
  if (d.state.cost > MAX_RUN_COST) {
    return {
      code: 'expression_error',
      detail: 'cost_limit',
      message: 'The expressions of the run cost too much.',
      retryable: false,
    };
  }
  if (isTooOld(d)) return tooOld(d);
  return activeMs(d) >= d.plan.limits.run_time_ms ? tooLong(d) : undefined;
}

/** The end of the run (language §5.2). A failure that a handler took care of leaves a completed run. */
function finish(d: Draft, outcome: Outcome): void {
  d.state.timers = {};
  const handled = outcome.status === 'failed' && outcome.handled === true;
  const status = handled ? 'completed' : outcome.status;
  d.state.status = status;
  delete d.state.phase;
  delete d.state.error;
  if (status === 'completed') d.state.outputs = (outcome as { outputs?: JsonObject }).outputs ?? {};
  if (outcome.status !== 'completed') d.state.error = outcome.error;
  const facts = {
    ...(d.state.outputs === undefined ? {} : { outputs: d.state.outputs }),
    ...(d.state.error === undefined ? {} : { error: d.state.error }),
  };
  d.note({ t: 'end', status, ...facts, steps: statusesOf(d), ended: d.state.ran.ended });
  d.commands.push({ c: 'finish', status, ...facts });
}

function statusesOf(d: Draft): Record<string, StepStatus> {
  const frame = d.frame(ROOT);
  return Object.fromEntries(
    d.plan.root.do.map((ix) => [d.pathOf(ROOT, d.node(ix)), viewOf(frame, d.node(ix).id).status]),
  );
}

function setPhase(d: Draft): void {
  const { state } = d;
  if (state.holds[ROOT]?.stage === 'finally') state.phase = 'cleanup';
  else if (isStopping(d)) state.phase = 'cancel';
  else if (openGatePaths(state).length > 0) state.phase = 'gate';
  else if (Object.values(state.holds).some(({ stage }) => stage === 'pause') && !hasTasks(state)) state.phase = 'retry';
  else delete state.phase;
}

function hasTasks({ tasks }: State): boolean {
  return Object.keys(tasks).length > 0;
}

/** Transitions ride with the next task; where none follows soon they are written at once. */
function keepRecords(d: Draft): void {
  const carried = d.commands.some((command) => command.c === 'action' || command.c === 'agent');
  const waitsForWorker = Object.keys(d.state.tasks).some((path) => !isRecovering(d, path));
  if (d.state.transitions.length === 0 || carried || waitsForWorker) return;
  const finishAt = d.commands.findIndex((command) => command.c === 'finish');
  d.commands.splice(finishAt === -1 ? d.commands.length : finishAt, 0, { c: 'record' });
}
