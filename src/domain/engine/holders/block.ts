import type { BlockNode, NodeIx } from '../../plan.js';
import type { XynError } from '../../xyn-error.js';
import { PAUSE, stopInside } from '../cancel.js';
import type { Draft } from '../draft.js';
import { DO, dropFrame } from '../frames.js';
import { nextDelayMs } from '../retry.js';
import type { Hold, Outcome } from '../state.js';
import { beginStep, bodyFrameId, concludeStep, fractionOf } from '../steps.js';

/** Timer suffix of the time that a holder, or an attempt of a block, has. */
export const TIMEOUT = '~timeout';

/** Begins a block. */
export function openBlock(d: Draft, frameId: string, ix: NodeIx, node: BlockNode): void {
  const path = d.pathOf(frameId, node);
  beginStep(d, frameId, node);
  d.addHold(path, { node: ix, frame: frameId, stage: 'body', attempt: 1, started: d.state.now });
  beginAttempt(d, path, node);
}

function beginAttempt(d: Draft, path: string, node: BlockNode): void {
  const { frame, node: ix, attempt } = d.hold(path);
  d.addFrame(bodyFrameId(path, attempt), {
    node: ix,
    body: DO,
    parent: frame,
    hold: path,
    pc: 0,
    steps: {},
    stage: 'body',
  });
  if (node.timeout_ms !== undefined) d.state.timers[`${path}${TIMEOUT}`] = d.state.now + node.timeout_ms;
}

/** An attempt has ended: another follows, or the block ends. */
export function afterBlockBody(d: Draft, path: string, ended: Outcome): void {
  const hold = d.hold(path);
  const node = d.node(hold.node as number) as BlockNode;
  delete d.state.timers[`${path}${TIMEOUT}`];
  const outcome = hold.stop === 'timeout' ? timedOut(d, path, node) : ended;
  const pauseMs = hold.stop === 'cancel' ? undefined : pauseOf(d, path, node, hold, outcome);
  if (pauseMs === undefined) return concludeStep(d, hold.frame, node, outcome, hold.attempt);
  delete hold.stop;
  hold.stage = 'pause';
  d.state.timers[`${path}${PAUSE}`] = d.state.now + pauseMs;
}

function timedOut(d: Draft, path: string, node: BlockNode): Outcome {
  return { status: 'failed', error: timeoutError(d, path, node) };
}

/** What a holder fails with when its time is over. */
export function timeoutError(
  d: Draft,
  path: string,
  node: { timeout_ms?: number } & Parameters<Draft['errorAt']>[0],
): XynError {
  const message = `It took longer than ${(node.timeout_ms as number) / 1_000} s (\`timeout\`).`;
  return d.errorAt(node, path, { code: 'timeout', message, retryable: true });
}

function pauseOf(d: Draft, path: string, node: BlockNode, hold: Hold, outcome: Outcome): number | undefined {
  if (outcome.status !== 'failed' || node.retry === undefined) return undefined;
  const { code, retryable } = outcome.error;
  return nextDelayMs(node.retry, {
    attempt: hold.attempt,
    error: { code, retryable },
    elapsedMs: d.state.now - hold.started,
    random: fractionOf(d, path, hold.attempt),
  });
}

/** The pause is over. */
export function retryBlock(d: Draft, path: string): void {
  delete d.state.timers[`${path}${PAUSE}`];
  const hold = d.hold(path);
  hold.stage = 'body';
  // Until now a `finally` could have followed, which sees the last attempt.
  dropFrame(d, bodyFrameId(path, hold.attempt));
  hold.attempt += 1;
  beginAttempt(d, path, d.node(hold.node as number) as BlockNode);
}

/** The time of a holder, or of an attempt of a block, is over: its inside is cancelled and settled first. */
export function endTime(d: Draft, path: string): void {
  delete d.state.timers[`${path}${TIMEOUT}`];
  stopInside(d, path, 'timeout', 'its timeout');
}
