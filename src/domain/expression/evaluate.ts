import { XynFault } from '../fault.js';
import type { Json } from '../json.js';
import { hasMember, select, selectOptional } from './access.js';
import { charge, chargeText, type Cost } from './cost.js';
import { expressionError } from './evaluation-error.js';
import { FUNCTIONS, optionalOf } from './functions.js';
import { contains, itemsOf } from './lists.js';
import { boolOf, decide, runMacro } from './macros.js';
import { checkedResult, divide, numberOf, saysDouble } from './numbers.js';
import { TextBuilder } from './rendered-text.js';
import { addTimes, specialText, subtractTimes } from './time.js';
import type { Tree, TreeNode } from './tree.js';
import {
  compare,
  equal,
  isForbiddenKey,
  Special,
  toJson,
  typeName,
  wrongType,
  type Value,
  type ValueMap,
} from './value.js';

/** What an expression can see. Values are read, never changed. */
export interface EvalScope {
  /** The variable's value, or undefined where there is none. `now` is a `Timestamp`: see `timestampOfMs`. */
  variable(name: string): Value | undefined;
  /** Counted down by every evaluation that gets this scope; `EVALUATION_COST_LIMIT` units are for one. */
  cost: Cost;
  /** What `uid(label)` gives; absent where there is no step. */
  uid?: (label: string) => string;
}

/** The variable of a macro, and those around it. `value` moves from item to item. */
interface Local {
  readonly name: string;
  value: Value;
  readonly outer: Local | undefined;
}

interface Context {
  readonly scope: EvalScope;
  readonly cost: Cost;
  readonly uid: ((label: string) => string) | undefined;
  /** Whether a special came up, so that the result has to be looked through. */
  special: boolean;
}

type Operator = (node: TreeNode, context: Context, local: Local | undefined) => Value;

function run(tree: Tree, context: Context, local: Local | undefined): Value {
  charge(context.cost, 1);
  if (typeof tree !== 'object' || tree === null) return tree;
  const operator = OPERATORS.get(tree[0]);
  if (operator === undefined) throw new XynFault('internal', `The plan holds an unknown operator ${tree[0]}.`);
  const value = operator(tree, context, local);
  if (value instanceof Special) context.special = true;
  return value;
}

/** Evaluates the operand at a position of a node. */
function operand(node: TreeNode, ix: number, context: Context, local: Local | undefined): Value {
  return run(node[ix] as Tree, context, local);
}

function variable(node: TreeNode, context: Context, local: Local | undefined): Value {
  const name = node[1] as string;
  for (let at = local; at !== undefined; at = at.outer) if (at.name === name) return at.value;
  const value = context.scope.variable(name);
  if (value === undefined) throw expressionError('missing_key', `the variable ${name} has no value here`);
  return value;
}

function list(node: TreeNode, context: Context, local: Local | undefined): Value {
  charge(context.cost, node.length - 1);
  const items: Value[] = [];
  for (let ix = 1; ix < node.length; ix += 1) items.push(operand(node, ix, context, local));
  return items;
}

function map(node: TreeNode, context: Context, local: Local | undefined): Value {
  const members: ValueMap = {};
  for (let ix = 1; ix < node.length; ix += 2) {
    const key = node[ix] as string;
    if (isForbiddenKey(key)) throw expressionError('conversion', `${key} cannot be the key of a map`);
    members[key] = operand(node, ix + 1, context, local);
  }
  return members;
}

/** Two operands of `+`: numbers, texts, lists, times. */
function plus(a: Value, b: Value, context: Context, forcedDouble: () => boolean): Value {
  if (typeof a === 'number' && typeof b === 'number') return checkedResult(a + b, a, b, forcedDouble);
  if (typeof a === 'string' && typeof b === 'string') {
    chargeText(context.cost, a.length + b.length);
    return a + b;
  }
  if (Array.isArray(a) && Array.isArray(b)) {
    charge(context.cost, a.length + b.length);
    return [...a, ...b];
  }
  const time = addTimes(a, b);
  if (time === undefined) throw wrongType(b, `+ after ${typeName(a)}`, 'two numbers, texts, lists or times');
  return time;
}

function sumChain(node: TreeNode, context: Context, local: Local | undefined): Value {
  let total = operand(node, 1, context, local);
  for (let ix = 2; ix < node.length; ix += 1) {
    total = plus(total, operand(node, ix, context, local), context, () => saysDouble(node));
  }
  return total;
}

function minus(node: TreeNode, context: Context, local: Local | undefined): Value {
  const a = operand(node, 1, context, local);
  const b = operand(node, 2, context, local);
  if (typeof a === 'number' && typeof b === 'number') return checkedResult(a - b, a, b, () => saysDouble(node));
  const time = subtractTimes(a, b);
  if (time === undefined) throw wrongType(b, `- after ${typeName(a)}`, 'two numbers or times');
  return time;
}

function times(node: TreeNode, context: Context, local: Local | undefined): Value {
  const a = numberOf(operand(node, 1, context, local), '*');
  const b = numberOf(operand(node, 2, context, local), '*');
  return checkedResult(a * b, a, b, () => saysDouble(node));
}

function division(operation: '/' | '/i' | '%'): Operator {
  return (node, context, local) => {
    const a = numberOf(operand(node, 1, context, local), operation);
    return divide(operation, a, numberOf(operand(node, 2, context, local), operation));
  };
}

function comparison(operation: string, holds: (order: number) => boolean): Operator {
  return (node, context, local) => {
    const a = operand(node, 1, context, local);
    return holds(compare(a, operand(node, 2, context, local), operation, context.cost));
  };
}

function equality(node: TreeNode, context: Context, local: Local | undefined): boolean {
  const a = operand(node, 1, context, local);
  return equal(a, operand(node, 2, context, local), context.cost);
}

function chain(operation: '&&' | '||'): Operator {
  return (node, context, local) =>
    decide(node.length - 1, operation === '||', operation, (ix) => operand(node, ix + 1, context, local));
}

function macro(node: TreeNode, context: Context, local: Local | undefined): Value {
  const [operation, , name] = node as unknown as [string, Tree, string];
  const items = itemsOf(operand(node, 1, context, local), operation, context.cost);
  const inner: Local = { name, value: null, outer: local };
  const body = (ix: number) => (item: Value) => {
    inner.value = item;
    return operand(node, ix, context, inner);
  };
  const second = node.length > 4 ? body(4) : undefined;
  return runMacro(operation, items, context.cost, { first: body(3), second });
}

/** `or` and `orValue`: the argument is evaluated for an empty optional only. */
function alternative(node: TreeNode, context: Context, local: Local | undefined): Value {
  const name = node[1] as string;
  const optional = optionalOf(operand(node, 2, context, local), name);
  if (optional.value !== undefined) return name === 'or' ? optional : optional.value;
  const other = operand(node, 3, context, local);
  return name === 'or' ? optionalOf(other, name) : other;
}

function call(node: TreeNode, context: Context, local: Local | undefined): Value {
  const name = node[1] as string;
  if (name === 'orValue' || name === 'or') return alternative(node, context, local);
  const implementation = FUNCTIONS.get(name);
  if (implementation === undefined) throw new XynFault('internal', `The plan calls an unknown function ${name}.`);
  const args: Value[] = [];
  for (let ix = 2; ix < node.length; ix += 1) args.push(operand(node, ix, context, local));
  return implementation(args, context);
}

function text(node: TreeNode, context: Context, local: Local | undefined): Value {
  const builder = new TextBuilder(context.cost);
  for (let ix = 1; ix < node.length; ix += 1) builder.add(node[ix] as Tree, operand(node, ix, context, local));
  return builder.text();
}

function optionalAccess(node: TreeNode, context: Context, local: Local | undefined): Value {
  const container = operand(node, 1, context, local);
  return selectOptional(node, container, operand(node, 2, context, local));
}

const OPERATORS: ReadonlyMap<string, Operator> = new Map<string, Operator>([
  ['v', variable],
  ['.', (node, context, local) => select(node, operand(node, 1, context, local), node[2] as string)],
  ['.?', optionalAccess],
  [
    '[]',
    (node, context, local) => {
      const container = operand(node, 1, context, local);
      return select(node, container, operand(node, 2, context, local));
    },
  ],
  ['[?]', optionalAccess],
  ['d', (node) => (node[1] as number) + 0],
  ['l', list],
  ['m', map],
  ['q', (node) => node[1] as Value],
  ['t', text],
  ['c', call],
  [
    '?',
    (node, context, local) => operand(node, boolOf(operand(node, 1, context, local), '?:') ? 2 : 3, context, local),
  ],
  ['&&', chain('&&')],
  ['||', chain('||')],
  ['!', (node, context, local) => !boolOf(operand(node, 1, context, local), '!')],
  ['==', equality],
  ['!=', (node, context, local) => !equality(node, context, local)],
  ['<', comparison('<', (order) => order < 0)],
  ['<=', comparison('<=', (order) => order <= 0)],
  ['>', comparison('>', (order) => order > 0)],
  ['>=', comparison('>=', (order) => order >= 0)],
  [
    'in',
    (node, context, local) => {
      const wanted = operand(node, 1, context, local);
      return contains(operand(node, 2, context, local), wanted, context.cost);
    },
  ],
  ['has', (node, context, local) => hasMember(node, operand(node, 1, context, local), node[2] as string)],
  ['+', sumChain],
  ['-', minus],
  ['*', times],
  ['/', division('/')],
  ['/i', division('/i')],
  ['%', division('%')],
  ['neg', (node, context, local) => 0 - numberOf(operand(node, 1, context, local), '-')],
  ['all', macro],
  ['exists', macro],
  ['exists_one', macro],
  ['filter', macro],
  ['map', macro],
]);

function contextOf(scope: EvalScope): Context {
  return { scope, cost: scope.cost, uid: scope.uid, special: false };
}

/**
 * Evaluates a tree. Pure and bounded by `scope.cost`. The result may share parts with the scope's values.
 * @throws EvaluationError for everything that the author or the data can be the cause of; XynFault `internal` for a tree
 *   that no compiler makes.
 */
export function evaluate(tree: Tree, scope: EvalScope): Value {
  return run(tree, contextOf(scope), undefined);
}

/** As `evaluate`, with the result as it is stored: times as text. Throws `optional_result` for an optional, at any depth. */
export function evaluateJson(tree: Tree, scope: EvalScope): Json {
  const context = contextOf(scope);
  const value = run(tree, context, undefined);
  return context.special ? toJson(value, scope.cost, specialText) : (value as Json);
}

/** As `evaluate`, for conditions. Throws `not_bool` for anything that is not true or false. */
export function evaluateBool(tree: Tree, scope: EvalScope): boolean {
  const value = run(tree, contextOf(scope), undefined);
  if (typeof value === 'boolean') return value;
  throw expressionError('not_bool', `the condition gives ${typeName(value)}, not true or false`);
}
