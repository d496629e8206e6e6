import { sortedKeys, type Json } from '../../json.js';
import type { NodeIx, ParallelNode, Scope } from '../../plan.js';
import type { XynError } from '../../xyn-error.js';
import { cancelledError, stopInside } from '../cancel.js';
import type { Draft } from '../draft.js';
import { dropFrame } from '../frames.js';
import type { Branches, Hold, Outcome } from '../state.js';
import { beginStep, concludeStep, skipList, withCause } from '../steps.js';
import { TIMEOUT, timeoutError } from './block.js';

/** Errors that `failures` keeps (language §3.2). */
export const MAX_FAILURES = 20;

/** Begins the branches in sorted order of their names, as many as may run at once. */
export function openParallel(d: Draft, frameId: string, ix: NodeIx, node: ParallelNode): void {
  const path = d.pathOf(frameId, node);
  beginStep(d, frameId, node);
  const branches: Branches = { next: 0, running: 0, results: {}, failed: 0, failures: [] };
  d.addHold(path, { node: ix, frame: frameId, stage: 'body', attempt: 1, started: d.state.now, branches });
  if (node.timeout_ms !== undefined) d.state.timers[`${path}${TIMEOUT}`] = d.state.now + node.timeout_ms;
  startBranches(d, path, node);
}

function startBranches(d: Draft, path: string, node: ParallelNode): void {
  const { branches, frame, node: ix } = d.hold(path) as Hold & { branches: Branches };
  const names = sortedKeys(node.bodies);
  for (; branches.next < names.length && branches.running < node.concurrency; branches.next += 1) {
    const name = names[branches.next] as string;
    branches.running += 1;
    d.addFrame(`${path}:${name}`, {
      node: ix,
      body: name,
      parent: frame,
      hold: path,
      pc: 0,
      steps: {},
      stage: 'body',
    });
  }
}

/** A branch has ended: others follow, are cancelled, or the step ends with it. */
export function afterBranch(d: Draft, path: string, frameId: string, ended: Outcome): void {
  const hold = d.hold(path) as Hold & { branches: Branches };
  const { branches } = hold;
  const node = d.node(hold.node as number) as ParallelNode;
  const { body } = d.frame(frameId);
  dropFrame(d, frameId);
  branches.running -= 1;
  if (ended.status === 'completed') branches.results[body] = ended.outputs as Json;
  if (ended.status === 'failed') {
    branches.failed += 1;
    if (branches.failures.length < MAX_FAILURES) branches.failures.push(ended.error);
  }
  const stop = stopOf(node, branches);
  if (stop !== undefined && hold.stop === undefined) stopInside(d, path, stop, 'a branch beside it');
  if (d.hold(path).stop === undefined) startBranches(d, path, node);
  if (branches.running > 0) return;
  finish(d, path, node);
}

/** Why no further branch is wanted, if so. */
function stopOf({ bodies, join, mode }: ParallelNode, { results, failed }: Branches): 'enough' | 'failed' | undefined {
  if (join === undefined) return mode === 'fail_fast' && failed > 0 ? 'failed' : undefined;
  if (Object.keys(results).length >= join) return 'enough';
  return failed > Object.keys(bodies).length - join ? 'failed' : undefined;
}

function finish(d: Draft, path: string, node: ParallelNode): void {
  const hold = d.hold(path) as Hold & { branches: Branches };
  delete d.state.timers[`${path}${TIMEOUT}`];
  for (const name of sortedKeys(node.bodies).slice(hold.branches.next)) {
    skipList(d, `${path}:${name}`, (node.bodies[name] as Scope).do, 'cancelled');
  }
  concludeStep(d, hold.frame, node, outcomeOf(d, path, node, hold), 1);
}

function outcomeOf(d: Draft, path: string, node: ParallelNode, hold: Hold & { branches: Branches }): Outcome {
  const { results, failures } = hold.branches;
  if (hold.stop === 'cancel') return { status: 'cancelled', error: cancelledError(d, path) };
  if (hold.stop === 'timeout') {
    return { status: 'failed', error: timeoutError(d, path, node), outputs: results, failures };
  }
  if (hold.stop !== 'failed') return { status: 'completed', outputs: results, failures };
  const cause = failures[0] as XynError;
  const message = `${hold.branches.failed} of ${Object.keys(node.bodies).length} branches failed: ${cause.message}`;
  const error = d.errorAt(node, path, { code: 'parallel_failed', message, retryable: cause.retryable });
  return { status: 'failed', error: withCause(error, cause), outputs: results, failures };
}
