import { EVALUATION_COST_LIMIT } from '../../domain/expression/cost.js';
import { evaluateBool } from '../../domain/expression/evaluate.js';
import { readsOfTree } from '../../domain/expression/reads.js';
import type { Tree } from '../../domain/expression/tree.js';
import type { Json } from '../../domain/json.js';
import type { Val } from '../../domain/plan.js';
import type { Names } from '../document/names.js';
import { ExpressionTyper } from './expression.js';
import { article } from './fits.js';
import { mergedItems, typeOfJson } from './json-schema.js';
import { OPTIONAL } from './operands.js';
import { treeIn, type Place } from './place.js';
import type { PlacedReport } from './placed-report.js';
import { list, record, text, type Field, type Type } from './type.js';
import { stepType, type StepView } from './variables.js';

/** Types of values and conditions of a plan; knows the steps so far. */
export class ValueTyper {
  readonly report: PlacedReport;
  readonly #names: Names;
  #steps = new Map<string, StepView>();

  constructor(report: PlacedReport, names: Names) {
    this.report = report;
    this.#names = names;
  }

  /** Later expressions see the step so. */
  learn(id: string, view: StepView): void {
    this.#steps.set(id, view);
  }

  view(id: string): StepView | undefined {
    return this.#steps.get(id);
  }

  /** Does work that tells nothing and leaves no traces. */
  silently<T>(work: () => T): T {
    const before = this.#steps;
    this.#steps = new Map(before);
    const done = this.report.silently(work);
    this.#steps = before;
    return done;
  }

  /** Whether the outputs of a step may be absent at a place. */
  #isAbsent(id: string, view: StepView, { unsure, guards }: Place): boolean {
    const info = this.#names.steps.get(id);
    if (view.absent || (info !== undefined && unsure.has(info.list))) return true;
    return view.when !== undefined && !view.when.every((condition) => guards.has(condition));
  }

  #expression(tree: Tree, place: Place): Type {
    const typer = new ExpressionTyper(this.report, {
      facts: place.facts,
      variable: (name) => place.variables.get(name)?.(),
      step: (id) => {
        const view = this.#steps.get(id);
        return view && stepType(view, this.#isAbsent(id, view, place));
      },
    });
    return typer.typeOfRoot(tree);
  }

  /** What a value is when it is stored: times are texts then. */
  value(val: Val, place: Place): Type {
    if (typeof val !== 'object' || val === null) return typeOfJson(val);
    if (Array.isArray(val)) return list(mergedItems(val.map((item: Val) => this.value(item, place))));
    const tree = treeIn(val);
    return tree !== undefined ? this.#stored(tree, place) : this.record(val as Record<string, Val>, place);
  }

  #stored(tree: Tree, place: Place): Type {
    const type = this.#expression(tree, place);
    if (type.is === 'timestamp' || type.is === 'duration') return text();
    if (type.is !== 'optional') return type;
    if (Array.isArray(tree)) this.report.error('expression_type', tree, undefined, OPTIONAL, '.orValue(…)');
    return type.item;
  }

  /** A map of values. */
  record(vals: Readonly<Record<string, Val>>, place: Place): Type {
    const fields = Object.entries(vals).map(([name, val]): [string, Field] => [
      name,
      { type: this.value(val, place), optional: false },
    ]);
    return record(new Map(fields));
  }

  /** An expression whose value must be of one of some kinds; `wanted` says it to people. */
  expect(val: Val, place: Place, kinds: readonly Type['is'][], wanted: string, pointer: string): Type {
    const tree = treeIn(val);
    const type = tree === undefined ? typeOfJson(val as Json) : this.#expression(tree, place);
    if (type.is === 'any' || kinds.includes(type.is)) {
      if (type.nullable && Array.isArray(tree))
        this.report.warn('maybe_missing', tree, undefined, `This may be null, and ${wanted} is wanted.`);
      return type;
    }
    const message = `This is ${article(type)}; ${wanted} is wanted.`;
    if (Array.isArray(tree)) this.report.error('expression_type', tree, undefined, message);
    else this.report.at('error', 'expression_type', pointer, message);
    return type;
  }

  /** A condition. @returns its value where that is the same in every run. */
  condition(tree: Tree, place: Place, pointer: string): boolean | undefined {
    if (Array.isArray(tree)) {
      this.expect({ $: tree }, place, ['bool'], 'true or false', pointer);
      const isConstant = readsOfTree(tree).length === 0 && !JSON.stringify(tree).includes('["c","uid"');
      return isConstant ? constantOf(tree) : undefined;
    }
    return typeof tree === 'boolean' ? tree : undefined;
  }
}

/** What a condition is that reads no more than these variables; undefined where it fails. */
export function constantOf(tree: Tree, variables: Readonly<Record<string, Json>> = {}): boolean | undefined {
  try {
    return evaluateBool(tree, { variable: (name) => variables[name], cost: { left: EVALUATION_COST_LIMIT } });
  } catch {
    // What fails is told where its types are, or at run time.
    return undefined;
  }
}
