import { Ajv2020 } from 'ajv/dist/2020.js';
import formats from 'ajv-formats';
import { durationMs } from '../../domain/duration.js';
import { isJsonObject, type Json, type JsonObject } from '../../domain/json.js';
import { Memo } from '../../domain/memo.js';
import { pointerToken } from '../source.js';
import { nearestName } from '../suggestion.js';
import type { Report } from './report.js';

/** A declared type as JSON Schema. */
export interface DeclaredType {
  schema: JsonObject;
  /** Written with `?`: may be null or absent. */
  optional: boolean;
}

/** Names of types with what they stand for. */
export const SHORT_TYPES: Readonly<Record<string, JsonObject>> = {
  string: { type: 'string' },
  int: { type: 'integer' },
  integer: { type: 'integer' },
  number: { type: 'number' },
  bool: { type: 'boolean' },
  boolean: { type: 'boolean' },
  any: {},
  object: { type: 'object' },
  array: { type: 'array' },
  null: { type: 'null' },
  timestamp: { type: 'string', format: 'date-time' },
  duration: { type: 'string', format: 'duration' },
};
const NAMES = ['string', 'int', 'number', 'bool', 'any', 'timestamp', 'duration'];
/** Words of JSON Schema that types may use. */
export const SCHEMA_KEYS = [
  'type',
  'properties',
  'required',
  'additionalProperties',
  'items',
  'enum',
  'const',
  'default',
  'minimum',
  'maximum',
  'minLength',
  'maxLength',
  'pattern',
  'minItems',
  'maxItems',
  'description',
  'x-secret',
  'x-taint',
];
const SECRET_PATTERN = '^[a-z0-9_-]+(/[a-z0-9_.-]+)*$';
/** How the path of a secret is written (language §6.1). */
export const SECRET_PATH = new RegExp(SECRET_PATTERN);
const MAX_DEPTH = 16;

/**
 * Compiles JSON Schemas to validators; keeps each schema until it is removed.
 * @param validateSchema whether a schema may be none, and must then throw: the schema of schemas, which takes longer to
 *   compile than all contracts, is compiled for that. Contracts and what `TypeReader` gave are schemas.
 */
export function schemaChecker(validateSchema = false): Ajv2020 {
  const ajv = new Ajv2020({ allErrors: true, strict: false, logger: false, ownProperties: true, validateSchema });
  (formats as unknown as (target: Ajv2020) => void)(ajv);
  ajv.addFormat('duration', (text: string) => durationMs(text) !== undefined);
  return ajv;
}

/** Making a checker costs more than most schemas do. */
const declarations = schemaChecker(true);
const MAX_KEPT = 500;
/** What is wrong with declarations that were looked at, by their text: compiling one takes half a millisecond. */
const looked = new Memo<string, string | undefined>(MAX_KEPT);
/** Characters of a declaration that is kept. */
const MAX_KEPT_TEXT = 2_000;
const NO_SCHEMA = 'This is not a valid JSON Schema.';
const NO_DEFAULT = 'The default is not of the declared type.';

/** Reads declarations of types, short or JSON Schema (language §6.1), and reports what is wrong with them. */
export class TypeReader {
  readonly #report: Report;

  constructor(report: Report) {
    this.#report = report;
  }

  read(json: Json, pointer: string, depth = 0): DeclaredType {
    if (depth > MAX_DEPTH) return this.#invalid(pointer, 'Types are nested too deep.');
    if (typeof json === 'string') return this.#short(json, pointer);
    if (Array.isArray(json)) return this.#enumeration(json, pointer);
    if (!isJsonObject(json)) return this.#invalid(pointer, 'A type is a name, a list of values or a map.');
    return isSchema(json) ? this.#schema(json, pointer, depth) : this.#record(json, pointer, depth);
  }

  #invalid(pointer: string, message: string, suggestion?: string): DeclaredType {
    this.#report.add('input_schema_invalid', pointer, message, { suggestion });
    return { schema: {}, optional: false };
  }

  #short(text: string, pointer: string): DeclaredType {
    const match = /^([A-Za-z]+)((?:\[\])*)(\?)?$/.exec(text.trim());
    const name = match?.[1] ?? text;
    if (match === null || !Object.hasOwn(SHORT_TYPES, name))
      return this.#invalid(pointer, `There is no type \`${text}\`.`, nearestName(name, NAMES));
    let schema: JsonObject = { ...SHORT_TYPES[name] };
    for (let levels = (match[2] as string).length / 2; levels > 0; levels -= 1)
      schema = { type: 'array', items: schema };
    return match[3] === undefined ? { schema, optional: false } : { schema: nullable(schema), optional: true };
  }

  #enumeration(values: Json[], pointer: string): DeclaredType {
    if (values.length === 0) return this.#invalid(pointer, 'A list of values needs at least one.');
    if (values.some((value) => typeof value === 'object' && value !== null))
      return this.#invalid(pointer, 'A list of values holds texts, numbers or bools.');
    return { schema: { enum: values }, optional: false };
  }

  #record(json: JsonObject, pointer: string, depth: number): DeclaredType {
    return { schema: this.#object(json, pointer, depth), optional: false };
  }

  #object(json: JsonObject, pointer: string, depth: number): JsonObject {
    const members = Object.entries(json).map(([key, type]): [string, DeclaredType] => [
      key,
      this.read(type, `${pointer}/${pointerToken(key)}`, depth + 1),
    ]);
    const required = members
      .filter(([, { schema, optional }]) => !optional && !Object.hasOwn(schema, 'default'))
      .map(([key]) => key);
    return {
      type: 'object',
      properties: Object.fromEntries(members.map(([key, { schema }]) => [key, schema])),
      ...(required.length === 0 ? {} : { required }),
      additionalProperties: false,
    };
  }

  #schema(json: JsonObject, pointer: string, depth: number): DeclaredType {
    for (const key of Object.keys(json)) {
      if (SCHEMA_KEYS.includes(key)) continue;
      this.#report.add(
        'input_schema_invalid',
        `${pointer}/${pointerToken(key)}`,
        `\`${key}\` is not available in types.`,
        {
          what: 'key',
          suggestion: nearestName(key, SCHEMA_KEYS),
        },
      );
      return { schema: {}, optional: false };
    }
    const { type, properties, items, ...rest } = json;
    const base = typeof type === 'string' ? this.#short(type, `${pointer}/type`) : undefined;
    const schema: JsonObject = {
      ...rest,
      ...(base === undefined ? (type === undefined ? {} : { type }) : base.schema),
    };
    if (isJsonObject(properties)) this.#properties(schema, properties, json, pointer, depth);
    if (items !== undefined) schema['items'] = this.read(items, `${pointer}/items`, depth + 1).schema;
    if (json['x-secret'] === true) schema['pattern'] ??= SECRET_PATTERN;
    this.#checkSchema(schema, pointer);
    return { schema, optional: base?.optional === true };
  }

  #properties(schema: JsonObject, properties: JsonObject, json: JsonObject, pointer: string, depth: number): void {
    const object = this.#object(properties, `${pointer}/properties`, depth);
    schema['type'] ??= 'object';
    schema['properties'] = object['properties'] as Json;
    // Fields of a JSON Schema are required only where it says so.
    if (json['required'] !== undefined) schema['required'] = json['required'];
    schema['additionalProperties'] = json['additionalProperties'] ?? true;
  }

  #checkSchema(schema: JsonObject, pointer: string): void {
    const { default: fallback } = schema;
    const pattern = schema['pattern'];
    if (typeof pattern === 'string' && /\(\?[=!<]|\\[1-9]/.test(pattern)) {
      this.#invalid(`${pointer}/pattern`, 'Patterns have no look-around and no back references.');
      return;
    }
    if (typeof fallback === 'string' && fallback.includes('{{')) {
      const offset = fallback.indexOf('{{');
      this.#report.add('template_in_static', `${pointer}/default`, 'A default takes no templates.', { offset });
      return;
    }
    const wrong = wrongWith(schema);
    if (wrong !== undefined) this.#invalid(wrong === NO_DEFAULT ? `${pointer}/default` : pointer, wrong);
  }
}

function wrongWith(schema: JsonObject): string | undefined {
  const text = JSON.stringify(schema);
  return text.length > MAX_KEPT_TEXT ? compileDeclaration(schema) : looked.get(text, () => compileDeclaration(schema));
}

function compileDeclaration({ default: fallback, ...schema }: JsonObject): string | undefined {
  try {
    const validate = declarations.compile(schema);
    return fallback === undefined || validate(fallback) ? undefined : NO_DEFAULT;
  } catch {
    return NO_SCHEMA;
  } finally {
    // It keeps every schema, for ever: only the compiled function is wanted.
    declarations.removeSchema(schema);
  }
}

/** A map whose `type` names a type, or that has another word that only schemas have. */
function isSchema(json: JsonObject): boolean {
  const { type } = json;
  if (typeof type === 'string') return Object.hasOwn(SHORT_TYPES, type.replace(/(\[\])*\??$/, ''));
  return Array.isArray(type)
    ? type.every((name) => typeof name === 'string' && Object.hasOwn(SHORT_TYPES, name))
    : type === undefined && (Array.isArray(json['enum']) || isJsonObject(json['properties']) || '$ref' in json);
}

function nullable(schema: JsonObject): JsonObject {
  if (typeof schema['type'] !== 'string') return schema;
  return { ...schema, type: [schema['type'], 'null'] };
}
