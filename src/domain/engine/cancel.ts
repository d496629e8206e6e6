import type { XynError } from '../xyn-error.js';
import type { Draft } from './draft.js';
import { cancelScopeOf, framesOf } from './frames.js';
import { cancelGate, RECOVER, unknownOutcome } from './gates.js';
import type { TaskNode } from './leaves.js';
import type { Frame, Hold, Task } from './state.js';
import { currentOf, failStep } from './steps.js';
import { cancelWait } from './waits.js';

/** Timer suffix of the time that a task has to end after a cancel. */
export const GRACE = '~grace';
/** Timer suffix of the pause of a block before its next attempt. */
export const PAUSE = '~retry';

/** What a cancelled list or step ends with. */
export function cancelledError(d: Draft, path: string, message = 'Cancelled.'): XynError {
  return d.errorAt(undefined, path, { code: 'cancelled', message, retryable: false });
}

/**
 * Stops a list: what is open in it is asked to end, and nothing further begins (language §5.3). It ends when all of it has
 * ended. A `finally` that runs is left alone. Repeating it changes nothing.
 */
export function cancelFrame(d: Draft, frameId: string, by: string): void {
  const frame = d.frame(frameId);
  if (frame.cancelling) return;
  frame.cancelling = true;
  if (!frame.open) {
    d.ready.push(frameId);
    return;
  }
  const path = d.pathOf(frameId, d.node(currentOf(d, frameId)));
  const hold = d.state.holds[path];
  if (hold) cancelHold(d, path, hold, by);
  else cancelLeaf(d, path, by);
}

function cancelHold(d: Draft, path: string, { stage }: Hold, by: string): void {
  if (stage === 'finally') return;
  const hold = d.hold(path);
  hold.stop = 'cancel';
  if (stage === 'pause') {
    delete d.state.timers[`${path}${PAUSE}`];
    const { frame, node, attempt } = hold;
    failStep(d, frame, d.node(node as number), cancelledError(d, path), attempt);
    return;
  }
  for (const id of framesOf(d, path)) cancelFrame(d, id, by);
}

/** Cancels all lists below a hold for a reason of its own. */
export function stopInside(d: Draft, path: string, reason: NonNullable<Hold['stop']>, by: string): void {
  d.hold(path).stop ??= reason;
  for (const id of framesOf(d, path)) cancelFrame(d, id, by);
}

function cancelLeaf(d: Draft, path: string, by: string): void {
  const recovery = d.state.gates[`${path}${RECOVER}`];
  if (recovery?.status === 'open') cancelGate(d, `${path}${RECOVER}`, by);
  else if (d.state.gates[path]?.status === 'open') cancelGate(d, path, by);
  else if (d.state.waits[path]) cancelWait(d, path);
  else cancelTask(d, path);
}

function cancelTask(d: Draft, path: string): void {
  const task = d.state.tasks[path] as Task;
  d.state.tasks[path] = { ...task, cancelling: true };
  d.commands.push({ c: 'cancel', path, scope: cancelScopeOf(d, task.frame) });
  d.state.timers[`${path}${GRACE}`] = d.state.now + d.plan.limits.cancel_grace_ms;
}

/** A task that did not end within the grace after a cancel is left to itself. */
export function abandonTask(d: Draft, path: string): void {
  delete d.state.timers[`${path}${GRACE}`];
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

/** Whether steps of a list are being cancelled. */
export function isCancelling(d: Draft, frameId: string): boolean {
  for (let id: string | undefined = frameId; id !== undefined;) {
    const frame: Frame = d.state.frames[id] as Frame;
    if (frame.cancelling) return true;
    id = frame.parent;
  }
  return false;
}
