import { charge, type Cost } from './cost.js';
import { EvaluationError } from './evaluation-error.js';
import { wrongType, type Value } from './value.js';

/** Narrows to a bool. Throws `wrong_type`. */
export function boolOf(value: Value, operation: string): boolean {
  if (typeof value !== 'boolean') throw wrongType(value, operation, 'a bool');
  return value;
}

/**
 * `&&` (`decisive` false) and `||` (true) over any number of operands, and with them `all` and `exists`: one operand that
 * decides wins over errors before and after it, except `cost_limit`; else the first error stands.
 * @param operandAt evaluates an operand.
 */
export function decide(count: number, decisive: boolean, operation: string, operandAt: (ix: number) => Value): boolean {
  let failure: EvaluationError | undefined;
  for (let ix = 0; ix < count; ix += 1) {
    try {
      if (boolOf(operandAt(ix), operation) === decisive) return decisive;
    } catch (error) {
      if (!(error instanceof EvaluationError) || error.detail === 'cost_limit') throw error;
      failure ??= error;
    }
  }
  if (failure !== undefined) throw failure;
  return !decisive;
}

/** Runs a macro over items. `bodies` evaluates the macro's expressions for one item, each when called. */
export function runMacro(
  operation: string,
  items: readonly Value[],
  cost: Cost,
  bodies: { first: (item: Value) => Value; second: ((item: Value) => Value) | undefined },
): Value {
  const { first, second } = bodies;
  const firstAt = (ix: number): Value => {
    charge(cost, 1);
    return first(items[ix] as Value);
  };
  const holds = (_item: Value, ix: number): boolean => boolOf(firstAt(ix), operation);
  switch (operation) {
    case 'all':
    case 'exists':
      return decide(items.length, operation === 'exists', operation, firstAt);
    case 'exists_one':
      return items.filter(holds).length === 1;
    case 'filter':
      return items.filter(holds);
    default:
      if (second === undefined) return items.map((_item, ix) => firstAt(ix));
      return items.flatMap((item, ix) => (holds(item, ix) ? [second(item)] : []));
  }
}
