import { compareUtf16 } from '../json.js';
import type { Val } from '../plan.js';
import type { Tree, TreeNode } from './tree.js';

/** A variable and the keys that are read below it, as deep as they are static: `['steps', 'analyze', 'outputs', 'x']`. */
export type Read = string[];

/** Names of the macro variables around a tree. */
type Locals = readonly string[];

const MACROS: ReadonlySet<string> = new Set(['all', 'exists', 'exists_one', 'filter', 'map']);

const ACCESSES: ReadonlySet<unknown> = new Set(['.', '.?', '[]', '[?]', 'has']);

/**
 * Collects what a chain of accesses reads: the variable and the keys up to an index that is no static key, behind which
 * the whole value is read. What else the chain is made of is collected on its own.
 * @returns whether the tree is a variable or such a chain.
 */
function collectPath(node: TreeNode, locals: Locals, found: Read[]): boolean {
  const keys: unknown[] = [];
  let root: unknown = node;
  while (Array.isArray(root) && ACCESSES.has(root[0])) {
    keys.push(root[2]);
    root = root[1] as unknown;
  }
  const isRead = Array.isArray(root) && root[0] === 'v' && !locals.includes(root[1] as string);
  if (!isRead && keys.length === 0) return false;
  if (!isRead) collect(root, locals, found);
  keys.reverse();
  for (const key of keys) if (typeof key !== 'string') collect(key, locals, found);
  if (!isRead) return true;
  const end = keys.findIndex((key) => typeof key !== 'string');
  const path = (end === -1 ? keys : keys.slice(0, end)) as string[];
  path.unshift((root as string[])[1] as string);
  found.push(path);
  return true;
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
  if (collectPath(node, locals, found)) return;
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
function minimal(found: Read[]): Read[] {
  if (found.length < 2) return found;
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
