import { sha256Hex } from '../hash.js';
import { canonicalJson, type Json, type JsonObject } from '../json.js';
import type { EvalScope } from '../expression/evaluate.js';
import { readsOf } from '../expression/reads.js';
import { render } from '../expression/render.js';
import type { GateNode, NodeIx, Val } from '../plan.js';
import { attempt } from './attempt.js';
import type { Draft } from './draft.js';
import { isHolder, listOf } from './frames.js';
import { actionNameOf, issueTask, textOf, type TaskNode } from './leaves.js';
import { beginStep, completeStep, failStep, noteStep } from './steps.js';
import type { Decision, Frame, Gate, GateBinding, GateStatus, State, Task } from './state.js';

/** Suffix of the gate that asks what became of an effect whose outcome is unknown (language §4.3). */
export const RECOVER = '~recover';

/** Why a decision was refused; the codes are those of the API. */
export type Refusal =
  'gate_not_found' | 'gate_closed' | 'gate_already_decided' | 'decision_unknown' | 'gate_decision_refused';

/** What `advance` will do with a decision, for the one who waits for an answer. Pure; changes nothing. */
export function answerTo(state: State, path: string, decision: Decision): { applied: boolean; code?: Refusal } {
  const gate = state.gates[path];
  if (!gate) return { applied: false, code: 'gate_not_found' };
  if (decision.id !== undefined && gate.applied.includes(decision.id)) return { applied: true };
  if (gate.status !== 'open') return { applied: false, code: 'gate_closed' };
  const known = gate.purpose === 'recovery' ? ['done', 'retry', 'fail'] : ['approve', 'reject'];
  if (!known.includes(decision.decision)) return { applied: false, code: 'decision_unknown' };
  if (gate.named && decision.id === undefined) return { applied: false, code: 'gate_decision_refused' };
  const vote = gate.votes.find((one) => one.by === decision.by);
  if (vote && vote.decision !== decision.decision) return { applied: false, code: 'gate_already_decided' };
  return { applied: true };
}

/** Opens the gate of a step. */
export function openGate(d: Draft, frameId: string, nodeIx: number, node: GateNode): void {
  const path = d.pathOf(frameId, node);
  const scope = d.scope(frameId, path);
  const texts = attempt(() => ({
    message: node.message === undefined ? undefined : textOf(render(node.message, scope)),
    approvers: node.approvers === undefined ? undefined : textsOf(render(node.approvers, scope)),
  }));
  beginStep(d, frameId, node);
  if ('fault' in texts) {
    failStep(d, frameId, node, d.errorAt(node, path, texts.fault), 1);
    return;
  }
  const binds = bindingsOf(d, frameId);
  const digest = `sha256:${sha256Hex(canonicalJson({ plan: d.plan.digest, gate: path, binds: binds.map((one) => one.hash) }))}`;
  const expires = Math.min(d.state.now + node.timeout_ms, d.state.started + d.plan.limits.max_age_ms);
  d.state.gates[path] = {
    node: nodeIx,
    frame: frameId,
    status: 'open',
    opened: d.state.now,
    // That of the transition below; the one between is the step's.
    seq: d.state.seq + 2,
    purpose: 'approval',
    digest,
    ...((texts.value.approvers ?? []).length === 0 ? {} : { named: true as const }),
    votes: [],
    applied: [],
  };
  d.state.timers[path] = expires;
  noteStep(d, node, path, 'running', { started_at: d.nowIso(), attempts: 1 });
  d.note({
    t: 'gate',
    path,
    id: node.id,
    ...(node.name === undefined ? {} : { name: node.name }),
    status: 'open',
    purpose: 'approval',
    ...(texts.value.message === undefined ? {} : { message: texts.value.message }),
    ...(texts.value.approvers === undefined ? {} : { approvers: texts.value.approvers }),
    require: node.require,
    reject: node.reject,
    reason: node.reason,
    digest,
    binds,
    expires_at: expires,
  });
}

/** Asks people what became of a task whose outcome is unknown. Bounded by the age of the run. */
export function openRecovery(d: Draft, taskPath: string, task: Task): void {
  const path = `${taskPath}${RECOVER}`;
  const node = d.node(task.node);
  const expires = d.state.started + d.plan.limits.max_age_ms;
  d.state.gates[path] = {
    node: task.node,
    frame: task.frame,
    status: 'open',
    opened: d.state.now,
    seq: d.state.seq + 1,
    purpose: 'recovery',
    votes: [],
    applied: d.state.gates[path]?.applied ?? [],
    round: task.round,
  };
  d.state.timers[path] = expires;
  d.note({
    t: 'gate',
    path,
    id: node.id,
    ...(node.name === undefined ? {} : { name: node.name }),
    status: 'open',
    purpose: 'recovery',
    message: `The outcome of ${taskPath} is unknown: its worker was lost. Look at the target, then say what is true.`,
    require: 1,
    reject: 1,
    reason: 'optional',
    expires_at: expires,
  });
}

/** Applies a decision; one that `answerTo` refuses changes nothing. */
export function decide(d: Draft, path: string, decision: Decision): void {
  const gate = d.state.gates[path];
  if (!gate || !answerTo(d.state, path, decision).applied || gate.status !== 'open') return;
  // The same decision again, while others are still awaited.
  if (decision.id !== undefined && gate.applied.includes(decision.id)) return;
  const votes = voteOf(d, gate, decision);
  const applied = decision.id === undefined ? gate.applied : [...gate.applied, decision.id];
  const status = statusAfter(d, gate, votes, decision);
  d.state.gates[path] = { ...gate, votes, applied, status };
  d.note({ t: 'decision', gate: path, purpose: gate.purpose, decision, status });
  if (status === 'open') return;
  closeGate(d, path, status);
  if (gate.purpose === 'recovery') recover(d, path, gate, decision);
  else settleApproval(d, path, decision);
}

function voteOf(d: Draft, gate: Gate, decision: Decision): Gate['votes'] {
  if (decision.decision !== 'approve' && decision.decision !== 'reject') return gate.votes;
  if (gate.votes.some((one) => one.by === decision.by)) return gate.votes;
  return [
    ...gate.votes,
    {
      by: decision.by,
      decision: decision.decision,
      ...(decision.reason === undefined ? {} : { reason: decision.reason }),
      at: d.nowIso(),
    },
  ];
}

function statusAfter(d: Draft, gate: Gate, votes: Gate['votes'], decision: Decision): GateStatus {
  if (gate.purpose === 'recovery') return decision.decision === 'fail' ? 'rejected' : 'approved';
  const node = d.node(gate.node) as GateNode;
  const count = (what: 'approve' | 'reject'): number => votes.filter((one) => one.decision === what).length;
  if (count('reject') >= node.reject) return 'rejected';
  return count('approve') >= node.require ? 'approved' : 'open';
}

function settleApproval(d: Draft, path: string, decision: Decision): void {
  const gate = d.state.gates[path] as Gate;
  const node = d.node(gate.node);
  if (gate.status === 'rejected') {
    const by = gate.votes.filter((one) => one.decision === 'reject').map((one) => one.by);
    const message = `Rejected by ${by.join(', ')}${decision.reason === undefined ? '' : `: ${decision.reason}`}`;
    failStep(d, gate.frame, node, d.errorAt(node, path, { code: 'gate_rejected', message, retryable: false }), 1);
    return;
  }
  const outputs: JsonObject = {
    decision: 'approve',
    by: gate.votes.filter((one) => one.decision === 'approve').map((one) => one.by),
    reason: decision.reason ?? '',
    at: d.nowIso(),
    form: {},
  };
  completeStep(d, gate.frame, node, outputs, { attempts: 1, note: true });
}

function recover(d: Draft, path: string, gate: Gate, decision: Decision): void {
  const taskPath = path.slice(0, -RECOVER.length);
  const task = d.state.tasks[taskPath] as Task;
  const node = d.node(gate.node) as TaskNode;
  delete d.state.tasks[taskPath];
  if (decision.decision === 'retry') issueTask(d, gate.frame, node, gate.node, task.round + 1);
  else if (decision.decision === 'done') {
    completeStep(d, gate.frame, node, decision.outputs ?? {}, { attempts: task.round, note: true });
  } else failStep(d, gate.frame, node, unknownOutcome(d, node, taskPath), task.round);
}

/** The error of a step whose effect may or may not have happened. */
export function unknownOutcome(d: Draft, node: TaskNode, path: string): ReturnType<Draft['errorAt']> {
  const message = 'The worker was lost after the effect may have begun; look at the target before running it again.';
  return d.errorAt(node, path, { code: 'outcome_unknown', message, retryable: false });
}

/** Nobody decided in time. Recovery gates last as long as the run may, so its own bound comes first. */
export function expireGate(d: Draft, path: string): void {
  const gate = d.state.gates[path] as Gate;
  const node = d.node(gate.node);
  closeGate(d, path, 'expired');
  const message = 'Nobody decided before the gate expired; start the run again and decide in time.';
  failStep(d, gate.frame, node, d.errorAt(node, path, { code: 'gate_expired', message, retryable: false }), 1);
}

/** The run is being cancelled or stopped: the gate asks no more. */
export function cancelGate(d: Draft, path: string, by: string): void {
  const gate = d.state.gates[path] as Gate;
  const node = d.node(gate.node);
  closeGate(d, path, 'cancelled');
  if (gate.purpose === 'recovery') {
    const taskPath = path.slice(0, -RECOVER.length);
    delete d.state.tasks[taskPath];
    failStep(d, gate.frame, node, unknownOutcome(d, node as TaskNode, taskPath), 1);
    return;
  }
  const message = `Cancelled by ${by} while the gate was open.`;
  failStep(d, gate.frame, node, d.errorAt(node, path, { code: 'cancelled', message, retryable: false }), 1);
}

function closeGate(d: Draft, path: string, status: GateStatus): void {
  const gate = d.state.gates[path] as Gate;
  const node = d.node(gate.node);
  const terms = node.kind === 'gate' ? node : { require: 1, reject: 1, reason: 'optional' as const };
  d.state.gates[path] = { ...gate, status };
  delete d.state.timers[path];
  d.note({
    t: 'gate',
    path,
    id: node.id,
    status,
    purpose: gate.purpose,
    require: terms.require,
    reject: terms.reject,
    reason: terms.reason,
    ...(gate.digest === undefined ? {} : { digest: gate.digest }),
  });
}

/**
 * What a decision at this gate covers (language §3.1): the inputs of every step that can be reached before the next gate,
 * inside of holders too, as far as they are known now.
 */
function bindingsOf(d: Draft, frameId: string): GateBinding[] {
  const found: GateBinding[] = [];
  const open = new Set<string>();
  for (let id: string | undefined = frameId; id !== undefined;) {
    const frame: Frame = d.state.frames[id] as Frame;
    const list = listOf(d, frame).do;
    const from = frame.pc;
    // What is in progress and what follows has no result yet; an expression that reads it is decided later.
    for (const ix of list.slice(from)) markOpen(d, ix, open);
    if (bindList({ d, frameId: id, open, found }, list.slice(from + 1), '')) break;
    id = frame.parent;
  }
  return found;
}

function markOpen(d: Draft, ix: NodeIx, open: Set<string>): void {
  const node = d.node(ix);
  open.add(node.id);
  if (isHolder(node)) for (const body of Object.values(node.bodies)) for (const one of body.do) markOpen(d, one, open);
}

/** What a gate sees of the run. */
interface View {
  d: Draft;
  /** The list whose values are known. */
  frameId: string;
  /** Steps that have no result yet. */
  open: ReadonlySet<string>;
  found: GateBinding[];
}

/** Binds the leaves of a list up to the gate that ends it. @returns whether there is such a gate on every way. */
function bindList(view: View, list: readonly NodeIx[], below: string): boolean {
  const { d, frameId, open, found } = view;
  for (const ix of list) {
    const node = d.node(ix);
    if (node.kind === 'gate' && node.when === undefined) return true;
    const path = below === '' ? d.pathOf(frameId, node) : `${below}.${node.id}`;
    if (node.kind === 'action_task' || node.kind === 'agent_task') {
      const scope = d.scope(frameId, path);
      // Inside of holders the address of the step may hold a number that is not known yet, and with it what `uid` gives.
      if (below !== '') delete scope.uid;
      found.push(bindingOf(scope, path, node, open));
    }
    if (!isHolder(node)) continue;
    const closed = Object.entries(node.bodies).map(([name, body]) => {
      const prefix = node.kind === 'block' || node.kind === 'for_each' ? path : `${path}:${name}`;
      return bindList(view, body.do, prefix);
    });
    if (node.kind === 'block' && node.when === undefined && closed[0]) return true;
  }
  return false;
}

/** Variables whose value at the step is not the one at the gate. */
function isLater(
  variable: string,
  id: string | undefined,
  locals: ReadonlySet<string>,
  open: ReadonlySet<string>,
): boolean {
  if (variable === 'steps') return id === undefined || open.has(id);
  return variable === 'now' || !locals.has(variable);
}

const KNOWN_VARIABLES: ReadonlySet<string> = new Set(['inputs', 'event', 'run', 'env']);

function bindingOf(scope: EvalScope, path: string, node: TaskNode, open: ReadonlySet<string>): GateBinding {
  const fields: Record<string, Val> =
    node.kind === 'action_task'
      ? node.with
      : { prompt: node.prompt, ...(node.system === undefined ? {} : { system: node.system }) };
  const input: JsonObject = {};
  const later: string[] = node.kind === 'agent_task' ? ['data'] : [];
  for (const [name, value] of Object.entries(fields)) {
    const known = !readsOf(value).some(([variable, id]) => isLater(variable as string, id, KNOWN_VARIABLES, open));
    const rendered = known ? attempt(() => render(value, scope)) : undefined;
    if (rendered && 'value' in rendered) input[name] = rendered.value;
    else later.push(name);
  }
  const action = actionNameOf(node);
  return { path, action, input, later, hash: sha256Hex(canonicalJson({ path, action, input })) };
}

/** Whether an approval gate of the list is open. */
export function openGatePaths(state: State): string[] {
  return Object.keys(state.gates).filter((path) => state.gates[path]?.status === 'open');
}

function textsOf(value: Json): string[] {
  return Array.isArray(value) ? value.map(textOf) : [textOf(value)];
}
