import type { TreeNode } from '../../domain/expression/tree.js';
import { suggested, valueOf, type Operands } from './operands.js';
import { any, isNumber, list, merge, nameOf, plain, text, type Type } from './type.js';

function isTime(type: Type): boolean {
  return type.is === 'timestamp' || type.is === 'duration';
}

const numberOf = (a: Type, b: Type): Type => plain(a.is === 'int' && b.is === 'int' ? 'int' : 'double');

function mismatch({ node, report }: Operands, op: string, a: Type, b: Type, at: number): Type {
  const message = `There is no \`${op}\` for ${nameOf(a)} and ${nameOf(b)}.`;
  const other = a.is === 'text' ? at : b.is === 'text' ? at - 1 : undefined;
  const isScalar = (type: Type): boolean => isNumber(type) || type.is === 'bool' || isTime(type);
  const wrap = op === '+' && other !== undefined && isScalar(other === at ? b : a);
  report.error('expression_type', node, at, message, wrap ? suggested(report, node, other, 'string') : undefined);
  return any(a.tainted || b.tainted);
}

/** The type of a chain of `+`. */
export function sumOf(operands: Operands): Type {
  let total = valueOf(operands, 0);
  for (let ix = 1; ix < operands.types.length; ix += 1) total = plus(operands, total, valueOf(operands, ix), ix);
  return total;
}

function plus(operands: Operands, a: Type, b: Type, at: number): Type {
  const tainted = a.tainted || b.tainted;
  if (isNumber(a) && isNumber(b)) return numberOf(a, b);
  if (a.is === 'text' && b.is === 'text') return text(tainted);
  if (a.is === 'list' && b.is === 'list') return list(merge(a.item, b.item));
  if (a.is === 'duration' && b.is === 'duration') return plain('duration');
  if (a.is !== b.is && isTime(a) && isTime(b)) return plain('timestamp');
  if (a.is === 'any' || b.is === 'any') {
    const known = a.is === 'any' ? b : a;
    if (known.is === 'text') return text(tainted);
    if (known.is === 'list') return list(any(tainted));
    if (known.is === 'any' || isTime(known)) return any(tainted);
    // With a number it can only be a number, of which kind ever.
    if (isNumber(known)) return any();
  }
  return mismatch(operands, '+', a, b, at);
}

/** The type of `a - b` and `a * b`. */
export function typeOfProduct(op: '-' | '*', operands: Operands): Type {
  const [a, b] = [valueOf(operands, 0), valueOf(operands, 1)];
  if (isNumber(a) && isNumber(b)) return numberOf(a, b);
  if (op === '-' && isTime(a) && isTime(b) && (a.is === 'timestamp' || b.is === 'duration'))
    return plain(a.is === b.is ? 'duration' : 'timestamp');
  const takes = (type: Type): boolean => type.is === 'any' || isNumber(type) || (op === '-' && isTime(type));
  if ((a.is === 'any' || b.is === 'any') && takes(a) && takes(b)) return any();
  return mismatch(operands, op, a, b, 1);
}

/** The type of `-a`. */
export function negated(operands: Operands): Type {
  const type = valueOf(operands, 0);
  if (type.is === 'any' || isNumber(type)) return type.is === 'any' ? any() : type;
  operands.report.error('expression_type', operands.node, 0, `There is no \`-\` before ${nameOf(type)}.`);
  return any();
}

/** The type of `a / b` and `a % b`; between ints the node becomes `/i`, which truncates. */
export function ratio(operands: Operands): Type {
  const { node, report } = operands;
  const types = [valueOf(operands, 0), valueOf(operands, 1)] as [Type, Type];
  const op = node[0] === '%' ? '%' : '/';
  const untyped = types.findIndex(({ is }) => is === 'any');
  const [a, b] = types;
  if (types.some((type) => type.is !== 'any' && !isNumber(type))) return mismatch(operands, op, a, b, 1);
  if (untyped !== -1) {
    const written = report.textOf(node, untyped) ?? 'x';
    const message = `The result of \`${op}\` would depend on whether \`${written}\` is an int.`;
    report.error('untyped_division', node, untyped, message, `int(${written}) or double(${written})`);
    return any();
  }
  const type = numberOf(a, b);
  if (op === '/') divideAs(node, type.is === 'int' ? '/i' : '/');
  return type;
}

/** The checker decides what a division is: the plan has no types (language §7.4). */
function divideAs(node: TreeNode, op: '/' | '/i'): void {
  node[0] = op;
}
