import { describeTree } from './describe.js';
import { expressionError } from './evaluation-error.js';
import type { TreeNode } from './tree.js';
import { isMap, Optional, ownMember, requireInline, wrongType, type Value } from './value.js';

const NONE = new Optional(undefined);

/** The member or item of a container, or undefined when it has none. Throws `wrong_type` for other values and keys. */
function lookUp(node: TreeNode, container: Value, key: Value): Value | undefined {
  if (Array.isArray(container)) {
    if (typeof key === 'number' && Number.isInteger(key)) return container[key];
    throw wrongType(key, `the index in ${describeTree(node)}`, 'an int');
  }
  if (!isMap(container)) throw wrongType(container, `reading ${describeTree(node)}`, 'a map or a list');
  if (typeof key !== 'string') throw wrongType(key, `the key in ${describeTree(node)}`, 'text');
  const member = ownMember(container, key);
  if (member === undefined) requireInline(container);
  return member;
}

/** Whether an evaluation ended with that message because a variable, or what lies in it, has no members. */
export function isReadOf(message: string, variable: string): boolean {
  return new RegExp(`^reading ${variable}\\b`).test(message);
}

/** `.?` and `[?]`: none for what is absent, and for members of null and of none. */
export function selectOptional(node: TreeNode, container: Value, key: Value): Optional {
  const inner = container instanceof Optional ? container.value : container;
  if (inner === undefined || inner === null) return NONE;
  const value = lookUp(node, inner, key);
  return value === undefined ? NONE : new Optional(value);
}

/** `.` and `[]`: what is absent fails; after an optional the chain stays optional. */
export function select(node: TreeNode, container: Value, key: Value): Value {
  if (container instanceof Optional) return selectOptional(node, container, key);
  const value = lookUp(node, container, key);
  if (value !== undefined) return value;
  if (Array.isArray(container)) throw expressionError('index_range', `${describeTree(node)} is outside the list`);
  throw expressionError('missing_key', `${describeTree(node)} does not exist`);
}

/** `has(x.f)`: true for a member that is null. */
export function hasMember(node: TreeNode, container: Value, key: string): boolean {
  if (container instanceof Optional) return container.value !== undefined && hasMember(node, container.value, key);
  return lookUp(node, container, key) !== undefined;
}
