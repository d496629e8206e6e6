import type { Reference } from '../expression/parse.js';
import type { JsonObject } from '../../domain/json.js';
import type { Read } from '../../domain/expression/reads.js';
import { nearestName } from '../suggestion.js';
import type { Report } from './report.js';

/** What later expressions may know of a step's outputs. */
export interface OutputNames {
  names: readonly string[];
  /** Whether there are no others. */
  closed: boolean;
  /** Of these, those whose texts come from outside; `*` is all. */
  tainted: readonly string[] | '*';
}

export interface StepInfo {
  /** Position in the plan. */
  ix: number;
  outputs: OutputNames;
}

export interface InputInfo {
  pointer: string;
  schema: JsonObject;
  required: boolean;
}

/** What an expression can see. */
export interface NameScope {
  variables: readonly string[];
  /** Steps before this position are visible; `Infinity` is after all. */
  before: number;
  /** Names of the step's own outputs that can be read already, where the place allows own reads. */
  own?: { id: string; names: readonly string[] };
}

/** All that is known of a document's names, and what its expressions read. */
export interface Names {
  report: Report;
  inputs: ReadonlyMap<string, InputInfo>;
  steps: ReadonlyMap<string, StepInfo>;
  /** Inputs that something reads. */
  usedInputs: Set<string>;
  reads: Read[];
  placeholders: number;
}

export const RUN_VARIABLES = ['inputs', 'steps', 'event', 'run', 'env', 'now'] as const;
export const TRIGGER_VARIABLES = ['event', 'env'] as const;

const STEP_FIELDS = ['status', 'outputs', 'error', 'handled', 'failures', 'attempts', 'started_at', 'ended_at'];
const FIELDS: Readonly<Record<string, readonly string[]>> = {
  event: [
    'event_id',
    'event_name',
    'occurred_at',
    'env_id',
    'actor',
    'correlation_id',
    'run_id',
    'step_id',
    'resource',
    'data',
  ],
  run: [
    'id',
    'blueprint',
    'version',
    'digest',
    'actor',
    'trigger',
    'started_at',
    'scheduled_at',
    'correlation_id',
    'parent_id',
    'outcome',
  ],
  env: ['id', 'name', 'stage', 'vars'],
};

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
  } else if (member !== undefined && FIELDS[variable]?.includes(member) === false) {
    const message = `\`${variable}\` has no field \`${member}\`.`;
    tell('path_unknown', 1, message, nearestName(member, FIELDS[variable]));
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
  if (step.ix === scope.before && !isOwn) {
    tell('reference_cycle', 1, `\`${id}\` is this very step: its results are not there yet.`);
    return;
  }
  if (step.ix > scope.before) {
    tell('reference_order', 1, `\`${id}\` runs later: a step reads only what stands before it.`);
    return;
  }
  if (field !== undefined && !STEP_FIELDS.includes(field)) {
    const hint = step.outputs.names.includes(field) ? `outputs.${field}` : nearestName(field, STEP_FIELDS);
    tell('path_unknown', 2, `A step has no field \`${field}\`.`, hint);
    return;
  }
  if (field !== 'outputs' || output === undefined) return;
  if (isOwn && scope.own?.names.includes(output) === false) {
    const isLater = step.outputs.names.includes(output);
    if (isLater) tell('reference_order', 3, `\`${output}\` is computed later: entries are evaluated as written.`);
    else unknownOutput(step, id, output, tell);
  } else if (step.outputs.closed && !step.outputs.names.includes(output)) {
    unknownOutput(step, id, output, tell);
  }
}

function unknownOutput(step: StepInfo, id: string, output: string, tell: Tell): void {
  tell('path_unknown', 3, `\`${id}\` has no output \`${output}\`.`, nearestName(output, step.outputs.names));
}
