import type { CatalogAction } from '../../domain/action-catalog.js';
import { readsOf } from '../../domain/expression/reads.js';
import type { Tree } from '../../domain/expression/tree.js';
import type { ActionNode, Val } from '../../domain/plan.js';
import { markAt, schemasAt } from '../document/contracts.js';
import type { Names } from '../document/names.js';
import type { Dialect } from '../document/step-fields.js';
import { misfit } from './fits.js';
import { typeOfSchema } from './json-schema.js';
import { nodeIn, treeIn, type Place, type SeenGate } from './place.js';
import type { Type } from './type.js';
import type { ValueTyper } from './values.js';

/** Variables whose value at a step is the one that a gate before it showed. */
const LASTING: ReadonlySet<string> = new Set(['inputs', 'event', 'run', 'env']);

/** What the inputs of actions are: whether they can fit, and who chose them (language §7.5). */
export class TargetChecker {
  readonly #values: ValueTyper;
  readonly #names: Names;
  readonly #dialect: Dialect;

  constructor(values: ValueTyper, names: Names, dialect: Dialect) {
    this.#values = values;
    this.#names = names;
    this.#dialect = dialect;
  }

  check(node: ActionNode, contract: CatalogAction, place: Place): void {
    for (const [name, val] of Object.entries(node.with)) {
      const isShown = (): boolean => place.gates.some((gate) => this.#isShown(val, gate, place));
      this.#visit(val, [name], { node, contract, place, isShown });
    }
  }

  #visit(val: Val, path: readonly string[], at: At): void {
    if (typeof val !== 'object' || val === null) return;
    const tree = treeIn(val);
    if (tree !== undefined) this.#dynamic(tree, path, at);
    else if (markAt(at.contract.input, path, 'x-secret') !== undefined) this.#secret(val as Record<string, Val>, at);
    else for (const [key, member] of Object.entries(val)) this.#visit(member as Val, [...path, key], at);
  }

  #dynamic(tree: Tree, path: readonly string[], at: At): void {
    const type = this.#values.value({ $: tree }, at.place);
    const wanted = schemasAt(at.contract.input, path).map(typeOfSchema);
    const reasons = wanted.map((one) => misfit(type, one));
    if (reasons.length > 0 && reasons.every((reason) => reason !== undefined)) {
      const message = `\`${path.join('.')}\` can never fit the action: ${reasons.at(-1) as string}.`;
      this.#tell('action_input_invalid', tree, message);
    }
    if (type.tainted && this.#isSink(path, at)) this.#refuse(tree, at);
  }

  #secret(reference: Record<string, Val>, at: At): void {
    const tree = treeIn(reference['secret'] ?? null);
    if (tree === undefined) return;
    const type = this.#values.expect({ $: tree }, at.place, ['text'], 'the path of a secret', '');
    if (type.tainted) this.#refuse(tree, at);
  }

  /** Whether the value, or one around it, chooses what the action acts on. */
  #isSink(path: readonly string[], { node, contract }: At): boolean {
    if (node.effect === 'destructive') return true;
    const sinks = path.map((_, ix) => markAt(contract.input, path.slice(0, ix + 1), 'x-sink'));
    // An action that only reads takes names of the inventory, which is a closed set.
    if (node.effect === 'read' && path.length === 1 && path[0] === 'host' && sinks[0] === 'host') return false;
    return sinks.some((sink) => sink !== undefined);
  }

  #refuse(tree: Tree, at: At): void {
    if (at.isShown()) return;
    const message = 'Text from outside chooses what this acts on, and no gate before it shows that.';
    const suggestion = 'add a gate before, an enum input, or trust(value, "why")';
    this.#tell('tainted_target', tree, message, suggestion);
  }

  #tell(code: string, tree: Tree, message: string, suggestion?: string): void {
    const node = nodeIn(tree);
    const pointer = node && this.#values.report.pointerOf(node);
    if (pointer === undefined) return;
    const severity = code === 'tainted_target' && this.#dialect === 'xyn/v0' ? 'warning' : 'error';
    this.#values.report.at(severity, code, pointer, message, suggestion);
  }

  /** Whether the gate's digest holds the value: all that it reads is known when the gate opens (language §3.1). */
  #isShown(val: Val, gate: SeenGate, { guards }: Place): boolean {
    if (!gate.when.every((condition) => guards.has(condition))) return false;
    return readsOf(val).every(([variable = '', id]) => {
      if (variable !== 'steps') return LASTING.has(variable);
      const step = id === undefined ? undefined : this.#names.steps.get(id);
      return step !== undefined && step.ix < gate.ix;
    });
  }
}

/** The step whose inputs are looked at. */
interface At {
  node: ActionNode;
  contract: CatalogAction;
  place: Place;
  isShown: () => boolean;
}

/** The type of what an action gives. */
export function outputsOf(contract: CatalogAction): Type {
  return typeOfSchema(contract.output);
}
