import type { BlockNode, ForEachNode, HolderNode, ParallelNode, Scope, SwitchNode } from '../../domain/plan.js';
import type { BodyDraft, ListDraft, StepDraft } from '../document/lists.js';
import { factsOf, joined, without } from './facts.js';
import type { Place } from './place.js';
import { any, list, merge, nullable, plain, record, recordOf, text, type Field, type Type } from './type.js';
import { constantOf, type ValueTyper } from './values.js';
import { ERROR, withOutcome } from './variables.js';

/** Goes through lists of steps. */
export interface ListTyper {
  list(list: ListDraft, place: Place): Place;
  resultOf(list: ListDraft): Type;
}

const int = plain('int');

/** Types of what holders give (language §3.2). */
export class HolderTyper {
  readonly #values: ValueTyper;
  readonly #lists: ListTyper;

  constructor(values: ValueTyper, lists: ListTyper) {
    this.#values = values;
    this.#lists = lists;
  }

  typeOf(step: StepDraft, node: HolderNode, place: Place): Type {
    switch (node.kind) {
      case 'block':
        return this.#block(step, node, place);
      case 'switch':
        return this.#switch(step, node, place);
      case 'parallel':
        return this.#parallel(step, node, place);
      case 'for_each':
        return this.#forEach(step, node, place);
    }
  }

  #body(draft: BodyDraft, scope: Scope | undefined, place: Place): Type {
    const after = this.#lists.list(draft, place);
    return scope?.outputs === undefined ? this.#lists.resultOf(draft) : this.#values.record(scope.outputs, after);
  }

  #block(step: StepDraft, { bodies, retry }: BlockNode, place: Place): Type {
    const [draft] = step.bodies as [BodyDraft];
    const isRetried = retry !== undefined && retry.attempts > 1;
    const inside = isRetried && place.repeated === undefined ? { ...place, repeated: step.ix } : place;
    const type = this.#body(draft, bodies.do, inside);
    if (step.last !== undefined) this.#lists.list(step.last, cleanupPlace(place, draft.list));
    return type;
  }

  #switch(step: StepDraft, { cases, bodies }: SwitchNode, place: Place): Type {
    let before = place;
    const results = step.bodies.map((draft) => {
      const one = cases.find(({ name }) => name === draft.name);
      const scope = bodies[draft.name];
      if (one === undefined || draft.fields === undefined || draft.name === 'default')
        return this.#body(draft, scope, before);
      const constant = this.#values.condition(one.when, before, draft.fields.at('when'));
      if (constant !== undefined) {
        const message = `This is always ${String(constant)}.`;
        this.#values.report.at('warning', 'condition_constant', draft.fields.at('when'), message);
      }
      const inside = { ...before, facts: joined(before.facts, factsOf(one.when, true)) };
      before = { ...before, facts: joined(before.facts, factsOf(one.when, false)) };
      return this.#body(draft, scope, inside);
    });
    const chosen = text(
      false,
      step.bodies.map(({ name }) => name),
    );
    const result = results.length === 0 ? plain('null') : results.reduce(merge);
    const isSure = step.fields.has('default');
    return recordOf({ case: isSure ? chosen : nullable(chosen), result: isSure ? result : nullable(result) });
  }

  #parallel(step: StepDraft, node: ParallelNode, place: Place): Type {
    // What did not complete has no result; a handler sees what there is.
    const optional = node.mode === 'collect' || node.join !== undefined || node.on_error !== undefined;
    const fields = step.bodies.map((draft): [string, Field] => [
      draft.name,
      { type: this.#body(draft, node.bodies[draft.name], place), optional },
    ]);
    return record(new Map(fields));
  }

  #forEach(step: StepDraft, node: ForEachNode, place: Place): Type {
    const [draft] = step.bodies as [BodyDraft];
    const kinds: Type['is'][] = ['list', 'map', 'record', 'int', 'double'];
    const item = itemOf(
      this.#values.expect(node.in, place, kinds, 'a list, a map or a whole number', step.fields.at('in')),
    );
    const own = [node.as, 'index', 'prev'];
    const around: Place = {
      ...place,
      facts: without(place.facts, own),
      repeated: place.repeated ?? step.ix,
    };
    const inside = (prev: () => Type): Place => ({
      ...around,
      variables: new Map([...place.variables, [node.as, () => item], ['index', () => int], ['prev', prev]]),
    });
    const round = (prev: () => Type): Type => {
      let here = inside(prev);
      if (node.while !== undefined) {
        const constant = this.#values.condition(node.while, here, step.fields.at('while'));
        if (constant !== undefined) {
          const message = `This is always ${String(constant)}.`;
          this.#values.report.at('warning', 'condition_constant', step.fields.at('while'), message);
        }
        here = { ...here, facts: joined(here.facts, factsOf(node.while, true)) };
      }
      return this.#body(draft, node.bodies.do, here);
    };
    // The result of a round may depend on that of the one before: what it is for any such gives what it is at most.
    let before: Type | undefined;
    const prev = (): Type => {
      if (this.#values.report.isSilent) return any(true);
      before ??= nullable(this.#values.silently(() => round(() => any(true))));
      return before;
    };
    const result = round(prev);
    return loopType(result, isSureOfOne(node) ? result : nullable(result));
  }
}

/** Whether a loop that completes has completed a round. */
function isSureOfOne({ in: items, mode, tolerate, while: condition }: ForEachNode): boolean {
  if (typeof items !== 'number' || items < 1 || mode !== 'fail_fast' || tolerate !== undefined) return false;
  return condition === undefined || constantOf(condition, { prev: null, index: 0 }) === true;
}

function itemOf(items: Type): Type {
  switch (items.is) {
    case 'list':
      return items.item;
    case 'map':
      return recordOf({ key: text(items.tainted), value: items.item });
    case 'record': {
      const types = [...items.fields.values()].map(({ type }) => type);
      const value = types.length === 0 || items.open ? any(items.tainted) : types.reduce(merge);
      return recordOf({ key: text(items.open && items.tainted), value });
    }
    case 'int':
    case 'double':
      return int;
    default:
      return any(items.tainted);
  }
}

function loopType(result: Type, last: Type): Type {
  const status = text(false, ['completed', 'failed', 'cancelled']);
  return recordOf({
    count: int,
    completed: int,
    failed: int,
    cancelled: int,
    skipped: int,
    last,
    failures: list(ERROR),
    results: list(recordOf({ index: int, status }, { outputs: result, error: ERROR })),
  });
}

/** Where the cleanup of a scope stands: every step of the scope may not have been reached, and nothing may have failed. */
export function cleanupPlace(place: Place, body: ListDraft['list']): Place {
  const variables = new Map(place.variables);
  variables.set('error', () => nullable(ERROR));
  const run = place.variables.get('run');
  if (run !== undefined) variables.set('run', () => withOutcome(run()));
  return { ...place, variables, unsure: new Set([...place.unsure, body]) };
}
