import { isJsonObject, type Json, type JsonObject } from '../../domain/json.js';
import { DEFAULT_LIMITS, type Limits, type Plan, type Val } from '../../domain/plan.js';
import { pointerToken } from '../source.js';
import type { Fields } from './fields.js';
import { type FieldNames } from './fields.js';
import { scopeAt, type InputInfo, type Names, type StepList } from './names.js';
import type { Report } from './report.js';
import { checkName, type Dialect } from './step-fields.js';
import { TypeReader } from './types.js';
import type { Values } from './values.js';

const V0_FIELDS = ['id', 'name', 'description', 'trigger', 'inputs', 'plan', 'outputs'];
const V1_ONLY = ['api', 'labels', 'triggers', 'policy', 'limits', 'rollback'];
const V1_LISTS = ['on_error', 'finally'];
const ID = /^[a-z][a-z0-9]*(?:[._-][a-z0-9]+)*$/;

/** Fields of the top level. */
export function topFields(dialect: Dialect): FieldNames {
  if (dialect === 'xyn/v0') return { known: V0_FIELDS, needsV1: [...V1_ONLY, ...V1_LISTS] };
  return { known: [...V0_FIELDS, ...V1_ONLY, ...V1_LISTS] };
}

/** `id` and the texts for people. */
export function readHead(report: Report, fields: Fields): { id: string | undefined; name: string | undefined } {
  const id = fields.require('id') ? fields.text('id', 128) : undefined;
  if (id !== undefined && !ID.test(id)) {
    const suggestion = id.toLowerCase().replace(/[^a-z0-9._-]+/g, '_');
    const message = 'An id is lower case: words of letters and digits, joined by `.`, `_` or `-`.';
    report.add('id_format', fields.at('id'), message, { suggestion: ID.test(suggestion) ? suggestion : undefined });
  }
  fields.text('description', 4_000);
  checkLabels(report, fields);
  return { id, name: fields.text('name', 120) };
}

function checkLabels(report: Report, fields: Fields): void {
  const labels = fields.object('labels');
  if (labels === undefined) return;
  if (Object.keys(labels).length > 20) report.add('limit_range', fields.at('labels'), 'There are at most 20 labels.');
  for (const [key, value] of Object.entries(labels)) {
    if (typeof value === 'string') continue;
    report.add('type_mismatch', `${fields.at('labels')}/${pointerToken(key)}`, 'A label is a text.');
  }
}

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;

/** `limits`, with the defaults of language §9 where nothing is written. */
export function readLimits(fields: Fields): Limits {
  const map = fields.object('limits');
  if (map === undefined) return DEFAULT_LIMITS;
  const known = ['run_time', 'max_age', 'steps', 'loop_steps', 'cleanup', 'cancel_grace'];
  const inner = fields.inner('limits', map, { known, later: ['tokens', 'usd'] });
  const time = (name: string, max: number): number | undefined =>
    inner.duration(name, { min: 1_000, max, code: 'limit_range' });
  const count = (name: string, max: number): number | undefined => inner.number(name, { min: 1, max }, true);
  return {
    run_time_ms: time('run_time', DAY_MS) ?? DEFAULT_LIMITS.run_time_ms,
    max_age_ms: time('max_age', 365 * DAY_MS) ?? DEFAULT_LIMITS.max_age_ms,
    steps: count('steps', 1_000) ?? DEFAULT_LIMITS.steps,
    loop_steps: count('loop_steps', 200_000) ?? DEFAULT_LIMITS.loop_steps,
    cleanup_ms: time('cleanup', 60 * MINUTE_MS) ?? DEFAULT_LIMITS.cleanup_ms,
    cancel_grace_ms: time('cancel_grace', 10 * MINUTE_MS) ?? DEFAULT_LIMITS.cancel_grace_ms,
  };
}

/** `policy`, with its defaults. */
export function readPolicy(fields: Fields): Plan['policy'] {
  const inner = fields.inner('policy', fields.object('policy') ?? {}, { known: ['risk', 'tests_required'] });
  return {
    risk: inner.oneOf('risk', ['low', 'medium', 'high']) ?? 'low',
    tests_required: inner.bool('tests_required') ?? false,
  };
}

/** `rollback`, of which only the default is available yet. */
export function checkRollback(report: Report, fields: Fields): void {
  if (fields.oneOf('rollback', ['manual', 'auto']) !== 'auto') return;
  report.add('field_unknown', fields.at('rollback'), '`rollback: auto` is not available yet.');
}

/** The declared inputs by name. */
export function readInputs(report: Report, fields: Fields, dialect: Dialect): Map<string, InputInfo> {
  return dialect === 'xyn/v0' ? v0Inputs(report, fields) : v1Inputs(report, fields);
}

function v0Inputs(report: Report, fields: Fields): Map<string, InputInfo> {
  const inputs = new Map<string, InputInfo>();
  for (const { name, pointer } of namedItems(report, fields, 'inputs')) {
    if (inputs.has(name)) report.add('input_schema_invalid', pointer, `The input \`${name}\` is declared twice.`);
    inputs.set(name, { pointer, schema: {}, required: true });
  }
  return inputs;
}

/** Entries `{name: …}` of a list of a v0 document. */
function namedItems(report: Report, fields: Fields, field: string): { name: string; pointer: string }[] {
  const list = fields.list(field) ?? [];
  return list.flatMap((item, ix) => {
    const pointer = `${fields.at(field)}/${ix}`;
    if (!isJsonObject(item)) {
      report.add('type_mismatch', pointer, 'An entry is a map with `name`.');
      return [];
    }
    const inner = fields.inner(`${field}/${ix}`, item, { known: ['name'], needsV1: ['type', 'default', 'value'] });
    const name = inner.require('name') ? inner.text('name') : undefined;
    if (name === undefined || !checkName(report, 'xyn/v0', name, inner.at('name'))) return [];
    return [{ name, pointer: inner.at('name') }];
  });
}

function v1Inputs(report: Report, fields: Fields): Map<string, InputInfo> {
  const types = new TypeReader(report);
  const inputs = new Map<string, InputInfo>();
  for (const [name, type] of Object.entries(fields.object('inputs') ?? {})) {
    const pointer = `${fields.at('inputs')}/${pointerToken(name)}`;
    checkName(report, 'xyn/v1', name, pointer, 'key');
    const { schema, optional } = types.read(type, pointer);
    inputs.set(name, { pointer, schema, required: !optional && !Object.hasOwn(schema, 'default') });
  }
  return inputs;
}

/** The inputs' JSON Schema for the plan. */
export function inputsSchema(inputs: ReadonlyMap<string, InputInfo>): JsonObject {
  const entries = [...inputs];
  const required = entries.filter(([, input]) => input.required).map(([name]) => name);
  return {
    type: 'object',
    properties: Object.fromEntries(entries.map(([name, { schema }]) => [name, schema])),
    ...(required.length === 0 ? {} : { required }),
    additionalProperties: false,
  };
}

/** What a run gives. */
interface WrittenOutputs {
  outputs: Record<string, Val>;
  /** JSON Schemas of those whose type is written. */
  declared: Map<string, JsonObject>;
}

/** The run's outputs: written ones, or in v0 those of the last step that has a field of that name. */
export function readOutputs(
  names: Names,
  values: Values,
  fields: Fields,
  { dialect, list }: { dialect: Dialect; list: StepList },
): WrittenOutputs {
  const scope = scopeAt(list, Infinity);
  const declared = new Map<string, JsonObject>();
  if (dialect === 'xyn/v0') {
    const items = namedItems(names.report, fields, 'outputs');
    return {
      outputs: Object.fromEntries(items.map(({ name, pointer }) => [name, bound(names, name, pointer)])),
      declared,
    };
  }
  const entries = Object.entries(fields.object('outputs') ?? {});
  const outputs = entries.map(([name, written]): [string, Val] => {
    const pointer = `${fields.at('outputs')}/${pointerToken(name)}`;
    checkName(names.report, dialect, name, pointer, 'key');
    if (!isLongForm(written)) return [name, values.value(written, pointer, scope)];
    const { type } = written;
    if (type !== undefined) declared.set(name, new TypeReader(names.report).read(type, `${pointer}/type`).schema);
    return [name, values.value(written['value'] as Json, `${pointer}/value`, scope)];
  });
  return { outputs: Object.fromEntries(outputs), declared };
}

function isLongForm(json: Json): json is JsonObject {
  if (!isJsonObject(json) || !Object.hasOwn(json, 'value')) return false;
  return Object.keys(json).every((key) => ['value', 'type', 'description'].includes(key));
}

function bound(names: Names, name: string, pointer: string): Val {
  const steps = [...names.steps].sort(([, a], [, b]) => b.ix - a.ix);
  const found = steps.find(([, step]) => step.outputs.includes(name));
  if (found === undefined) {
    names.report.add('output_unbound', pointer, `No step has an output \`${name}\`: it will be \`null\`.`);
    return null;
  }
  const [id] = found;
  names.reads.push(['steps', id, 'outputs', name]);
  return { $: ['.', ['.', ['.', ['v', 'steps'], id], 'outputs'], name] };
}
