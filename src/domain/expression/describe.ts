import type { Tree } from './tree.js';

/** Names what a tree reads, for messages: `steps.x.outputs`; anything that is no path is "the value". */
export function describeTree(tree: Tree): string {
  return pathText(tree) ?? 'the value';
}

function pathText(tree: unknown): string | undefined {
  if (!Array.isArray(tree)) return undefined;
  const [op, target, key] = tree as [string, unknown, unknown];
  if (op === 'v') return String(target);
  if (op !== '.' && op !== '.?' && op !== '[]' && op !== '[?]') return undefined;
  const base = pathText(target);
  if (base === undefined) return undefined;
  if (op === '.' || op === '.?') return `${base}${op}${String(key)}`;
  const index = typeof key === 'string' || typeof key === 'number' ? JSON.stringify(key) : '…';
  return `${base}[${index}]`;
}
