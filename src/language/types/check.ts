import type { ActionCatalog } from '../../domain/action-catalog.js';
import type { JsonObject } from '../../domain/json.js';
import type { PlanNode, Scope, Trigger, Val } from '../../domain/plan.js';
import type { DraftedPlan } from '../document/lists.js';
import type { Names } from '../document/names.js';
import type { Dialect } from '../document/step-fields.js';
import { NO_FACTS } from './facts.js';
import { misfit } from './fits.js';
import { cleanupPlace } from './holders.js';
import { typeOfSchema } from './json-schema.js';
import { nodeIn, treeIn, type Place } from './place.js';
import { PlacedReport } from './placed-report.js';
import { checkGates } from './reach.js';
import { StepTyper } from './steps.js';
import { TargetChecker } from './targets.js';
import { plain, record, withTaint, type Field, type Type } from './type.js';
import { ENV, ERROR, EVENT, runType } from './variables.js';
import { ValueTyper } from './values.js';

/** A document that was compiled, as far as it could be. */
export interface TypedDocument {
  dialect: Dialect;
  names: Names;
  actions: ActionCatalog;
  drafted: DraftedPlan;
  /** Without those of steps that are wrong. */
  nodes: readonly (PlanNode | undefined)[];
  root: Scope;
  triggers: readonly Trigger[];
  outputs: Readonly<Record<string, Val>>;
  /** JSON Schemas of outputs whose type is declared, by name. */
  declared: ReadonlyMap<string, JsonObject>;
}

/**
 * Finds the type of every expression (language §6, §7.2), reports what cannot work, and chooses the operator of divisions
 * in the trees. Types are in no plan. What is unknown is `any`, which turns the check off for that path only.
 */
export function checkTypes(document: TypedDocument): void {
  const { names, dialect, drafted, root, outputs } = document;
  const report = new PlacedReport(names.report, names.places);
  const values = new ValueTyper(report, names);
  const targets = new TargetChecker(values, names, dialect);
  const steps = new StepTyper({ values, names, targets, nodes: document.nodes, actions: document.actions });
  const place = startOf(document, values);
  const after = steps.list(drafted.root, place);
  const types = new Map(Object.entries(outputs).map(([name, val]) => [name, values.value(val, after)]));
  checkDeclared(document, types, report);
  const ended: Place = { ...place, unsure: new Set([drafted.root.list]) };
  steps.handlers(drafted.handlers, root.on_error ?? [], { place: ended, error: ERROR });
  if (drafted.last !== undefined) steps.list(drafted.last, cleanupPlace(place, drafted.root.list));
  checkGates(drafted, document.nodes, names);
}

/** What everything in a document can see. */
function startOf({ names, triggers }: TypedDocument, values: ValueTyper): Place {
  const outside = variablesOf([
    ['event', EVENT],
    ['env', ENV],
  ]);
  const place: Place = { facts: NO_FACTS, guards: new Set(), variables: outside, unsure: new Set(), gates: [] };
  const given = givenInputs(names, triggers, place, values);
  const inputs = [...names.inputs].map(([name, { schema }]): [string, Field] => {
    const type = typeOfSchema(schema);
    return [name, { type: given.has(name) && !isClean(schema) ? withTaint(type, true) : type, optional: false }];
  });
  const variables = variablesOf([
    ['inputs', record(new Map(inputs))],
    ['event', EVENT],
    ['env', ENV],
    ['run', runType(triggers.some(({ kind }) => kind === 'schedule'))],
    ['now', plain('timestamp')],
  ]);
  return { ...place, variables };
}

const variablesOf = (types: readonly [string, Type][]): Map<string, () => Type> =>
  new Map(types.map(([name, type]) => [name, () => type]));

/** A closed set of values lets nobody choose another. */
const isClean = (schema: JsonObject): boolean => Array.isArray(schema['enum']) || schema['const'] !== undefined;

/** The inputs that an event can fill with its texts. */
function givenInputs(names: Names, triggers: readonly Trigger[], place: Place, values: ValueTyper): Set<string> {
  const given = new Set<string>();
  for (const trigger of triggers) {
    const { kind, filter, inputs } = trigger;
    if (filter !== undefined) values.condition(filter, place, '');
    if (kind === 'event' && trigger.dedupe !== undefined) values.value(trigger.dedupe.key, place);
    if (inputs === undefined && kind === 'event') for (const name of names.inputs.keys()) given.add(name);
    for (const [name, val] of Object.entries(inputs ?? {})) {
      // What fires by the clock carries nothing from outside.
      if (!values.value(val, place).tainted || kind !== 'event') continue;
      given.add(name);
      refuseSecret(names, name, val, values);
    }
  }
  return given;
}

/** Which secret is used is never said by an event. */
function refuseSecret(names: Names, name: string, val: Val, { report }: ValueTyper): void {
  if (names.inputs.get(name)?.schema['x-secret'] !== true) return;
  const node = nodeIn(treeIn(val));
  const pointer = node && report.pointerOf(node);
  if (pointer === undefined) return;
  report.at('error', 'tainted_target', pointer, `An event may not say which secret \`${name}\` is.`);
}

function checkDeclared({ declared }: TypedDocument, types: ReadonlyMap<string, Type>, report: PlacedReport): void {
  for (const [name, schema] of declared) {
    const type = types.get(name);
    const reason = type === undefined ? undefined : misfit(type, typeOfSchema(schema));
    if (reason === undefined) continue;
    report.at('error', 'output_invalid', `/outputs/${name}/value`, `\`${name}\` can never be of its type: ${reason}.`);
  }
}
