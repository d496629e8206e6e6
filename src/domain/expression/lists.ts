import { charge, type Cost } from './cost.js';
import { expressionError } from './evaluation-error.js';
import { checkedResult, numberOf } from './numbers.js';
import { compare, equal, isMap, mapKeys, wrongType, type Value } from './value.js';

/** Narrows to a list. Throws `wrong_type`. */
export function listOf(value: Value | undefined, operation: string): Value[] {
  if (!Array.isArray(value)) throw wrongType(value, operation, 'a list');
  return value;
}

/** What a macro runs over: the items of a list, the sorted keys of a map. */
export function itemsOf(value: Value, operation: string, cost: Cost): readonly Value[] {
  if (Array.isArray(value)) return value;
  if (isMap(value)) return mapKeys(value, cost);
  throw wrongType(value, operation, 'a list or a map');
}

/** `in`: an equal item of a list, or a key of a map. */
export function contains(container: Value, wanted: Value, cost: Cost): boolean {
  if (isMap(container)) return mapKeys(container, cost).some((key) => key === wanted);
  const list = listOf(container, 'in');
  for (const item of list) {
    charge(cost, 1);
    if (equal(item, wanted, cost)) return true;
  }
  return false;
}

/** The sum of numbers, 0 for none. Throws `number_range`. */
export function sum(value: Value | undefined, cost: Cost): number {
  const list = listOf(value, 'sum');
  charge(cost, list.length);
  return list.reduce<number>((total, item) => {
    const number = numberOf(item, 'sum');
    return checkedResult(total + number, total, number, () => false);
  }, 0);
}

/** The first item for which no other is smaller (`sign` 1) or greater (-1). Throws `index_range` for an empty list. */
export function extreme(value: Value | undefined, operation: 'min' | 'max', cost: Cost): Value {
  const list = listOf(value, operation);
  charge(cost, list.length);
  const sign = operation === 'min' ? 1 : -1;
  const [first, ...others] = list;
  if (first === undefined) throw expressionError('index_range', `${operation} of an empty list`);
  // Comparing the first with itself refuses a list of one item that has no order.
  return [first, ...others].reduce(
    (best, item) => (compare(item, best, operation, cost) * sign < 0 ? item : best),
    first,
  );
}

/** Narrows to a list of numbers or of texts. Throws `wrong_type` for others and for a mixture. */
function uniform(value: Value | undefined, operation: string, cost: Cost): (number | string)[] {
  const list = listOf(value, operation);
  charge(cost, list.length);
  const type = typeof list[0];
  for (const item of list) {
    if (typeof item !== type || (type !== 'number' && type !== 'string'))
      throw wrongType(item, operation, 'either numbers or texts');
  }
  return list as (number | string)[];
}

/** A sorted copy: numbers by size, texts by code point. */
export function sort(value: Value | undefined, cost: Cost): Value[] {
  const list = uniform(value, 'sort', cost);
  return list.toSorted((a, b) => {
    charge(cost, 1);
    return compare(a, b, 'sort', cost);
  });
}

/** The items without repetitions, in the order of their first occurrence. */
export function distinct(value: Value | undefined, cost: Cost): Value[] {
  return [...new Set(uniform(value, 'distinct', cost))];
}
