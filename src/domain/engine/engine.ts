import { sortedKeys } from '../json.js';
import type { Plan } from '../plan.js';
import { activeMs, keepTime, keepWake, RUN_TIME, YIELD } from './clock.js';
import { failRun, isStopping, isTooOld, stop, tooLong, tooOld } from './bounds.js';
import { abandonTask, cancelFrame, GRACE, isCancelling, PAUSE } from './cancel.js';
import { Draft, ROOT } from './draft.js';
import { cancelScopeOf, DO, FINALLY, isCleanup } from './frames.js';
import { decide, expireGate, openGatePaths, openRecovery, unknownOutcome } from './gates.js';
import { endTime, retryBlock, TIMEOUT } from './holders/block.js';
import { loopCommands, onPage, onSpilled, onUnkept } from './holders/for-each.js';
import { commandTask, type TaskNode } from './leaves.js';
import type { Command, EngineEvent } from './messages.js';
import { isFinal } from './run-end.js';
import type { State, Task } from './state.js';
import { CLEANUP, completeStep, endStep, failStep } from './steps.js';
import { drain } from './walk.js';
import { endWait } from './waits.js';

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
  for (const [path, task] of Object.entries(d.state.tasks)) {
    if (isRecovering(d, path)) continue;
    commandTask(d, path, task);
    // Begun and cancelled by the event with which the state was handed over.
    if (task.cancelling) d.commands.push({ c: 'cancel', path, scope: cancelScopeOf(d, task.frame) });
  }
  for (const [path, hold] of Object.entries(d.state.holds)) d.commands.push(...loopCommands(hold, path));
  if (d.state.wake !== undefined) d.commands.push({ c: 'wake', at: d.state.wake });
  keepRecords(d);
  return d.commands;
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
    case 'spilled':
      return onSpilled(d, event);
    case 'page':
      return onPage(d, event);
    case 'unkept':
      return onUnkept(d, event);
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
  if (event.reuse !== undefined) d.state.reuse = event.reuse;
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
  const end = { attempts: event.attempt, note: false };
  // Workers of before finished no results: recorded histories hold theirs.
  if (!event.finished) return completeStep(d, open.task.frame, open.node, event.result, end);
  endStep(d, open.task.frame, open.node, { status: 'completed', outputs: event.result }, end);
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
