import { expressionError } from '../../expression/evaluation-error.js';
import { evaluateBool } from '../../expression/evaluate.js';
import { render } from '../../expression/render.js';
import { isJsonObject, jsonLength, sortedKeys, type Json, type JsonObject } from '../../json.js';
import type { ForEachNode, NodeIx, Val } from '../../plan.js';
import type { XynError } from '../../xyn-error.js';
import { attempt } from '../attempt.js';
import { cancelledError, stopInside } from '../cancel.js';
import type { Draft } from '../draft.js';
import { DO, dropFrame } from '../frames.js';
import type { Frame, Hold, ItemResult, Loop, Outcome } from '../state.js';
import { beginStep, concludeStep, failStep, withCause } from '../steps.js';
import { TIMEOUT, timeoutError } from './block.js';
import { MAX_FAILURES } from './parallel.js';

/** Results that the state may hold: well below what a server takes as one value (2 MiB). Characters of their JSON. */
const MAX_RESULTS_SIZE = 1_048_576;
const CHUNK = 100;

type LoopHold = Hold & { loop: Loop };

/** Begins a loop: its items are fixed once (language §3.2). */
export function openLoop(d: Draft, frameId: string, ix: NodeIx, node: ForEachNode): void {
  const path = d.pathOf(frameId, node);
  beginStep(d, frameId, node);
  const items = attempt(() => itemsOf(render(node.in, d.scope(frameId, path))));
  if ('fault' in items) return failStep(d, frameId, node, d.errorAt(node, path, items.fault), 1);
  const { count } = items.value;
  if (count > node.max_items) {
    const message = `The loop has ${count} items and may have ${node.max_items} (\`max_items\`).`;
    return failStep(d, frameId, node, d.errorAt(node, path, { code: 'limit_items', message, retryable: false }), 1);
  }
  const loop: Loop = {
    count,
    next: 0,
    running: 0,
    completed: 0,
    failed: 0,
    cancelled: 0,
    failures: [],
    results: [],
    size: 0,
    prev: null,
    ...(items.value.list === undefined || isPath(node.in) ? {} : { items: items.value.list }),
  };
  d.addHold(path, { node: ix, frame: frameId, stage: 'body', attempt: 1, started: d.state.now, loop });
  if (node.timeout_ms !== undefined) d.state.timers[`${path}${TIMEOUT}`] = d.state.now + node.timeout_ms;
  goOn(d, path, node);
}

/** Items as a list; a count has none. */
function itemsOf(value: Json): { count: number; list?: Json[] } {
  if (Array.isArray(value)) return { count: value.length, list: value };
  if (isJsonObject(value)) {
    const list = sortedKeys(value).map((key): JsonObject => ({ key, value: value[key] as Json }));
    return { count: list.length, list };
  }
  if (typeof value !== 'number') throw expressionError('wrong_type', '`in` takes a list, a map or a whole number');
  if (!Number.isInteger(value) || value < 0) {
    throw expressionError('number_range', '`in` takes a whole number that is not negative');
  }
  return { count: value };
}

/**
 * Whether a value is a plain path into values that never change: then it is read again at each item instead of being copied
 * into the state. Only lists are: a map would have to be sorted again each time.
 */
function isPath(val: Val): boolean {
  if (!isJsonObject(val as Json) || !Object.hasOwn(val as object, '$')) return false;
  let tree: unknown = (val as { $: unknown }).$;
  while (Array.isArray(tree) && tree[0] === '.') tree = tree[1];
  return Array.isArray(tree) && tree[0] === 'v';
}

function itemAt(d: Draft, { frame, loop }: LoopHold, path: string, node: ForEachNode, index: number): Json {
  if (loop.items) return loop.items[index] as Json;
  const value = render(node.in, d.scope(frame, path));
  if (Array.isArray(value)) return value[index] as Json;
  return isJsonObject(value) ? ((itemsOf(value).list as Json[])[index] as Json) : index;
}

/** Starts iterations, as many as may run at once, or ends the step. */
function goOn(d: Draft, path: string, node: ForEachNode): void {
  const hold = d.hold(path) as LoopHold;
  const { loop } = hold;
  while (hold.stop === undefined && loop.next < loop.count && loop.running < node.concurrency) {
    if (!startIteration(d, path, node, hold)) hold.stop = 'enough';
  }
  if (loop.running === 0 && (hold.stop !== undefined || loop.next >= loop.count)) finish(d, path, node);
}

/** @returns false where `while` ends the loop, well or with an error. */
function startIteration(d: Draft, path: string, node: ForEachNode, hold: LoopHold): boolean {
  const { loop } = hold;
  const id = `${path}[${loop.next}]`;
  const frame: Frame = {
    node: hold.node,
    body: DO,
    parent: hold.frame,
    hold: path,
    pc: 0,
    steps: {},
    stage: 'body',
    index: loop.next,
    item: itemAt(d, hold, path, node, loop.next),
    prev: loop.prev,
  };
  const { while: condition } = node;
  if (condition !== undefined) {
    d.state.frames[id] = frame;
    const wanted = attempt(() => evaluateBool(condition, d.scope(id, path)));
    dropFrame(d, id);
    if ('fault' in wanted) loop.fault = d.errorAt(node, path, wanted.fault);
    if ('fault' in wanted || !wanted.value) return false;
  }
  d.addFrame(id, frame);
  loop.running += 1;
  loop.next += 1;
  return true;
}

/** An iteration has ended: others follow, are cancelled, or the step ends with it. */
export function afterIteration(d: Draft, path: string, frameId: string, ended: Outcome): void {
  const hold = d.hold(path) as LoopHold;
  const { loop } = hold;
  const node = d.node(hold.node as number) as ForEachNode;
  const index = d.frame(frameId).index as number;
  dropFrame(d, frameId);
  loop.running -= 1;
  count(loop, index, ended, keepsResults(node));
  if (hold.stop === undefined && node.mode === 'fail_fast' && !isTolerated(node, loop)) {
    stopInside(d, path, 'failed', 'an item beside it');
  }
  if (loop.size > MAX_RESULTS_SIZE && loop.fault === undefined) {
    const message = 'The results of the loop are over 1 MiB; give its body smaller `outputs`.';
    loop.fault = d.errorAt(node, path, { code: 'limit_state', message, retryable: false });
    stopInside(d, path, 'failed', 'the size of the results');
  }
  goOn(d, path, node);
}

/** Whether an expression can read the results one by one; else they are not kept, and a loop of any length needs the same memory. */
function keepsResults({ keep: paths }: ForEachNode): boolean {
  return paths === '*' || paths.some(([first]) => first === 'results');
}

function count(loop: Loop, index: number, ended: Outcome, keepsAll: boolean): void {
  loop[ended.status] += 1;
  loop.prev = null;
  if (ended.status === 'completed') {
    const outputs = ended.outputs as Json;
    loop.prev = outputs;
    if (loop.last === undefined || loop.last.index < index) loop.last = { index, outputs };
    if (keepsAll) keep(loop, { index, status: 'completed', outputs });
    return;
  }
  const { status, error } = ended;
  if (status === 'failed' && loop.failures.length < MAX_FAILURES) loop.failures.push(error);
  if (keepsAll) keep(loop, { index, status, error });
}

function keep(loop: Loop, result: ItemResult): void {
  const last = loop.results.at(-1);
  if (last && last.length < CHUNK) loop.results[loop.results.length - 1] = [...last, result];
  else loop.results.push([result]);
  loop.size += jsonLength(result as unknown as Json, MAX_RESULTS_SIZE);
}

function isTolerated({ mode, tolerate }: ForEachNode, { failed, count: items }: Loop): boolean {
  if (tolerate === undefined) return mode === 'collect' || failed === 0;
  return typeof tolerate === 'number' ? failed <= tolerate : failed * 100 <= tolerate.percent * items;
}

function finish(d: Draft, path: string, node: ForEachNode): void {
  const hold = d.hold(path) as LoopHold;
  delete d.state.timers[`${path}${TIMEOUT}`];
  concludeStep(d, hold.frame, node, outcomeOf(d, path, node, hold), 1);
}

function outcomeOf(d: Draft, path: string, node: ForEachNode, { stop, loop }: LoopHold): Outcome {
  if (stop === 'cancel') return { status: 'cancelled', error: cancelledError(d, path) };
  const { failures } = loop;
  const kept = { outputs: outputsOf(loop, keepsResults(node)), failures };
  if (loop.fault) return { status: 'failed', error: loop.fault, ...kept };
  if (stop === 'timeout') return { status: 'failed', error: timeoutError(d, path, node), ...kept };
  if (isTolerated(node, loop)) return { status: 'completed', ...kept };
  const cause = failures[0] as XynError;
  const message = `${loop.failed} of ${loop.count} items failed: ${cause.message}`;
  const error = d.errorAt(node, path, { code: 'for_each_failed', message, retryable: cause.retryable });
  return { status: 'failed', error: withCause(error, cause), ...kept };
}

function outputsOf(loop: Loop, keepsAll: boolean): JsonObject {
  const { count: items, completed, failed, cancelled, last, failures, results } = loop;
  return {
    count: items,
    completed,
    failed,
    cancelled,
    skipped: items - completed - failed - cancelled,
    last: last?.outputs ?? null,
    failures: failures as unknown as Json,
    ...(keepsAll ? { results: results.flat().sort((a, b) => a.index - b.index) as unknown as Json } : {}),
  };
}
