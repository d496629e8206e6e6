import { evaluateBool } from '../../expression/evaluate.js';
import { render } from '../../expression/render.js';
import type { ArtifactReference } from '../../artifact-reference.js';
import { isJsonObject, type Json } from '../../json.js';
import type { ForEachNode, NodeIx } from '../../plan.js';
import type { FailureFacts, XynError } from '../../xyn-error.js';
import { attempt } from '../attempt.js';
import { cancelledError, stopInside } from '../cancel.js';
import type { Draft } from '../draft.js';
import { DO, dropFrame } from '../frames.js';
import type { Command, EngineEvent } from '../messages.js';
import type { Frame, Hold, Loop, Outcome, Page } from '../state.js';
import { beginStep, concludeStep, failStep, withCause } from '../steps.js';
import { TIMEOUT, timeoutError } from './block.js';
import { isPath, itemsOf, offloadedItems } from './items.js';
import { closeSpill, count, isSending, keepsResults, outputsOf, spillCommand, spillIfFull } from './loop-results.js';

type LoopHold = Hold & { loop: Loop };

/** Begins a loop: its items are fixed once (language §3.2). */
export function openLoop(d: Draft, frameId: string, ix: NodeIx, node: ForEachNode): void {
  const path = d.pathOf(frameId, node);
  beginStep(d, frameId, node);
  const items = attempt(() => openItems(render(node.in, d.scope(frameId, path))));
  if ('fault' in items) return failStep(d, frameId, node, d.errorAt(node, path, items.fault), 1);
  const { count: length, list, offloaded } = items.value;
  const excess = excessOf(node, length);
  if (excess) return failStep(d, frameId, node, d.errorAt(node, path, excess), 1);
  const copy = isPath(node.in) ? undefined : list;
  d.grow(copy);
  const loop: Loop = {
    count: length,
    next: 0,
    running: 0,
    completed: 0,
    failed: 0,
    cancelled: 0,
    failures: [],
    results: [],
    size: 0,
    prev: null,
    ...(copy === undefined ? {} : { items: copy }),
    ...(offloaded === undefined ? {} : { page: { list: offloaded, from: 0, items: [] } }),
  };
  d.addHold(path, { node: ix, frame: frameId, stage: 'body', attempt: 1, started: d.state.now, loop });
  if (node.timeout_ms !== undefined) d.state.timers[`${path}${TIMEOUT}`] = d.state.now + node.timeout_ms;
  if (loop.page) askPage(d, path, loop.page, 0);
  else goOn(d, path, node);
}

/** The items, or where they are; how many those are is not known yet. */
function openItems(value: Json): { count: number; list?: Json[]; offloaded?: ArtifactReference } {
  const offloaded = offloadedItems(value);
  return offloaded === undefined ? itemsOf(value) : { count: 0, offloaded };
}

function excessOf(node: ForEachNode, length: number): FailureFacts | undefined {
  if (length <= node.max_items) return undefined;
  const message = `The loop has ${length} items and may have ${node.max_items} (\`max_items\`).`;
  return { code: 'limit_items', message, retryable: false };
}

function askPage(d: Draft, path: string, page: Page, from: number): void {
  page.asked = from;
  d.commands.push(pageCommand(path, page) as Command);
}

function pageCommand(path: string, { list, asked }: Page): Command | undefined {
  return asked === undefined ? undefined : { c: 'page', path, list, from: asked };
}

/** What a loop has asked for and was not answered yet: for a driver that takes a state over. */
export function loopCommands({ loop }: Hold, path: string): Command[] {
  const asked = loop === undefined ? [] : [spillCommand(loop, path), loop.page && pageCommand(path, loop.page)];
  return asked.filter((command) => command !== undefined);
}

/** Items of a list outside of the state have been read. */
export function onPage(d: Draft, { path, from, count: length, items }: Extract<EngineEvent, { t: 'page' }>): void {
  if (d.state.holds[path]?.loop?.page?.asked !== from) return;
  const { loop, node: ix } = d.hold(path) as LoopHold;
  const node = d.node(ix as number) as ForEachNode;
  d.grow(items);
  loop.page = { list: (loop.page as Page).list, from, items };
  loop.count = length;
  const excess = excessOf(node, length);
  if (excess) endWith(d, path, node, excess);
  goOn(d, path, node);
}

/** A chunk of the results has been written. */
export function onSpilled(d: Draft, { path, chunk, list }: Extract<EngineEvent, { t: 'spilled' }>): void {
  const before = d.state.holds[path]?.loop?.spill;
  if (before?.sending === undefined || before.chunks !== chunk) return;
  const { loop, node } = d.hold(path) as LoopHold;
  loop.results = loop.results.slice(before.sending.lists);
  loop.size -= before.sending.size;
  loop.spill = { chunks: chunk + 1, ...(list === undefined ? {} : { list }) };
  goOn(d, path, d.node(node as number) as ForEachNode);
}

/** What was asked for cannot be done: the loop ends with that. */
export function onUnkept(d: Draft, { path, error }: Extract<EngineEvent, { t: 'unkept' }>): void {
  const before = d.state.holds[path];
  if (!before || loopCommands(before, path).length === 0) return;
  const { loop, node: ix } = d.hold(path) as LoopHold;
  const node = d.node(ix as number) as ForEachNode;
  if (loop.spill) loop.spill = { chunks: loop.spill.chunks, lost: true };
  if (loop.page) delete loop.page.asked;
  endWith(d, path, node, error);
  goOn(d, path, node);
}

function endWith(d: Draft, path: string, node: ForEachNode, facts: FailureFacts): void {
  (d.hold(path) as LoopHold).loop.fault ??= d.errorAt(node, path, facts);
  stopInside(d, path, 'failed', 'an error of the loop');
}

function itemAt(d: Draft, { frame, loop }: LoopHold, path: string, node: ForEachNode, index: number): Json {
  if (loop.page) return loop.page.items[index - loop.page.from] as Json;
  if (loop.items) return loop.items[index] as Json;
  const value = render(node.in, d.scope(frame, path));
  if (Array.isArray(value)) return value[index] as Json;
  return isJsonObject(value) ? ((itemsOf(value).list as Json[])[index] as Json) : index;
}

/** Starts iterations, as many as may run at once, or ends the step. */
function goOn(d: Draft, path: string, node: ForEachNode): void {
  const hold = d.hold(path) as LoopHold;
  const { loop } = hold;
  while (
    hold.stop === undefined &&
    loop.next < loop.count &&
    loop.running < node.concurrency &&
    isReady(d, path, loop)
  ) {
    if (!startIteration(d, path, node, hold)) hold.stop = 'enough';
  }
  const isWaiting = isSending(loop) || loop.page?.asked !== undefined;
  if (loop.running === 0 && !isWaiting && (hold.stop !== undefined || loop.next >= loop.count)) finish(d, path, node);
}

/** Whether the next item is there, and room for its result; asks for it otherwise. */
function isReady(d: Draft, path: string, loop: Loop): boolean {
  if (isSending(loop)) return false;
  const { next, page } = loop;
  if (page === undefined || next < page.from + page.items.length) return true;
  if (page.asked === undefined) askPage(d, path, page, next);
  return false;
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
  d.growBy(count(loop, index, ended, keepsResults(node)));
  if (hold.stop === undefined && node.mode === 'fail_fast' && !isTolerated(node, loop)) {
    stopInside(d, path, 'failed', 'an item beside it');
  }
  const spill = spillIfFull(loop, path);
  if (spill) d.commands.push(spill);
  goOn(d, path, node);
}

function isTolerated({ mode, tolerate }: ForEachNode, { failed, count: items }: Loop): boolean {
  if (tolerate === undefined) return mode === 'collect' || failed === 0;
  return typeof tolerate === 'number' ? failed <= tolerate : failed * 100 <= tolerate.percent * items;
}

function finish(d: Draft, path: string, node: ForEachNode): void {
  const hold = d.hold(path) as LoopHold;
  delete d.state.timers[`${path}${TIMEOUT}`];
  const spill = hold.stop === 'cancel' ? undefined : closeSpill(hold.loop, path);
  if (spill) d.commands.push(spill);
  else concludeStep(d, hold.frame, node, outcomeOf(d, path, node, hold), 1);
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
