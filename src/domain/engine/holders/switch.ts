import { evaluateBool } from '../../expression/evaluate.js';
import type { Json } from '../../json.js';
import type { NodeIx, SwitchNode } from '../../plan.js';
import { cancelledError } from '../cancel.js';
import type { Draft } from '../draft.js';
import { attempt } from '../attempt.js';
import type { Outcome } from '../state.js';
import { beginStep, concludeStep, failStep, skipList } from '../steps.js';
import { TIMEOUT, timeoutError } from './block.js';

const DEFAULT = 'default';

/** Chooses a case and begins it; later conditions are not evaluated (language §3.2). */
export function openSwitch(d: Draft, frameId: string, ix: NodeIx, node: SwitchNode): void {
  const path = d.pathOf(frameId, node);
  beginStep(d, frameId, node);
  const chosen = attempt(() => node.cases.find(({ when }) => evaluateBool(when, d.scope(frameId, path)))?.name);
  if ('fault' in chosen) return failStep(d, frameId, node, d.errorAt(node, path, chosen.fault), 1);
  const name = chosen.value ?? (node.bodies[DEFAULT] ? DEFAULT : undefined);
  for (const [other, body] of Object.entries(node.bodies)) {
    if (other !== name) skipList(d, `${path}:${other}`, body.do, 'not_selected');
  }
  if (name === undefined) {
    return concludeStep(d, frameId, node, { status: 'completed', outputs: { case: null, result: null } }, 1);
  }
  d.addHold(path, { node: ix, frame: frameId, stage: 'body', attempt: 1, started: d.state.now });
  d.addFrame(`${path}:${name}`, {
    node: ix,
    body: name,
    parent: frameId,
    hold: path,
    pc: 0,
    steps: {},
    stage: 'body',
  });
  if (node.timeout_ms !== undefined) d.state.timers[`${path}${TIMEOUT}`] = d.state.now + node.timeout_ms;
}

/** The chosen body has ended. */
export function afterCase(d: Draft, path: string, name: string, ended: Outcome): void {
  const hold = d.hold(path);
  const node = d.node(hold.node as number) as SwitchNode;
  delete d.state.timers[`${path}${TIMEOUT}`];
  concludeStep(d, hold.frame, node, outcomeOf(), 1);

  function outcomeOf(): Outcome {
    if (hold.stop === 'timeout') return { status: 'failed', error: timeoutError(d, path, node) };
    if (ended.status === 'completed') {
      return { status: 'completed', outputs: { case: name, result: ended.outputs as Json } };
    }
    return hold.stop === 'cancel' ? { status: 'cancelled', error: cancelledError(d, path) } : ended;
  }
}
