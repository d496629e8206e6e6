import type { Tree } from '../../domain/expression/tree.js';
import type { Val } from '../../domain/plan.js';
import type { JsonObject } from '../../domain/json.js';
import type { Names } from './names.js';

/** Operations and functions whose result cannot carry text of their operands (language §7.5). */
const CLEAN_OPERATIONS: ReadonlySet<string> = new Set([
  '==',
  '!=',
  '<',
  '<=',
  '>',
  '>=',
  'in',
  '!',
  '&&',
  '||',
  'has',
  'all',
  'exists',
  'exists_one',
  'd',
  'q',
]);
const CLEAN_FUNCTIONS: ReadonlySet<string> = new Set([
  'size',
  'int',
  'double',
  'bool',
  'sha256',
  'uid',
  'trust',
  'contains',
  'startsWith',
  'endsWith',
  'glob',
  'hasValue',
]);
const CLEAN_TYPES: ReadonlySet<unknown> = new Set(['integer', 'number', 'boolean', 'null']);

/** What comes from outside in one document. */
export interface TaintSources {
  names: Names;
  /** Whether events can fill the inputs. */
  inputsFromEvents: boolean;
}

/** Whether an input can carry any text that an event holds. */
function isOpen(schema: JsonObject): boolean {
  if (Array.isArray(schema['enum']) || schema['const'] !== undefined) return false;
  const { type } = schema;
  return Array.isArray(type) ? !type.every((one) => CLEAN_TYPES.has(one)) : !CLEAN_TYPES.has(type);
}

function isTaintedPath({ names, inputsFromEvents }: TaintSources, keys: readonly string[]): boolean {
  const [variable, member, field, output] = keys;
  if (variable === 'event') return member === undefined || member === 'data';
  if (variable === 'inputs') {
    if (!inputsFromEvents) return false;
    const input = member === undefined ? undefined : names.inputs.get(member);
    return input === undefined || isOpen(input.schema);
  }
  if (variable === 'error' || variable === 'prev') return true;
  if (variable !== 'steps') return names.taintedItems.has(variable as string);
  const tainted = member === undefined ? '*' : names.steps.get(member)?.outputs.tainted;
  if (tainted === undefined || tainted.length === 0) return false;
  if (field === 'error') return true;
  if (field !== undefined && field !== 'outputs') return false;
  return tainted === '*' || output === undefined || tainted.includes(output);
}

function pathOf(tree: Tree): string[] | undefined {
  if (!Array.isArray(tree)) return undefined;
  const [op, target, key] = tree;
  if (op === 'v') return [target as string];
  if (op !== '.' && op !== '.?' && op !== '[]' && op !== '[?]') return undefined;
  const base = pathOf(target as Tree);
  return base === undefined ? undefined : typeof key === 'string' ? [...base, key] : base;
}

/** Whether the result of an expression can carry text from outside. */
function isTaintedTree(sources: TaintSources, tree: Tree): boolean {
  if (!Array.isArray(tree)) return false;
  const [op, ...rest] = tree;
  if (CLEAN_OPERATIONS.has(op)) return false;
  if (op === 'c' && CLEAN_FUNCTIONS.has(rest[0] as string)) return false;
  const path = pathOf(tree);
  if (path !== undefined) return isTaintedPath(sources, path);
  const parts = op === '?' ? rest.slice(1) : rest;
  return parts.some((part) => isTaintedTree(sources, part as Tree));
}

/** Whether a value of a plan can carry text from outside. */
export function isTainted(sources: TaintSources, val: Val): boolean {
  if (typeof val !== 'object' || val === null) return false;
  if (Array.isArray(val)) return val.some((item) => isTainted(sources, item));
  if (Object.hasOwn(val, '$')) return isTaintedTree(sources, (val as { $: Tree }).$);
  return Object.values(val).some((item) => isTainted(sources, item as Val));
}
