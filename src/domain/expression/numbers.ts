import { expressionError } from './evaluation-error.js';
import { wrongType, type Value } from './value.js';

/**
 * Checks a result: finite, and a safe integer when both operands were ints. `-0` becomes `0`.
 * @param forcedDouble asked only when it matters: whether the expression says that an operand is a double, as in `1.0 * x`.
 */
export function checkedResult(result: number, a: number, b: number, forcedDouble: () => boolean): number {
  if (Number.isSafeInteger(result)) return result + 0;
  const ints = Number.isSafeInteger(a) && Number.isSafeInteger(b);
  if (!Number.isFinite(result) || (ints && !forcedDouble())) {
    throw expressionError('number_range', 'the result is outside the range of exact numbers');
  }
  return result;
}

/** Narrows to a number. Throws `wrong_type`. */
export function numberOf(value: Value | undefined, operation: string): number {
  if (typeof value !== 'number') throw wrongType(value, operation, 'a number');
  return value;
}

/** Narrows to a number without fraction. Throws `wrong_type`. */
export function intOf(value: Value | undefined, operation: string): number {
  const number = numberOf(value, operation);
  if (!Number.isInteger(number))
    throw expressionError('wrong_type', `${operation} takes an int, not a number with a fraction`);
  return number;
}

/** `/`, `/i` (truncates) and `%` (follows the dividend). Throws `division_by_zero`. */
export function divide(operation: '/' | '/i' | '%', a: number, b: number): number {
  if (b === 0) throw expressionError('division_by_zero', 'the divisor is zero');
  if (operation === '%') return (a % b) + 0;
  if (operation === '/i') return Math.trunc(a / b) + 0;
  return checkedResult(a / b, a, b, () => true);
}

const DOUBLE_KEEPING: ReadonlySet<unknown> = new Set(['+', '-', '*', '%', 'neg']);

/** Whether an expression is a double by how it is written: a literal such as `1.0`, `double(x)`, `/`, arithmetic with one. */
export function saysDouble(tree: unknown): boolean {
  if (!Array.isArray(tree)) return typeof tree === 'number' && !Number.isSafeInteger(tree);
  const [op, ...operands] = tree as [unknown, ...unknown[]];
  if (op === 'd' || op === '/') return true;
  if (op === 'c') return operands[0] === 'double';
  return DOUBLE_KEEPING.has(op) && operands.some(saysDouble);
}
