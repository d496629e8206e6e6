import { renderRecord } from '../expression/render.js';
import type { Json } from '../json.js';
import type { Handler, HolderNode, NodeIx, PlanNode, Scope, Val } from '../plan.js';
import { ROOT, viewOf, type Draft } from './draft.js';
import type { Frame } from './state.js';

/** The list that a block, an iteration and the plan itself have. */
export const DO = 'do';
/** The list that runs last, whatever happened. */
export const FINALLY = '~finally';

/** Whether a step holds lists of steps. */
export function isHolder(node: PlanNode): node is HolderNode {
  return 'bodies' in node;
}

/** The handlers of a step, or of the plan. */
export function handlersOf(d: Draft, node: NodeIx | 'root'): readonly Handler[] {
  return (node === ROOT ? d.plan.root.on_error : d.node(node).on_error) ?? [];
}

/** The body of a holder or of the plan. */
function bodyOf(d: Draft, node: NodeIx | 'root', body: string): Scope {
  return node === ROOT ? d.plan.root : (((d.node(node) as HolderNode).bodies as Record<string, Scope>)[body] as Scope);
}

/** What runs last in the scope of a step, if it has such. */
export function cleanupOf(d: Draft, node: NodeIx | 'root'): readonly NodeIx[] {
  if (node !== ROOT && d.node(node).kind !== 'block') return [];
  return bodyOf(d, node, DO).finally ?? [];
}

interface List {
  do: readonly NodeIx[];
  outputs?: Readonly<Record<string, Val>> | undefined;
}

/** The list of steps that a frame runs. */
export function listOf(d: Draft, frame: Frame): List {
  if (frame.body === FINALLY) return { do: cleanupOf(d, frame.node) };
  if (frame.body.startsWith('!')) return handlersOf(d, frame.node)[Number(frame.body.slice(1))] as Handler;
  const scope = bodyOf(d, frame.node, frame.body);
  return frame.node === ROOT ? { do: scope.do, outputs: d.plan.outputs } : scope;
}

/** The holder's own handlers are evaluated apart; a list without `outputs` gives those of its last step that has any. */
export function resultOf(d: Draft, frameId: string): Json | undefined {
  const frame = d.frame(frameId);
  const { do: list, outputs } = listOf(d, frame);
  if (outputs !== undefined) return renderRecord(outputs, d.scope(frameId, frame.hold === ROOT ? '' : frame.hold));
  if (frame.body === FINALLY || frame.body.startsWith('!')) return undefined;
  for (const ix of list.toReversed()) {
    const { outputs: last } = viewOf(frame, d.node(ix).id);
    if (last !== undefined) return last;
  }
  return {};
}

/** Frames that run below a hold. */
export function framesOf(d: Draft, hold: string): string[] {
  return Object.keys(d.state.frames).filter((id) => {
    const frame = d.state.frames[id] as Frame;
    return frame.hold === hold && frame.stage === 'body';
  });
}

/** Drops a frame; only what its holder kept of it lives on. */
export function dropFrame(d: Draft, id: string): void {
  delete d.state.frames[id];
}

/** Drops every frame of a hold. */
export function dropFrames(d: Draft, hold: string): void {
  for (const [id, frame] of Object.entries(d.state.frames)) if (frame.hold === hold) dropFrame(d, id);
}

/** Whether a frame, or one around it, fits. */
export function isWithin(d: Draft, frameId: string, fits: (frame: Frame) => boolean): boolean {
  for (let id: string | undefined = frameId; id !== undefined;) {
    const frame: Frame = d.state.frames[id] as Frame;
    if (fits(frame)) return true;
    id = frame.parent;
  }
  return false;
}

/** Whether steps of this frame run in a cleanup, which is neither counted nor cancelled. */
export function isCleanup(d: Draft, frameId: string): boolean {
  return isWithin(d, frameId, ({ body }) => body === FINALLY);
}

/** Whether steps of this frame run in a loop. */
export function isInLoop(d: Draft, frameId: string): boolean {
  return isWithin(d, frameId, ({ index }) => index !== undefined);
}

/**
 * The part of the run that a task is cancelled with: everything in a `parallel` or `for_each` goes together, and so does
 * everything in an attempt of a block with a timeout, and in a cleanup.
 */
export function cancelScopeOf(d: Draft, frameId: string): string {
  for (let id: string = frameId; ;) {
    const frame: Frame = d.state.frames[id] as Frame;
    if (frame.body === FINALLY || frame.node === ROOT) return id;
    const node = d.node(frame.node);
    if (!frame.body.startsWith('!')) {
      if (node.kind === 'parallel' || node.kind === 'for_each') return frame.hold;
      if (isHolder(node) && node.timeout_ms !== undefined) return id;
    }
    id = frame.parent as string;
  }
}
