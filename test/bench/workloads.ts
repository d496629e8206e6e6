import type { JsonObject } from '../../src/domain/json.js';
import type { Plan, PlanNode } from '../../src/domain/plan.js';
import { action, gate, planOf } from '../support/plans.js';
import type { HandWrittenInput } from '../support/baseline-workflow/contract.js';
import { benchActions, NOOP } from './bench-pack.js';

/** Steps that change the world are recorded before they run, reading ones are not. */
export type StepEffect = 'write' | 'read';

/** The same work for the interpreter and for the hand-written workflow. */
export interface Workload {
  plan: Plan;
  hand: HandWrittenInput;
}

const registry = benchActions(() => undefined);
const contractOf = (name: string): string => registry.find(name)?.contract ?? '';
const lockOf = (name: string): Plan['actions'] => ({ [name]: { pack: 'bench@1.0.0', contract: contractOf(name) } });

const node = (id: string, effect: StepEffect, input: JsonObject): PlanNode =>
  action(id, {
    action: NOOP[effect],
    with: input,
    effect,
    idempotency: effect === 'read' ? 'safe' : 'keyed',
    timeout_ms: 30_000,
  });
const handStep = (id: string, effect: StepEffect, input: JsonObject): HandWrittenInput['steps'][number] => ({
  id,
  action: NOOP[effect],
  contract: contractOf(NOOP[effect]),
  effect,
  with: input,
});

/** `count` steps, one after the other. */
export function sequence(count: number, effect: StepEffect): Workload {
  const ids = Array.from({ length: count }, (_, ix) => `s${ix + 1}`);
  return {
    plan: planOf(
      ids.map((id, ix) => node(id, effect, { n: ix })),
      { id: `bench.seq-${count}-${effect}`, actions: lockOf(NOOP[effect]) },
    ),
    hand: { steps: ids.map((id, ix) => handStep(id, effect, { n: ix })) },
  };
}

/** A gate, and a step behind it that says when it began. */
export function gated(): Workload {
  return {
    plan: planOf([gate('ok', { message: 'Go on?' }), node('act', 'write', { n: 1, mark: true })], {
      id: 'bench.gate',
      actions: lockOf(NOOP.write),
    }),
    hand: { steps: [handStep('act', 'write', { n: 1, mark: true })], gate: true },
  };
}
