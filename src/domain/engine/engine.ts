import { evaluateBool } from '../expression/evaluate.js';
import { renderRecord } from '../expression/render.js';
import { sortedKeys } from '../json.js';
import type { Plan, PlanNode } from '../plan.js';
import type { FailureFacts, XynError } from '../xyn-error.js';
import { activeMs, GRACE, keepTime, keepWake, RUN_TIME, YIELD } from './clock.js';
import { Draft, ROOT, viewOf } from './draft.js';
import { cancelGate, decide, expireGate, openGate, openGatePaths, openRecovery, unknownOutcome } from './gates.js';
import {
  attempt,
  beginStep,
  commandTask,
  completeStep,
  failStep,
  inputOf,
  issueTask,
  skipStep,
  type TaskNode,
} from './leaves.js';
import type { Command, EngineEvent } from './messages.js';
import type { State, StepStatus, Task } from './state.js';
import { runTransform } from './transforms.js';

/** Cost units of one event (language §8.3): then the engine asks to go on in a millisecond, in a task of its own. */
const MAX_EVENT_COST = 200_000;
/** Cost units of all expressions of a run. */
const MAX_RUN_COST = 20_000_000;

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
    ran: { steps: 0, loop_steps: 0 },
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
  d.state.frames[ROOT] = { node: 'root', body: '', attempt: 1, pc: 0, steps: {}, stage: 'body' };
  d.note({ t: 'run', status: 'running' });
}

/** An open task of this path that still waits for its worker. */
function openTask(d: Draft, path: string): { task: Task; node: TaskNode } | undefined {
  const task = d.state.tasks[path];
  return task && !isRecovering(d, path) ? { task, node: d.node(task.node) as TaskNode } : undefined;
}

function onDone(d: Draft, event: Extract<EngineEvent, { t: 'done' }>): void {
  const open = openTask(d, event.path);
  if (!open) return;
  delete d.state.tasks[event.path];
  completeStep(d, open.task.frame, open.node, event.result, { attempts: event.attempt, note: false });
}

function onFailed(d: Draft, event: Extract<EngineEvent, { t: 'failed' }>): void {
  const open = openTask(d, event.path);
  if (!open) return;
  delete d.state.tasks[event.path];
  const error = d.errorAt(open.node, event.path, event.error, event.error.attempt);
  failStep(d, open.task.frame, open.node, error, event.error.attempt);
}

function onLost(d: Draft, path: string): void {
  const open = openTask(d, path);
  if (!open) return;
  if (!isStopping(d)) {
    openRecovery(d, path, open.task);
    return;
  }
  delete d.state.tasks[path];
  failStep(d, open.task.frame, open.node, unknownOutcome(d, open.node, path), 1);
}

function onCancel(d: Draft, by: string, reason: string): void {
  if (d.state.cancel) return;
  d.state.cancel = { by, reason, at: d.state.now };
  stop(d, by);
}

/** Cancels what is open below the root; the run ends when all of it has ended (language §5.3). */
function stop(d: Draft, by: string): void {
  d.state.phase = 'cancel';
  for (const path of openGatePaths(d.state)) cancelGate(d, path, by);
  delete d.state.timers[RUN_TIME];
  const open = Object.keys(d.state.tasks);
  for (const path of open) {
    const task = d.state.tasks[path] as Task;
    if (task.cancelling) continue;
    d.state.tasks[path] = { ...task, cancelling: true };
    d.commands.push({ c: 'cancel', path });
  }
  if (open.length > 0) d.state.timers[GRACE] ??= d.state.now + d.plan.limits.cancel_grace_ms;
}

function isStopping(d: Draft): boolean {
  return d.state.cancel !== undefined || d.state.error !== undefined;
}

function onTick(d: Draft): void {
  for (const key of sortedKeys(d.state.timers)) {
    const due = d.state.timers[key];
    if (due === undefined || due > d.state.now) continue;
    if (key === GRACE) abandonTasks(d);
    else if (key === YIELD) delete d.state.timers[YIELD];
    else if (key === RUN_TIME) {
      delete d.state.timers[RUN_TIME];
      for (const path of Object.keys(d.state.tasks)) {
        d.state.tasks[path] = { ...(d.state.tasks[path] as Task), checking: true };
        d.commands.push({ c: 'check', path });
      }
    } else if (isTooOld(d)) failRun(d, tooOld(d));
    else expireGate(d, key);
  }
}

/** Tasks that did not end within the grace after a cancel are left to themselves. */
function abandonTasks(d: Draft): void {
  delete d.state.timers[GRACE];
  for (const path of Object.keys(d.state.tasks)) {
    const task = d.state.tasks[path] as Task;
    const node = d.node(task.node) as TaskNode;
    delete d.state.tasks[path];
    const mayHaveActed = node.kind === 'action_task' && node.effect !== 'read';
    const error = mayHaveActed
      ? unknownOutcome(d, node, path)
      : d.errorAt(node, path, {
          code: 'cancelled',
          message: 'The task did not end in time after the cancel.',
          retryable: false,
        });
    failStep(d, task.frame, node, error, 1);
  }
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
  if (isStopping(d)) return;
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
  runList(d);
  keepTime(d);
  d.state.cost += d.costUsed();
  if (isEnded(d)) finish(d);
  else setPhase(d);
  if (isFinal(d.state)) delete d.state.wake;
  else keepWake(d);
}

/** The root list from its cursor on: steps that need no worker run to their end at once. */
function runList(d: Draft): void {
  for (;;) {
    const frame = d.frame(ROOT);
    const ix = d.plan.root.do[frame.pc];
    if (ix === undefined || frame.error || isStopping(d)) return;
    const node = d.node(ix);
    if (viewOf(frame, node.id).status === 'running') return;
    if (d.costUsed() >= MAX_EVENT_COST) {
      d.state.timers[YIELD] = d.state.now + 1;
      return;
    }
    enter(d, ix, node);
  }
}

function enter(d: Draft, ix: number, node: PlanNode): void {
  const path = d.pathOf(node);
  const bound = boundOf(d);
  if (bound) return failRun(d, bound);
  if (node.when !== undefined) {
    const condition = node.when;
    const scope = d.scope(ROOT, path);
    const chosen = attempt(() => evaluateBool(condition, scope));
    if ('fault' in chosen) return failStep(d, ROOT, node, d.errorAt(node, path, chosen.fault), 0);
    if (!chosen.value) {
      skipStep(d, ROOT, node, 'when');
      d.frame(ROOT).pc += 1;
      return;
    }
  }
  if (d.state.ran.steps >= d.plan.limits.steps) return failRun(d, tooManySteps(d));
  d.state.ran.steps += 1;
  enterKind(d, ix, node, path);
}

function enterKind(d: Draft, ix: number, node: PlanNode, path: string): void {
  switch (node.kind) {
    case 'transform':
      return runTransform(d, ROOT, node);
    case 'gate':
      return openGate(d, ROOT, ix, node);
    case 'action_task':
    case 'agent_task': {
      beginStep(d, ROOT, node);
      const input = attempt(() => inputOf(d, ROOT, path, node));
      if ('fault' in input) return failStep(d, ROOT, node, d.errorAt(node, path, input.fault), 0);
      return issueTask(d, ROOT, node, ix, 1);
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

function tooManySteps(d: Draft): FailureFacts {
  return {
    code: 'limit_steps',
    message: `The run reached its bound of ${d.plan.limits.steps} steps.`,
    retryable: false,
  };
}

function isEnded(d: Draft): boolean {
  if (Object.keys(d.state.tasks).length > 0) return false;
  const frame = d.frame(ROOT);
  return isStopping(d) || frame.error !== undefined || frame.pc >= d.plan.root.do.length;
}

/** The end of the run (language §5.2): what did not begin is skipped, then the outputs, then the status. */
function finish(d: Draft): void {
  const frame = d.frame(ROOT);
  const cancelledFirst = d.state.cancel !== undefined && d.state.error === undefined;
  const error: XynError | undefined = cancelledFirst ? cancelledError(d) : (d.state.error ?? frame.error);
  for (const ix of d.plan.root.do) {
    const node = d.node(ix);
    if (viewOf(frame, node.id).status === 'created')
      skipStep(d, ROOT, node, cancelledFirst ? 'cancelled' : 'not_reached');
  }
  frame.stage = 'done';
  d.state.timers = {};
  if (error) return end(d, cancelledFirst ? 'cancelled' : 'failed', error);
  const outputs = attempt(() => renderRecord(d.plan.outputs, d.scope(ROOT, '')));
  if ('fault' in outputs) return end(d, 'failed', d.errorAt(undefined, '', outputs.fault));
  d.state.outputs = outputs.value;
  end(d, 'completed', undefined);
}

function cancelledError(d: Draft): XynError {
  const { by, reason } = d.state.cancel as NonNullable<State['cancel']>;
  const message = `Cancelled by ${by}${reason === '' ? '' : `: ${reason}`}.`;
  return d.errorAt(undefined, '', { code: 'cancelled', message, retryable: false });
}

function end(d: Draft, status: 'completed' | 'failed' | 'cancelled', error: XynError | undefined): void {
  d.state.status = status;
  delete d.state.phase;
  if (error) d.state.error = error;
  const facts = {
    ...(d.state.outputs === undefined ? {} : { outputs: d.state.outputs }),
    ...(error === undefined ? {} : { error }),
  };
  d.note({ t: 'end', status, ...facts, steps: statusesOf(d) });
  d.commands.push({ c: 'finish', status, ...facts });
}

function statusesOf(d: Draft): Record<string, StepStatus> {
  const frame = d.frame(ROOT);
  return Object.fromEntries(d.plan.root.do.map((ix) => [d.pathOf(d.node(ix)), viewOf(frame, d.node(ix).id).status]));
}

function setPhase(d: Draft): void {
  if (isStopping(d)) d.state.phase = 'cancel';
  else if (openGatePaths(d.state).length > 0) d.state.phase = 'gate';
  else delete d.state.phase;
}

/** Transitions ride with the next task; where none follows soon they are written at once. */
function keepRecords(d: Draft): void {
  const carried = d.commands.some((command) => command.c === 'action' || command.c === 'agent');
  const waitsForWorker = Object.keys(d.state.tasks).some((path) => !isRecovering(d, path));
  if (d.state.transitions.length === 0 || carried || waitsForWorker) return;
  const finishAt = d.commands.findIndex((command) => command.c === 'finish');
  d.commands.splice(finishAt === -1 ? d.commands.length : finishAt, 0, { c: 'record' });
}
