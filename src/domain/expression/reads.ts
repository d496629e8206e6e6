import { compareUtf16 } from '../json.js';
import type { Val } from '../plan.js';
import type { Tree, TreeNode } from './tree.js';

/** A variable and the keys that are read below it, as deep as they are static: `['steps', 'analyze', 'outputs', 'x']`. */
export type Read = string[];

/** Names of the macro variables around a tree. */
type Locals = readonly string[];

const MACROS: ReadonlySet<string> = new Set(['all', 'exists', 'exists_one', 'filter', 'map']);

interface Path {
  keys: Read;
  /** False behind an index that is not a static key: the whole value is read from there on. */
  open: boolean;
}

/** The path that a chain of accesses reads; undefined for other trees and macro variables. Other parts go to `found`. */
function pathOf(tree: unknown, locals: Locals, found: Read[]): Path | undefined {
  if (!Array.isArray(tree)) return undefined;
  const [op, target, key] = tree as TreeNode;
  if (op === 'v') return locals.includes(target as string) ? undefined : { keys: [target as string], open: true };
  if (op !== '.' && op !== '.?' && op !== '[]' && op !== '[?]' && op !== 'has') return undefined;
  const base = pathOf(target, locals, found);
  if (base === undefined) collect(target, locals, found);
  if (typeof key !== 'string') collect(key, locals, found);
  if (base === undefined) return { keys: [], open: false };
  return base.open && typeof key === 'string' ? { keys: [...base.keys, key], open: true } : { ...base, open: false };
}

/** The members of a node that are trees: not names, keys and quoted values. */
function operandsOf(node: TreeNode): unknown[] {
  switch (node[0]) {
    case 'v':
    case 'd':
    case 'q':
      return [];
    case 'm':
      return node.filter((_member, ix) => ix > 0 && ix % 2 === 0);
    case 'c':
      return node.slice(2);
    default:
      return node.slice(1);
  }
}

function collect(tree: unknown, locals: Locals, found: Read[]): void {
  if (!Array.isArray(tree)) return;
  const node = tree as TreeNode;
  const path = pathOf(node, locals, found);
  if (path !== undefined) {
    if (path.keys.length > 0) found.push(path.keys);
    return;
  }
  if (MACROS.has(node[0])) {
    const [, range, name, ...bodies] = node as [string, unknown, string, ...unknown[]];
    collect(range, locals, found);
    for (const body of bodies) collect(body, [...locals, name], found);
    return;
  }
  for (const part of operandsOf(node)) collect(part, locals, found);
}

function collectVal(val: Val, found: Read[]): void {
  if (typeof val !== 'object' || val === null) return;
  if (Array.isArray(val)) for (const item of val) collectVal(item, found);
  else if (Object.hasOwn(val, '$')) collect((val as { $: Tree }).$, [], found);
  else for (const item of Object.values(val)) collectVal(item as Val, found);
}

function comparePaths(a: Read, b: Read): number {
  const at = a.findIndex((key, ix) => key !== b[ix]);
  if (at === -1) return a.length - b.length;
  return at < b.length ? compareUtf16(a[at] as string, b[at] as string) : 1;
}

/** Sorted, without those that a shorter path covers: after sorting, a path stands before all that it covers. */
function minimal(found: readonly Read[]): Read[] {
  const kept: Read[] = [];
  for (const path of found.toSorted(comparePaths)) {
    const last = kept.at(-1);
    if (!last?.every((key, ix) => key === path[ix])) kept.push(path);
  }
  return kept;
}

/**
 * The static paths that a tree reads, sorted, without those that a shorter one covers. An index that is computed or a
 * number ends a path. Paths below a macro's variable count as reads of the whole range.
 */
export function readsOfTree(tree: Tree): Read[] {
  const found: Read[] = [];
  collect(tree, [], found);
  return minimal(found);
}

/** As `readsOfTree`, for all templates of a value. A list here is a literal list, never a tree. */
export function readsOf(val: Val): Read[] {
  const found: Read[] = [];
  collectVal(val, found);
  return minimal(found);
}
