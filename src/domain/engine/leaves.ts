import { canonicalJson, jsonLength, type Json, type JsonObject } from '../json.js';
import { EvaluationError } from '../expression/evaluation-error.js';
import { render, renderRecord } from '../expression/render.js';
import type { ActionNode, AgentNode } from '../plan.js';
import { ROOT, type Draft } from './draft.js';
import { cancelScopeOf } from './frames.js';
import { resultRules } from './result.js';
import type { Frame, Gate, Task } from './state.js';

/** Bytes of a step's rendered input (language §9). */
const MAX_INPUT_BYTES = 262_144;

/** Nodes whose work is done by an activity. */
export type TaskNode = ActionNode | AgentNode;

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
  const path = d.pathOf(frameId, node);
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
  const rules = resultRules({ ...node.retry, ...node }, d.scope(task.frame, path), d.state.now);
  d.commands.push({
    c: task.kind,
    path,
    node: task.node,
    input: inputOf(d, task.frame, path, node),
    key: d.keyOf(path, authorsKey),
    keep: node.keep,
    ...(rules === undefined ? {} : { rules }),
    gates: gatesBefore(d, task.frame),
    seq: task.seq,
    round: task.round,
    scope: cancelScopeOf(d, task.frame),
  });
}

/**
 * Approval gates whose decision the activity looks for before its effect: those that completed before it in its list or in
 * one around it, and those inside of holders there that have ended. Gates of other branches, iterations and attempts are not
 * its own.
 */
function gatesBefore(d: Draft, frameId: string): string[] {
  const around = new Set<string>();
  for (let id: string | undefined = frameId; id !== undefined; id = (d.state.frames[id] as Frame).parent)
    around.add(id);
  return Object.keys(d.state.gates).filter((path) => {
    const { purpose, status, frame } = d.state.gates[path] as Gate;
    return purpose === 'approval' && status === 'approved' && around.has(remainsOf(d, frame));
  });
}

/** The end of a frame's address that tells it from others of the same step. */
const FRAME_SUFFIX = /(\[\d+\]|#\d+|:\w+|!\d+)$/;

/** The nearest list around a list that still exists; the list itself where the step that it belongs to is in progress. */
function remainsOf(d: Draft, frameId: string): string {
  for (let id = frameId; ; id = id.slice(0, id.lastIndexOf('.'))) {
    if (d.state.frames[id] || d.state.holds[id.replace(FRAME_SUFFIX, '')]) return id;
    if (!id.includes('.')) return ROOT;
  }
}

/** A rendered value for people: texts as they are, anything else as JSON. */
export function textOf(value: Json): string {
  return typeof value === 'string' ? value : canonicalJson(value);
}
