import { expressionError } from './evaluation-error.js';

/**
 * The meter of one evaluation: one unit per node visited, per element iterated, per 64 bytes built. Counted down; below
 * zero the evaluation ends with `cost_limit`, which nothing absorbs.
 */
export interface Cost {
  left: number;
}

/** Units that one evaluation may use (language §7.4). */
export const EVALUATION_COST_LIMIT = 100_000;

const BYTES_PER_UNIT = 64;

/** Takes units off the meter. Call it before the work, so that the work is bounded too. */
export function charge(cost: Cost, units: number): void {
  cost.left -= units;
  if (cost.left < 0) throw expressionError('cost_limit', 'the expression takes more than its 100 000 units of work');
}

/** Charges for building or reading through a text of that many UTF-16 units. */
export function chargeText(cost: Cost, length: number): void {
  charge(cost, Math.ceil(length / BYTES_PER_UNIT));
}
