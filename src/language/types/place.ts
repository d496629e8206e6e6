import type { Tree, TreeNode } from '../../domain/expression/tree.js';
import type { Val } from '../../domain/plan.js';
import type { StepList } from '../document/names.js';
import type { Facts } from './facts.js';
import type { Type } from './type.js';

/** A gate that a step stands behind. */
export interface SeenGate {
  /** Position in the document's order: what stands before it is known when it opens. */
  ix: number;
  /** Conditions under which it stands there. */
  when: readonly string[];
}

/** What is known at a place of the document, beside the types of steps. */
export interface Place {
  facts: Facts;
  /** Conditions that hold here. */
  guards: ReadonlySet<string>;
  variables: ReadonlyMap<string, () => Type>;
  /** Lists of which every step may not have been reached. */
  unsure: ReadonlySet<StepList>;
  gates: readonly SeenGate[];
  /** The outermost loop or retried block around: position, and whether it is a loop. */
  repeated?: number;
}

/** The tree of a value that is an expression. */
export function treeIn(val: Val): Tree | undefined {
  const isDynamic = typeof val === 'object' && val !== null && !Array.isArray(val) && Object.hasOwn(val, '$');
  return isDynamic ? (val as { $: Tree }).$ : undefined;
}

/** The operation that an expression is. */
export function nodeIn(tree: Tree | undefined): TreeNode | undefined {
  return Array.isArray(tree) ? tree : undefined;
}
