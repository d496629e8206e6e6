import type { PlanNode } from '../../domain/plan.js';
import type { DraftedPlan, ListDraft, StepDraft } from '../document/lists.js';
import type { Names } from '../document/names.js';

/** Warns of gates that hold nothing back: what has an effect stands before them, and nothing after. */
export function checkGates(
  { root, all }: DraftedPlan,
  nodes: readonly (PlanNode | undefined)[],
  { report, reads }: Names,
): void {
  const effects = all.filter((step) => mayChange(step, nodes[step.ix])).map(({ ix }) => ix);
  // What a model answers costs: it may be what the gate is about.
  const held = [...effects, ...all.filter(({ kind }) => kind === 'agent_task').map(({ ix }) => ix)];
  const read = new Set(reads.flatMap(([variable, id]) => (variable === 'steps' ? [id ?? '*'] : [])));
  const visit = ({ steps }: ListDraft, loop: number | undefined): void => {
    for (const step of steps) {
      const inLoop = loop ?? (step.kind === 'for_each' ? step.ix : undefined);
      for (const body of step.bodies) visit(body, inLoop);
      if (step.kind !== 'gate' || read.has(step.id) || read.has('*')) continue;
      const isBehind = effects.some((ix) => ix < step.ix);
      // In a loop, what stands before the gate comes again in the next round.
      const isBefore = held.some((ix) => ix > step.ix || (loop !== undefined && ix > loop));
      if (!isBehind || isBefore) continue;
      const message = 'Nothing that changes anything comes after this gate, so it holds nothing back.';
      report.warn('gate_unreachable', step.fields.pointer, message, {
        suggestion: 'move it before what it is to allow',
      });
    }
  };
  visit(root, undefined);
}

/** Whether a step changes something; an action that could not be compiled may. */
function mayChange({ kind }: StepDraft, node: PlanNode | undefined): boolean {
  return kind === 'action_task' && (node?.kind !== 'action_task' || node.effect !== 'read');
}
