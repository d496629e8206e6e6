import type { JsonObject } from '../../src/domain/json.js';
import type { ActionNode, Plan, Val } from '../../src/domain/plan.js';
import { action, forEach, gate, planOf, treeOf } from '../support/plans.js';
import type { HandWrittenInput } from '../support/baseline-workflow/contract.js';
import { benchActions, NOOP } from './bench-pack.js';

/** Steps that change the world are recorded before they run, reading ones are not; `local` ones read and are short. */
export type StepEffect = 'write' | 'read' | 'local';
/** Whether steps go over the server. */
export type Where = 'remote' | 'local';

/** The same work for the interpreter and for the hand-written workflow. */
export interface Workload {
  plan: Plan;
  hand: HandWrittenInput;
}

const registry = benchActions(() => undefined);
const contractOf = (name: string): string => registry.find(name)?.contract ?? '';
const lockOf = (name: string): Plan['actions'] => ({ [name]: { pack: 'bench@1.0.0', contract: contractOf(name) } });

/** The action of a kind of step. */
const actionOf = (effect: StepEffect): string => (effect === 'write' ? NOOP.write : NOOP.read);
const node = (id: string, effect: StepEffect, input: Record<string, Val>): ActionNode =>
  action(id, {
    action: actionOf(effect),
    with: input,
    ...(effect === 'write' ? { effect, idempotency: 'keyed' } : { effect: 'read', idempotency: 'safe' }),
    ...(effect === 'local' ? { mode: 'local', timeout_ms: 5_000 } : { timeout_ms: 30_000 }),
    keep: [],
  });
const handStep = (id: string, effect: StepEffect, input: JsonObject): HandWrittenInput['steps'][number] => ({
  id,
  action: actionOf(effect),
  contract: contractOf(actionOf(effect)),
  effect: effect === 'write' ? 'write' : 'read',
  with: input,
});

/** `count` steps, one after the other. */
export function sequence(count: number, effect: StepEffect): Workload {
  const ids = Array.from({ length: count }, (_, ix) => `s${ix + 1}`);
  return {
    plan: planOf(
      ids.map((id, ix) => node(id, effect, { n: ix })),
      { id: `bench.seq-${count}-${effect}`, actions: lockOf(actionOf(effect)) },
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

/** Items of a long loop at which the worker's memory is looked at. */
export const MARKED_ITEMS = [1_000, 9_000] as const;

/** A loop whose steps read, ten at a time, and whose results are read: they leave the state in chunks. */
export function loop(where: Where, items: number): Workload {
  const [early, late] = MARKED_ITEMS;
  const index = ['v', 'index'];
  const mark = { $: ['||', ['==', index, early], ['==', index, late]] } as unknown as Val;
  const look = node('look', where === 'local' ? 'local' : 'read', { n: { $: index }, mark });
  return {
    plan: treeOf([forEach('items', items, [look], { concurrency: 10, max_items: 10_000, keep: [['results']] })], {
      id: `bench.loop-${where}`,
      actions: lockOf(NOOP.read),
    }),
    hand: { steps: [] },
  };
}
