import { evaluateBool } from '../expression/evaluate.js';
import type { HolderNode, NodeIx, PlanNode } from '../plan.js';
import { attempt } from './attempt.js';
import { boundOf, failRun } from './bounds.js';
import { cancelledError } from './cancel.js';
import { YIELD } from './clock.js';
import { ROOT, type Draft } from './draft.js';
import { FINALLY, isCleanup, isHolder, isInLoop, listOf, resultOf } from './frames.js';
import { openGate } from './gates.js';
import { afterBlockBody, openBlock } from './holders/block.js';
import { afterIteration, openLoop } from './holders/for-each.js';
import { afterBranch, openParallel } from './holders/parallel.js';
import { afterCase, openSwitch } from './holders/switch.js';
import { inputOf, issueTask } from './leaves.js';
import { takeOver } from './reuse.js';
import { isFinal, onRunFrameEnd } from './run-end.js';
import type { Frame, Outcome } from './state.js';
import {
  afterCleanup,
  afterHandler,
  beginStep,
  concludeHandled,
  endStep,
  failStep,
  skipRest,
  skipStep,
} from './steps.js';
import { runTransform } from './transforms.js';
import { openWait } from './waits.js';

/** Cost units of one event (language §8.3): then the engine asks to go on in a millisecond, in a task of its own. */
const MAX_EVENT_COST = 200_000;
/** Cost units that a step counts beside its expressions, so that one event runs at most 10 000 of them. */
const STEP_COST = 20;
/** Tasks that one event may begin: the server refuses an answer over 4 MB (language §8.3). */
const MAX_EVENT_TASKS = 100;

/** Lists go on until they wait; what holds a list that ended is told before another goes on. */
export function drain(d: Draft): void {
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
      if (takeOver(d, frameId, node, path)) return;
      beginStep(d, frameId, node);
      const input = attempt(() => inputOf(d, frameId, path, node));
      if ('fault' in input) return failStep(d, frameId, node, d.errorAt(node, path, input.fault), 0);
      return issueTask(d, frameId, node, ix, 1);
    }
  }
}
