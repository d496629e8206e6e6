import { canonicalJson, jsonLength, type Json, type JsonObject } from '../json.js';
import { EvaluationError } from '../expression/evaluation-error.js';
import { render, renderRecord } from '../expression/render.js';
import type { ActionNode, AgentNode, PlanNode } from '../plan.js';
import type { FailureFacts, XynError } from '../xyn-error.js';
import { viewOf, type Draft } from './draft.js';
import type { SkipReason, StepStatus, StepView, Task } from './state.js';

/** Bytes of a step's rendered input (language §9). */
const MAX_INPUT_BYTES = 262_144;

/** Nodes whose work is done by an activity. */
export type TaskNode = ActionNode | AgentNode;

/** Runs `work`; a user's mistake in an expression comes back as a value, anything else is our defect and is thrown. */
export function attempt<T>(work: () => T): { value: T } | { fault: FailureFacts } {
  try {
    return { value: work() };
  } catch (error) {
    if (!(error instanceof EvaluationError)) throw error;
    return { fault: factsOf(error) };
  }
}

function factsOf(error: EvaluationError): FailureFacts {
  return {
    code: error.code,
    message: error.message,
    retryable: false,
    ...(error.detail === undefined ? {} : { detail: error.detail }),
  };
}

/** What the activity of a step gets, rendered from the values of this moment (language §3.1). */
export function inputOf(d: Draft, frameId: string, path: string, node: TaskNode): JsonObject {
  const scope = d.scope(frameId, path);
  const input = node.kind === 'action_task' ? renderRecord(node.with, scope) : agentInput(d, node, frameId, path);
  if (jsonLength(input, MAX_INPUT_BYTES) > MAX_INPUT_BYTES) {
    throw new EvaluationError(
      'render_too_large',
      undefined,
      'The input of the step is over 256 KiB; pass an artifact.',
    );
  }
  return input;
}

function agentInput(d: Draft, node: AgentNode, frameId: string, path: string): JsonObject {
  const scope = d.scope(frameId, path);
  return {
    prompt: render(node.prompt, scope),
    ...(node.system === undefined ? {} : { system: render(node.system, scope) }),
    ...(node.data === false ? {} : { data: { inputs: d.state.inputs, event: d.state.event } }),
  };
}

/** The name under which a gate and the audit trail show what a step does. */
export function actionNameOf(node: TaskNode): string {
  return node.kind === 'action_task' ? node.action : `agent:${node.provider}/${node.model}`;
}

/** Sends a step to a worker. */
export function issueTask(d: Draft, frameId: string, node: TaskNode, nodeIx: number, round: number): void {
  const path = d.pathOf(node);
  d.state.seq += 1;
  const task: Task = {
    kind: node.kind === 'action_task' ? 'action' : 'agent',
    node: nodeIx,
    frame: frameId,
    seq: d.state.seq,
    started: d.state.now,
    round,
  };
  d.state.tasks[path] = task;
  commandTask(d, path, task);
}

/** Puts the command of an open task out; after a hand-over it is put out again, with the same input. */
export function commandTask(d: Draft, path: string, task: Task): void {
  const node = d.node(task.node) as TaskNode;
  const authorsKey =
    node.kind === 'action_task' && node.key !== undefined
      ? canonicalJson(render(node.key, d.scope(task.frame, path)))
      : undefined;
  d.commands.push({
    c: task.kind,
    path,
    node: task.node,
    input: inputOf(d, task.frame, path, node),
    key: d.keyOf(path, authorsKey),
    keep: node.keep,
    gates: gatesBefore(d, task.frame, task.node),
    seq: task.seq,
    round: task.round,
    scope: task.frame,
  });
}

/** Approval gates that completed earlier in the list: the activity looks for their decisions before its effect. */
function gatesBefore(d: Draft, frameId: string, nodeIx: number): string[] {
  const frame = d.frame(frameId);
  const paths: string[] = [];
  for (const ix of d.plan.root.do) {
    if (ix === nodeIx) break;
    const node = d.node(ix);
    if (node.kind === 'gate' && viewOf(frame, node.id).status === 'completed') paths.push(d.pathOf(node));
  }
  return paths;
}

/** Ends a step well. `note` is false where the worker's own record says it already. */
export function completeStep(d: Draft, frameId: string, node: PlanNode, raw: Json, options: StepEnd): void {
  const path = d.pathOf(node);
  let outputs = raw;
  const replacement = node.outputs;
  if (replacement) {
    const scope = d.scope(frameId, path, { result: raw });
    const rendered = attempt(() => renderRecord(replacement, scope));
    if ('fault' in rendered) {
      failStep(d, frameId, node, d.errorAt(node, path, rendered.fault, options.attempts), options.attempts);
      return;
    }
    outputs = rendered.value;
  }
  const frame = d.frame(frameId);
  const timing = { attempts: options.attempts, started_at: startedAt(d, frame.steps[node.id]) };
  frame.steps[node.id] = { status: 'completed', outputs, ...timing, ended_at: d.nowIso() };
  if (options.note || replacement) noteStep(d, node, path, 'completed', { outputs, ...timing });
  frame.pc += 1;
}

interface StepEnd {
  attempts: number;
  note: boolean;
}

/** Ends a step badly: nothing handles errors yet, so its list ends with it. */
export function failStep(d: Draft, frameId: string, node: PlanNode, error: XynError, attempts: number): void {
  const frame = d.frame(frameId);
  const timing = { attempts, started_at: startedAt(d, frame.steps[node.id]) };
  frame.steps[node.id] = { status: 'failed', error, ...timing, ended_at: d.nowIso() };
  noteStep(d, node, d.pathOf(node), 'failed', { error, ...timing });
  frame.error = error;
}

/** A step that will not run. */
export function skipStep(d: Draft, frameId: string, node: PlanNode, reason: SkipReason): void {
  const frame = d.frame(frameId);
  frame.steps[node.id] = { status: 'skipped', skip_reason: reason, attempts: 0 };
  noteStep(d, node, d.pathOf(node), 'skipped', { skip_reason: reason, attempts: 0 });
}

/** Marks a step as running, without a note: a worker or a later transition records it. */
export function beginStep(d: Draft, frameId: string, node: PlanNode): void {
  d.frame(frameId).steps[node.id] = { status: 'running', attempts: 0, started_at: d.nowIso() };
}

interface StepFacts {
  skip_reason?: SkipReason;
  outputs?: Json;
  error?: XynError;
  started_at?: string;
  attempts: number;
}

/** Notes the status of a step for the catalog. */
export function noteStep(d: Draft, node: PlanNode, path: string, status: StepStatus, facts: StepFacts): void {
  d.note({
    t: 'step',
    path,
    id: node.id,
    kind: node.kind,
    ...(node.name === undefined ? {} : { name: node.name }),
    status,
    ...facts,
  });
}

/** When a step began: now, for one that failed before it did. */
function startedAt(d: Draft, view: StepView | undefined): string {
  return view?.started_at ?? d.nowIso();
}

/** A rendered value for people: texts as they are, anything else as JSON. */
export function textOf(value: Json): string {
  return typeof value === 'string' ? value : canonicalJson(value);
}
