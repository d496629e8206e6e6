import { isJsonObject, type Json, type JsonObject } from '../domain/json.js';

/** What providers do not enforce and mostly refuse; answers are checked against the whole schema afterwards. */
const LEFT_OUT = new Set([
  ...['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'multipleOf'],
  ...['minLength', 'maxLength', 'pattern', 'format', 'minItems', 'maxItems', 'uniqueItems'],
  ...['minProperties', 'maxProperties', 'default', 'examples', 'title', '$schema', '$id', '$comment'],
  ...['x-sink', 'x-secret', 'x-taint'],
]);
const MAX_DEPTH = 5;

/**
 * A schema in the subset that providers hold a model to while it writes: closed objects whose members are all required,
 * lists, scalars, enumerations, `anyOf`. Undefined where the schema says something else; then the prompt alone asks for it.
 */
export function structuredSchema(schema: JsonObject): JsonObject | undefined {
  const strict = strictOf(schema, 0);
  return strict?.['type'] === 'object' ? strict : undefined;
}

function strictOf(schema: Json | undefined, depth: number): JsonObject | undefined {
  if (!isJsonObject(schema) || depth > MAX_DEPTH) return undefined;
  const out: JsonObject = {};
  for (const [keyword, value] of Object.entries(schema)) {
    if (LEFT_OUT.has(keyword) || OF_OBJECTS.has(keyword)) continue;
    const strict = strictKeyword(keyword, value, depth);
    if (strict === undefined) return undefined;
    out[keyword] = strict;
  }
  if (schema['type'] !== 'object') {
    if (OF_OBJECTS_SOME.some((name) => name in schema)) return undefined;
    if (schema['type'] === 'array' && !('items' in schema)) return undefined;
    return typed(out);
  }
  const members = strictMembers(schema, depth);
  return members === undefined ? undefined : { ...out, ...members };
}

const OF_OBJECTS_SOME = ['properties', 'required', 'additionalProperties'];
const OF_OBJECTS = new Set(OF_OBJECTS_SOME);

function strictKeyword(keyword: string, value: Json, depth: number): Json | undefined {
  switch (keyword) {
    case 'type':
    case 'description':
      return typeof value === 'string' ? value : undefined;
    case 'const':
      return isScalar(value) ? value : undefined;
    case 'enum':
      return Array.isArray(value) && value.every(isScalar) ? value : undefined;
    case 'items':
      return strictOf(value, depth + 1);
    case 'anyOf': {
      const choices = Array.isArray(value) ? value.map((choice) => strictOf(choice, depth + 1)) : [];
      return choices.length > 0 && choices.every((choice) => choice !== undefined) ? choices : undefined;
    }
    default:
      return undefined;
  }
}

function strictMembers(schema: JsonObject, depth: number): JsonObject | undefined {
  const { properties = {}, required = [], additionalProperties } = schema;
  if (additionalProperties !== false || !isJsonObject(properties) || !Array.isArray(required)) return undefined;
  const out: JsonObject = {};
  for (const [name, member] of Object.entries(properties)) {
    const strict = required.includes(name) ? strictOf(member, depth + 1) : undefined;
    if (strict === undefined) return undefined;
    out[name] = strict;
  }
  return { properties: out, required: Object.keys(out), additionalProperties: false };
}

/** Providers want a type beside every enumeration. */
function typed(schema: JsonObject): JsonObject | undefined {
  if ('type' in schema || 'anyOf' in schema) return schema;
  const values = Array.isArray(schema['enum']) ? schema['enum'] : 'const' in schema ? [schema['const']] : [];
  const types = new Set(values.map((value) => typeof value));
  const [type] = types;
  return types.size === 1 && type !== 'object' ? { type: type as string, ...schema } : undefined;
}

function isScalar(value: Json): boolean {
  return value === null || typeof value !== 'object';
}
