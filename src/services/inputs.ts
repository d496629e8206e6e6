import { Ajv2020, type ErrorObject, type ValidateFunction } from 'ajv/dist/2020.js';
import formats from 'ajv-formats';
import { durationMs } from '../domain/duration.js';
import { isJsonObject, type Json, type JsonObject } from '../domain/json.js';
import type { Plan } from '../domain/plan.js';
import { isStorable } from './storable-json.js';

/** Why a run cannot start with these inputs. Names places and rules, never values. */
export interface InputProblem {
  code: 'input_missing' | 'input_unknown' | 'input_invalid';
  problems: { path: string; message: string }[];
}

export type CheckedInputs = { inputs: JsonObject } | InputProblem;

const MAX_PROBLEMS = 20;
const MAX_KEPT = 500;

const ajv = new Ajv2020({ allErrors: true, strict: false, logger: false, ownProperties: true });
(formats as unknown as (target: Ajv2020) => void)(ajv);
ajv.addFormat('duration', (text: string) => durationMs(text) !== undefined);

/** Compiling a schema costs milliseconds: validators are kept by the plan's digest. */
const validators = new Map<string, ValidateFunction>();

/**
 * Applies defaults and checks inputs against what the blueprint declares. An input without default that is not required
 * and not given becomes `null`, so that every declared input can be read. Nothing is converted.
 */
export function checkInputs(plan: Plan, given: JsonObject): CheckedInputs {
  const declared = propertiesOf(plan);
  const unknown = Object.keys(given).filter((name) => !Object.hasOwn(declared, name));
  if (unknown.length > 0) {
    return problem('input_unknown', unknown, (name) => `\`${name}\` is not an input of this blueprint.`);
  }
  const required = new Set(Array.isArray(plan.inputs['required']) ? plan.inputs['required'] : []);
  const inputs: JsonObject = {};
  const missing: string[] = [];
  for (const [name, schema] of Object.entries(declared)) {
    const value = Object.hasOwn(given, name) ? given[name] : undefined;
    const fallback = isJsonObject(schema) && Object.hasOwn(schema, 'default') ? schema['default'] : undefined;
    if (value !== undefined) inputs[name] = value;
    else if (fallback !== undefined) inputs[name] = fallback;
    else if (required.has(name)) missing.push(name);
  }
  const validate = validatorOf(plan);
  const wrong = validate(inputs)
    ? []
    : (validate.errors ?? [])
        .filter(({ keyword, instancePath }) => instancePath !== '' || keyword !== 'required' || missing.length === 0)
        .map(told);
  if (missing.length > 0) {
    // Who fills in a form learns all of it at once.
    const { code, problems } = problem('input_missing', missing, (name) => `\`${name}\` is required.`);
    return { code, problems: [...problems, ...wrong].slice(0, MAX_PROBLEMS) };
  }
  if (wrong.length > 0) return { code: 'input_invalid', problems: wrong.slice(0, MAX_PROBLEMS) };
  if (!isStorable(inputs)) {
    return { code: 'input_invalid', problems: [{ path: '', message: 'Texts must not hold NUL or half characters.' }] };
  }
  for (const name of Object.keys(declared)) inputs[name] ??= null;
  return { inputs };
}

/**
 * The inputs that an event gives by itself: input `n` takes `event.data.n` when present. Inputs that hold references to
 * secrets never come from an event.
 */
export function inputsOfEvent(plan: Plan, data: JsonObject): JsonObject {
  const taken: JsonObject = {};
  for (const [name, schema] of Object.entries(propertiesOf(plan))) {
    const value = Object.hasOwn(data, name) ? data[name] : undefined;
    if (value !== undefined && !(isJsonObject(schema) && schema['x-secret'] === true)) taken[name] = value;
  }
  return taken;
}

function propertiesOf(plan: Plan): JsonObject {
  const properties = plan.inputs['properties'];
  return isJsonObject(properties) ? properties : {};
}

function validatorOf(plan: Plan): ValidateFunction {
  const kept = validators.get(plan.digest);
  if (kept !== undefined) return kept;
  const validate = ajv.compile(plan.inputs);
  // ajv keeps every schema too, for ever: only the compiled function is wanted.
  ajv.removeSchema(plan.inputs);
  const oldest = validators.size >= MAX_KEPT ? validators.keys().next().value : undefined;
  if (oldest !== undefined) validators.delete(oldest);
  validators.set(plan.digest, validate);
  return validate;
}

function problem(code: InputProblem['code'], names: string[], message: (name: string) => string): InputProblem {
  return { code, problems: names.slice(0, MAX_PROBLEMS).map((name) => ({ path: `/${name}`, message: message(name) })) };
}

function told(error: ErrorObject): { path: string; message: string } {
  const allowed: Json | undefined = error.keyword === 'enum' ? (error.params['allowedValues'] as Json) : undefined;
  const rest = allowed === undefined ? '' : `: ${JSON.stringify(allowed)}`;
  return { path: error.instancePath, message: `${error.message ?? 'is invalid'}${rest}` };
}
