import type { NodeSpan, Reference } from '../expression/parse.js';
import type { TreeNode } from '../../domain/expression/tree.js';
import type { JsonObject } from '../../domain/json.js';
import type { Read } from '../../domain/expression/reads.js';
import { nearestName } from '../suggestion.js';
import type { Report } from './report.js';

/** A list of steps. Lists with the same steps before them are told apart by identity. */
export interface StepList {
  /** The list whose steps before `before` it sees, too. */
  parent?: StepList;
  /** Position in `parent`; `Infinity` is after all. */
  before?: number;
  /** Variables that exist inside of it. */
  variables: readonly string[];
  /** It runs in a \`finally\`. */
  isCleanup?: true;
}

export interface StepInfo {
  /** Position in the document's order. */
  ix: number;
  list: StepList;
  /** Position in its list. */
  at: number;
  pointer: string;
  /** Names of its outputs, as far as document and contracts say. */
  outputs: readonly string[];
}

export interface InputInfo {
  pointer: string;
  schema: JsonObject;
  required: boolean;
}

/** What an expression can see. */
export interface NameScope {
  variables: readonly string[];
  /** The lists around it, from inside out; of each, the steps before the position are visible. */
  lists: readonly { list: StepList; before: number }[];
  /** Names of the step's own outputs that can be read already, where the place allows own reads. */
  own?: { id: string; names: readonly string[] };
}

/** The scope of a place in a list. */
export function scopeAt(list: StepList, before: number): NameScope {
  const lists: { list: StepList; before: number }[] = [];
  const variables: string[] = [...RUN_VARIABLES];
  for (let one: StepList | undefined = list, at = before; one; at = one.before ?? 0, one = one.parent) {
    lists.push({ list: one, before: at });
    variables.push(...one.variables);
  }
  return { variables, lists };
}

/** All that is known of a document's names, and what its expressions read. */
export interface Names {
  report: Report;
  inputs: ReadonlyMap<string, InputInfo>;
  steps: ReadonlyMap<string, StepInfo>;
  /** Inputs that something reads. */
  usedInputs: Set<string>;
  reads: Read[];
  /** Where every operation of the document's expressions was written. */
  places: Places;
  placeholders: number;
}

/** Where an operation of an expression was written. */
export interface NodePlace extends Spot {
  /** The expression's text, which `span` counts in. */
  source: string;
  span: NodeSpan;
}

/** The places of operations: kept for every expression, looked up only where there is something to tell. */
export class Places {
  readonly #written: { spot: Spot; source: string; spans: readonly NodeSpan[] }[] = [];
  readonly #byNode = new Map<TreeNode, NodePlace>();
  /** How many of those written are in `#byNode`. */
  #indexed = 0;

  /** @param spans of every operation in the expression `source`. */
  add(spot: Spot, source: string, spans: readonly NodeSpan[]): void {
    this.#written.push({ spot, source, spans });
  }

  get(node: TreeNode): NodePlace | undefined {
    for (const { spot, source, spans } of this.#written.slice(this.#indexed)) {
      for (const span of spans) this.#byNode.set(span.node, { ...spot, source, span });
    }
    this.#indexed = this.#written.length;
    return this.#byNode.get(node);
  }
}

export const RUN_VARIABLES = ['inputs', 'steps', 'event', 'run', 'env', 'now'] as const;
/** Kinds that v0 documents do not have. */
export const MODIFIED_LISTS: ReadonlySet<string> = new Set(['wait', 'block', 'switch', 'parallel', 'for_each']);
export const TRIGGER_VARIABLES = ['event', 'env'] as const;

/** Where an expression stands: `offset` is that of its text in the value at `pointer`. */
export interface Spot {
  pointer: string;
  offset: number;
}

/** Looks one reference up and reports what it cannot see. */
export function checkReference(names: Names, { keys, offsets }: Reference, scope: NameScope, spot: Spot): void {
  const [variable, member] = keys as [string, string | undefined];
  const tell = (code: string, ix: number, message: string, suggestion?: string): void => {
    names.report.add(code, spot.pointer, message, { offset: spot.offset + (offsets[ix] as number), suggestion });
  };
  if (!scope.variables.includes(variable)) {
    const known = names.inputs.has(variable) ? `inputs.${variable}` : nearestName(variable, scope.variables);
    tell('template_unresolved', 0, `There is no variable \`${variable}\` here.`, known);
    return;
  }
  if (variable === 'inputs') {
    if (member === undefined) for (const name of names.inputs.keys()) names.usedInputs.add(name);
    else if (names.inputs.has(member)) names.usedInputs.add(member);
    else tell('template_unresolved', 1, `There is no input \`${member}\`.`, nearestName(member, names.inputs.keys()));
  } else if (variable === 'steps') {
    if (member !== undefined) checkStep(names, keys, scope, tell);
  }
}

type Tell = (code: string, ix: number, message: string, suggestion?: string) => void;

function checkStep(names: Names, keys: readonly string[], scope: NameScope, tell: Tell): void {
  const [, id, field, output] = keys as [string, string, string | undefined, string | undefined];
  const step = names.steps.get(id);
  if (step === undefined) {
    tell('template_unresolved', 1, `There is no step \`${id}\`.`, nearestName(id, names.steps.keys()));
    return;
  }
  const isOwn = scope.own?.id === id;
  const seen = scope.lists.find(({ list }) => list === step.list);
  if (seen === undefined) {
    const holder = holderOf(names, step.list, scope);
    const suggestion = holder === undefined ? undefined : `steps.${holder}.outputs`;
    tell('reference_scope', 1, `\`${id}\` is inside of a step that this place does not see into.`, suggestion);
    return;
  }
  if (step.at === seen.before && !isOwn) {
    const message =
      seen === scope.lists[0]
        ? `\`${id}\` is this very step: its results are not there yet.`
        : `\`${id}\` holds this step: its results are not there yet.`;
    tell('reference_cycle', 1, message);
    return;
  }
  if (step.at > seen.before) {
    tell('reference_order', 1, `\`${id}\` runs later: a step reads only what stands before it.`);
    return;
  }
  if (field !== 'outputs' || output === undefined || !isOwn) return;
  if (scope.own?.names.includes(output) === false && step.outputs.includes(output))
    tell('reference_order', 3, `\`${output}\` is computed later: entries are evaluated as written.`);
}

/** The step in a visible list that a list is inside of. */
function holderOf(names: Names, list: StepList, scope: NameScope): string | undefined {
  for (let one = list; one.parent; one = one.parent) {
    const { parent, before } = one;
    const seen = scope.lists.find((place) => place.list === parent);
    if (!seen) continue;
    const [id] = [...names.steps].find(([, step]) => step.list === parent && step.at === before) ?? [];
    return before !== undefined && before < seen.before ? id : undefined;
  }
  return undefined;
}
