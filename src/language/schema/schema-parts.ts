import type { Json, JsonObject } from '../../domain/json.js';
import { RESERVED_NAMES, type Dialect } from '../document/step-fields.js';

/** Field names with their schemas. */
export type FieldSchemas = Readonly<Record<string, JsonObject>>;

const V1_NAME = '^[a-z][a-z0-9_]{0,62}$';
const V0_NAME = '^[A-Za-z][A-Za-z0-9_-]{0,62}$';

/** A reference to a definition of the same document. */
export function refTo(definition: string): JsonObject {
  return { $ref: `#/$defs/${definition}` };
}

/** A text of at most `max` characters. */
export function text(description: string, max = 200): JsonObject {
  return { description, type: 'string', maxLength: max };
}

/** A field that takes values with templates at any depth. */
export function value(description: string): JsonObject {
  return { description };
}

/** One expression without `{{ }}`. */
export function condition(description: string): JsonObject {
  return { description, type: ['string', 'boolean'] };
}

/** A whole number. */
export function count(description: string, minimum: number, maximum: number): JsonObject {
  return { description, type: 'integer', minimum, maximum };
}

/** `true` or `false`. */
export function flag(description: string): JsonObject {
  return { description, type: 'boolean' };
}

/** One of a few words. */
export function oneOf(description: string, words: readonly string[]): JsonObject {
  return { description, enum: [...words] };
}

/** A duration such as `90s`. */
export function duration(description: string): JsonObject {
  return { description, ...refTo('duration') };
}

/** A list. */
export function listOf(description: string, items: JsonObject, minItems = 0): JsonObject {
  return { description, type: 'array', items, ...(minItems === 0 ? {} : { minItems }) };
}

/** A map whose keys are names that authors choose. */
export function namedMap(description: string, members: JsonObject, dialect: Dialect = 'xyn/v1'): JsonObject {
  return { description, type: 'object', propertyNames: nameOf(dialect), additionalProperties: members };
}

/** A map with just these fields. */
export function closed(properties: FieldSchemas, required: readonly string[] = []): JsonObject {
  return {
    type: 'object',
    properties: { ...properties },
    ...(required.length === 0 ? {} : { required: [...required] }),
    additionalProperties: false,
  };
}

/** What a name of a step, input, output or entry looks like. */
export function nameOf(dialect: Dialect): JsonObject {
  if (dialect === 'xyn/v0') return { type: 'string', pattern: V0_NAME };
  return { type: 'string', pattern: V1_NAME, not: { enum: [...RESERVED_NAMES] } };
}

/** `then` where a field has that value. */
export function whereFieldIs(field: string, is: Json, then: JsonObject): JsonObject {
  return { if: { properties: { [field]: { const: is } }, required: [field] }, then };
}
