import type { StepKind } from '../../domain/plan.js';
import type { LoopItems } from './loop-cells.js';
import type { Mark } from './marks.js';

/** How the way to a node is drawn: taken, still to come, or not taken. */
export type Way = 'taken' | 'todo' | 'off';

/** What a plan looks like with the states of one run: the map and the track are drawn from it. Times: ms since 1970. */
export type GraphNode = Leaf | Loop | Seq | Lanes | Group | Fold;

interface Stop {
  /** The step's path in the run. */
  path: string;
  title: string;
  mark: Mark;
  way: Way;
  startedMs: number | null;
  endedMs: number | null;
  /** What it usually takes, from earlier runs; null: not known. */
  usualMs: number | null;
}

/** A step that does one thing. */
export interface Leaf extends Stop {
  type: 'leaf';
  kind: StepKind;
  /** The action, or the agent's model. */
  what: string;
  /** Said in place of duration and action, as `1 of 2 approvals`. */
  note: string | null;
  skipReason: string | null;
  attempts: number;
  /** Why it is there, if it is not one of the plan's ordinary steps. */
  role: 'handler' | 'finally' | null;
  undo: UndoStep[];
}

/** A step that took back what another one did. */
export interface UndoStep {
  path: string;
  title: string;
  mark: Mark;
  startedMs: number | null;
  endedMs: number | null;
}

/** A `for_each`: one box, however many items it has. */
export interface Loop extends Stop {
  type: 'loop';
  items: LoopItems;
  concurrency: number;
}

/** Steps one after the other. */
export interface Seq {
  type: 'seq';
  items: GraphNode[];
}

/** A `parallel`, or a `switch`, whose diamond stands in front. */
export interface Lanes extends Stop {
  type: 'lanes';
  kind: 'parallel' | 'switch';
  lanes: Lane[];
}

export interface Lane {
  name: string;
  /** Of the line into the lane and out of it. */
  way: Way;
  wayOut: Way;
  body: Seq;
}

/** A `block`, or the body of a loop on a blueprint's page: a frame with a title around a sequence. */
export interface Group extends Stop {
  type: 'group';
  kind: 'block' | 'for_each';
  body: Seq;
}

/** Several steps drawn as one box. */
export interface Fold {
  type: 'fold';
  /** The path of the first step in it. */
  path: string;
  what: 'steps' | 'branches';
  /** Of `what`. */
  count: number;
  /** How many steps are in it. */
  steps: number;
  mark: Mark;
  way: Way;
  startedMs: number | null;
  endedMs: number | null;
}

/** All steps of a tree in document order, holders before what they hold. */
export function* stopsOf(node: GraphNode): Generator<Exclude<GraphNode, Seq>> {
  if (node.type !== 'seq') yield node;
  for (const kid of childrenOf(node)) yield* stopsOf(kid);
}

/** What a node holds, one level down. */
export function childrenOf(node: GraphNode): readonly GraphNode[] {
  switch (node.type) {
    case 'seq':
      return node.items;
    case 'lanes':
      return node.lanes.map((lane) => lane.body);
    case 'group':
      return [node.body];
    case 'leaf':
    case 'loop':
    case 'fold':
      return [];
  }
}

/** How many steps people would count: leaves and loops. */
export function countSteps(node: GraphNode): number {
  if (node.type === 'leaf' || node.type === 'loop') return 1;
  if (node.type === 'fold') return node.steps;
  return childrenOf(node).reduce((sum, kid) => sum + countSteps(kid), 0);
}
