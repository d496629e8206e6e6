import type { ActionCatalog } from '../../domain/action-catalog.js';
import { readsOf, type Read } from '../../domain/expression/reads.js';
import type { Tree } from '../../domain/expression/tree.js';
import type { ActionNode, Handler, LeafNode, PlanNode, TransformNode, Val, WaitNode } from '../../domain/plan.js';
import type { HandlerDraft, ListDraft, StepDraft } from '../document/lists.js';
import type { Names } from '../document/names.js';
import { conjuncts, factsOf, joined, NO_FACTS } from './facts.js';
import { HolderTyper, type ListTyper } from './holders.js';
import { typeOfSchema } from './json-schema.js';
import type { Place } from './place.js';
import { outputsOf, type TargetChecker } from './targets.js';
import { any, merge, record, text, withTaint, type Field, type Type } from './type.js';
import type { ValueTyper } from './values.js';
import { ERROR, ERROR_OF_MANY, GATE, type StepView } from './variables.js';

const NOTHING: Type = record(new Map());
const LOOP_VARIABLES: ReadonlySet<string> = new Set(['index', 'prev', 'now']);

/** Goes through the steps of a document in their order and finds the types of what they give. */
export class StepTyper implements ListTyper {
  readonly #values: ValueTyper;
  readonly #names: Names;
  readonly #nodes: readonly (PlanNode | undefined)[];
  readonly #actions: ActionCatalog;
  readonly #targets: TargetChecker;
  readonly #holders: HolderTyper;

  constructor(parts: {
    values: ValueTyper;
    names: Names;
    nodes: readonly (PlanNode | undefined)[];
    actions: ActionCatalog;
    targets: TargetChecker;
  }) {
    this.#values = parts.values;
    this.#names = parts.names;
    this.#nodes = parts.nodes;
    this.#actions = parts.actions;
    this.#targets = parts.targets;
    this.#holders = new HolderTyper(parts.values, this);
  }

  /** @returns what is known after the list's last step. */
  list({ steps }: ListDraft, place: Place): Place {
    let after = place;
    steps.forEach((step, ix) => {
      const ended = this.#step(step, after);
      const next = steps[ix + 1];
      if (ended.never && next !== undefined) {
        const message = `\`${step.id}\` always fails, so that nothing after it runs.`;
        this.#values.report.at('warning', 'unreachable_step', next.fields.pointer, message);
      }
      const gates = gatesAfter(step, this.#nodes[step.ix], after);
      if (ended.facts === NO_FACTS && gates === after.gates) return;
      after = { ...after, facts: joined(after.facts, ended.facts), gates };
    });
    return after;
  }

  /** What a list gives that says nothing else: the outputs of its last step that has any. */
  resultOf({ steps }: ListDraft): Type {
    let result: Type | undefined;
    for (const { id } of steps.toReversed()) {
      const view = this.#values.view(id);
      if (view === undefined) return any(true);
      result = result === undefined ? view.outputs : merge(result, view.outputs);
      if (!view.absent && view.when === undefined) return result;
    }
    return result === undefined ? NOTHING : merge(result, NOTHING);
  }

  #step(step: StepDraft, before: Place): { facts: Place['facts']; never: boolean } {
    const node = this.#nodes[step.ix];
    const when = node?.when;
    if (when !== undefined) this.#condition(when, before, step.fields.at('when'));
    const conditions = when === undefined ? undefined : conjuncts(when);
    const place: Place =
      when === undefined || conditions === undefined
        ? before
        : {
            ...before,
            facts: joined(before.facts, factsOf(when, true)),
            guards: new Set([...before.guards, ...conditions]),
          };
    const many = step.kind === 'parallel' || step.kind === 'for_each';
    const made = node === undefined ? { type: any(true) } : this.#made(step, node, place);
    const own: StepView = { outputs: made.type, absent: !many, many };
    this.#values.learn(step.id, own);
    const handled = this.handlers(step.handlers, node?.on_error ?? [], { place, error: many ? ERROR_OF_MANY : ERROR });
    const outputs = handled.outputs.reduce(merge, made.type);
    const when_ = conditions === undefined ? {} : { when: conditions };
    this.#values.learn(step.id, { outputs, absent: handled.absent && !many, many, ...when_ });
    const lasts = when === undefined && step.handlers.length === 0;
    return { facts: lasts ? (made.facts ?? NO_FACTS) : NO_FACTS, never: lasts && made.never === true };
  }

  #condition(tree: Tree, place: Place, pointer: string): void {
    const constant = this.#values.condition(tree, place, pointer);
    if (constant !== undefined) warnOfConstant(this.#values, pointer, constant);
  }

  #made(step: StepDraft, node: PlanNode, place: Place): Made {
    if (node.kind === 'block' || node.kind === 'switch' || node.kind === 'parallel' || node.kind === 'for_each')
      return { type: this.#holders.typeOf(step, node, place) };
    const made = this.#leaf(step, node, place);
    const { outputs } = node;
    if (outputs === undefined) return made;
    const inside = { ...place, variables: new Map([...place.variables, ['result', () => made.type]]) };
    return { ...made, type: this.#values.record(outputs, inside) };
  }

  #leaf(step: StepDraft, node: LeafNode, place: Place): Made {
    switch (node.kind) {
      case 'action_task':
        return { type: this.#action(step, node, place) };
      case 'agent_task': {
        this.#values.value(node.prompt, place);
        if (node.system !== undefined) this.#values.value(node.system, place);
        const own = node.output === undefined ? NOTHING : typeOfSchema(node.output);
        const fields = own.is === 'record' ? [...own.fields] : [];
        const texts: [string, Field][] = ['text', 'summary'].map((name) => [name, { type: text(), optional: false }]);
        return { type: withTaint(record(new Map([...fields, ...texts])), true) };
      }
      case 'gate':
        for (const val of [node.message, node.approvers]) if (val !== undefined) this.#values.value(val, place);
        return { type: GATE };
      case 'wait':
        return this.#wait(step, node, place);
      case 'transform':
        return this.#transform(step, node, place);
    }
  }

  #action(step: StepDraft, node: ActionNode, place: Place): Type {
    const contract = this.#actions.find(node.action);
    if (contract === undefined) return any(true);
    this.#targets.check(node, contract, place);
    if (node.key !== undefined) this.#key(step, node.key, place);
    const type = outputsOf(contract);
    const { until } = node.retry;
    if (until !== undefined) this.#condition(until, withResult(place, type), `${step.fields.at('retry')}/until`);
    return type;
  }

  /** A key that is the same in every round lets only the first have an effect. */
  #key(step: StepDraft, key: Val, place: Place): void {
    this.#values.value(key, place);
    const { repeated } = place;
    if (repeated === undefined) return;
    const differs = ([variable = '', id]: Read): boolean => {
      if (variable === 'steps') return id === undefined || (this.#names.steps.get(id)?.ix ?? -1) > repeated;
      return LOOP_VARIABLES.has(variable) || (place.variables.has(variable) && !KNOWN.has(variable));
    };
    if (readsOf(key).some(differs) || JSON.stringify(key).includes('["c","uid"')) return;
    const message = 'The key is the same in every round, so that only the first one has an effect.';
    this.#values.report.at('warning', 'key_constant', step.fields.at('key'), message, 'read the item or `index` in it');
  }

  #wait({ fields }: StepDraft, node: WaitNode, place: Place): Made {
    if (node.for !== undefined)
      this.#values.expect(node.for, place, ['text', 'duration'], 'a duration', fields.at('for'));
    if (node.until !== undefined)
      this.#values.expect(node.until, place, ['text', 'timestamp'], 'a time', fields.at('until'));
    return { type: NOTHING };
  }

  #transform({ id, fields }: StepDraft, { set, assert }: TransformNode, place: Place): Made {
    const done = new Map<string, Field>();
    // An entry sees those before it, which few look at.
    const seen = {
      get outputs() {
        return record(new Map(done));
      },
      absent: false,
      many: false,
    };
    this.#values.learn(id, seen);
    for (const [name, val] of set) done.set(name, { type: this.#values.value(val, place), optional: false });
    let after = place;
    let never = false;
    (assert ?? []).forEach(({ that, message }, ix) => {
      const pointer = `${fields.at('assert')}/${ix}`;
      const constant = this.#values.condition(that, after, `${pointer}/that`);
      if (constant === true) warnOfConstant(this.#values, `${pointer}/that`, true);
      never ||= constant === false;
      if (message !== undefined) this.#values.value(message, after);
      after = { ...after, facts: joined(after.facts, factsOf(that, true)) };
    });
    return { type: seen.outputs, facts: after.facts, never };
  }

  /** Handlers of a step or of the plan, which see `error`. */
  handlers(
    drafts: readonly HandlerDraft[],
    handlers: readonly Handler[],
    { place, error }: { place: Place; error: Type },
  ): { outputs: Type[]; absent: boolean } {
    const outputs: Type[] = [];
    let absent = false;
    if (drafts.length === 0) return { outputs, absent };
    const seen = { ...place, variables: new Map([...place.variables, ['error', () => error] as const]) };
    drafts.forEach((draft, ix) => {
      const handler = handlers[ix];
      const when = handler?.when;
      if (when !== undefined && draft.fields !== undefined) this.#condition(when, seen, draft.fields.at('when'));
      const after = this.list(draft, seen);
      const type = handler?.outputs === undefined ? undefined : this.#values.record(handler.outputs, after);
      if (handler?.then === 'fail') return;
      if (type === undefined) absent = true;
      else outputs.push(type);
    });
    return { outputs, absent };
  }
}

interface Made {
  type: Type;
  /** What is known where the list goes on. */
  facts?: Place['facts'];
  /** It always fails. */
  never?: boolean;
}

const KNOWN: ReadonlySet<string> = new Set(['inputs', 'event', 'run', 'env', 'steps', 'error', 'result']);

/** Where the raw result of a step can be read, too. */
function withResult(place: Place, type: Type): Place {
  return { ...place, variables: new Map([...place.variables, ['result', () => type]]) };
}

/** Warns of a condition that is no question. */
export function warnOfConstant(values: ValueTyper, pointer: string, constant: boolean): void {
  values.report.at('warning', 'condition_constant', pointer, `This is always ${String(constant)}.`);
}

/** The gates that what follows a step stands behind, and whose digest holds it (language §3.1). */
function gatesAfter(step: StepDraft, node: PlanNode | undefined, { gates }: Place): Place['gates'] {
  if (step.kind === 'gate') {
    const when = node?.when;
    const gate = { ix: step.ix, when: when === undefined ? [] : conjuncts(when) };
    // What stands behind a gate that always opens is shown by that gate, and by none before it.
    return when === undefined ? [gate] : [...gates, gate];
  }
  return gates.length > 0 && isClosing(step) ? [] : gates;
}

/** Whether every way through a step passes a gate, so that no gate before it shows what follows. */
function isClosing({ kind, fields, bodies }: StepDraft): boolean {
  if (fields.has('when')) return false;
  if (kind === 'gate') return true;
  return kind === 'block' && (bodies[0]?.steps.some(isClosing) ?? false);
}
