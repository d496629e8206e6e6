import { expect, it } from '@jest/globals';
import fc from 'fast-check';
import { planOfTrial, trials } from './random-plans.js';
import { differenceOf, shown } from './trial.js';

const PLANS = Number(process.env['XYN_PROPERTY_PLANS'] ?? 200);
const seed = process.env['XYN_PROPERTY_SEED'];

it('random plans come to what the reference interpreter says, in every way of driving them', () => {
  let ambiguous = 0;
  const result = fc.check(
    fc.property(trials, (trial) => {
      let difference: object | 'ambiguous' | undefined;
      try {
        difference = differenceOf(trial);
      } catch (error) {
        difference = { thrown: (error as Error).stack };
      }
      if (difference === 'ambiguous') ambiguous += 1;
      return difference === undefined || difference === 'ambiguous';
    }),
    { numRuns: PLANS, ...(seed === undefined ? {} : { seed: Number(seed) }) },
  );
  const [trial] = result.counterexample ?? [];
  if (trial !== undefined) {
    let why: unknown;
    try {
      why = differenceOf(trial);
    } catch (error) {
      why = (error as Error).stack;
    }
    throw new Error(
      `seed ${result.seed}, ${JSON.stringify(trial)}\n${shown(planOfTrial(trial))}\n${typeof why === 'string' ? why : JSON.stringify(why, null, 1)}`,
    );
  }
  expect(ambiguous).toBeLessThan(PLANS / 10);
}, 7_200_000);
