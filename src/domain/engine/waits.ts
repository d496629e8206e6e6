import { expressionError } from '../expression/evaluation-error.js';
import { render } from '../expression/render.js';
import { parseDuration, parseTimestamp } from '../expression/time.js';
import type { Json } from '../json.js';
import type { NodeIx, WaitNode } from '../plan.js';
import type { Draft } from './draft.js';
import { attempt } from './attempt.js';
import type { Wait } from './state.js';
import { beginStep, completeStep, failStep, noteStep } from './steps.js';

/** Begins a wait for a moment; one that has passed is over at once (language §3.1). */
export function openWait(d: Draft, frameId: string, nodeIx: NodeIx, node: WaitNode): void {
  const path = d.pathOf(frameId, node);
  beginStep(d, frameId, node);
  const scope = d.scope(frameId, path);
  const due = attempt(() =>
    node.for === undefined
      ? momentOf(render(node.until ?? null, scope))
      : d.state.now + lengthOf(render(node.for, scope)),
  );
  if ('fault' in due) return failStep(d, frameId, node, d.errorAt(node, path, due.fault), 1);
  if (due.value <= d.state.now) return completeStep(d, frameId, node, {}, { attempts: 1, note: true });
  d.state.waits[path] = { node: nodeIx, frame: frameId };
  d.state.timers[path] = due.value;
  noteStep(d, node, path, 'running', { started_at: d.nowIso(), attempts: 1 });
}

/** The moment has come. */
export function endWait(d: Draft, path: string): void {
  const { frame, node } = closeWait(d, path);
  completeStep(d, frame, node, {}, { attempts: 1, note: true });
}

/** The wait is not for anything any more. */
export function cancelWait(d: Draft, path: string): void {
  const { frame, node } = closeWait(d, path);
  const facts = { code: 'cancelled', message: 'Cancelled while it waited.', retryable: false };
  failStep(d, frame, node, d.errorAt(node, path, facts), 1);
}

function closeWait(d: Draft, path: string): { frame: string; node: WaitNode } {
  const wait = d.state.waits[path] as Wait;
  delete d.state.waits[path];
  delete d.state.timers[path];
  return { frame: wait.frame, node: d.node(wait.node) as WaitNode };
}

/** Milliseconds of a rendered length; a part of one counts as a whole. */
function lengthOf(value: Json): number {
  if (typeof value !== 'string')
    throw expressionError('wrong_type', 'the length of a wait must be a duration such as 90s');
  return wholeMs(parseDuration(value).nanos);
}

function momentOf(value: Json): number {
  if (typeof value !== 'string') {
    throw expressionError('wrong_type', 'the end of a wait must be a time such as 2026-11-21T12:00:00Z');
  }
  return wholeMs(parseTimestamp(value).nanos);
}

function wholeMs(nanos: bigint): number {
  return Math.ceil(Number(nanos) / 1e6);
}
