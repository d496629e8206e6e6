import type { JsonObject } from '../../domain/json.js';
import { SCHEMA_KEYS, SHORT_TYPES } from '../document/types.js';
import { refTo, type FieldSchemas } from './schema-parts.js';

const NAMES = Object.keys(SHORT_TYPES).join('|');
const SHORT = `^\\s*(${NAMES})(\\[\\])*\\??\\s*$`;

const WORDS: FieldSchemas = {
  type: { description: 'The type, such as `string`, `int`, `number[]`, `timestamp?`.' },
  properties: { description: 'The fields of a map.', type: 'object', additionalProperties: refTo('type') },
  required: { description: 'Fields that must be there.', type: 'array', items: { type: 'string' } },
  additionalProperties: { description: 'Whether a map may have other fields.' },
  items: { description: 'The type of the items of a list.', ...refTo('type') },
  enum: { description: 'The values there are.', type: 'array', minItems: 1 },
  const: { description: 'The only value.' },
  default: { description: 'The value where none is given. A literal.' },
  description: { description: 'A text for people.', type: 'string' },
  'x-secret': { description: 'The value is the path of a secret, never the secret.', type: 'boolean' },
  'x-taint': { description: 'The value comes from outside.', type: 'boolean' },
  pattern: { description: 'A regular expression without look-around and back references.', type: 'string' },
};
const BOUND: JsonObject = { description: 'A bound of the value.', type: 'number' };

/** A declared type: a short form, a list of values, a map of fields, or a JSON Schema. */
export function typeSchema(): JsonObject {
  const words = Object.fromEntries(SCHEMA_KEYS.map((word) => [word, WORDS[word] ?? BOUND]));
  const isOneType = { properties: { type: { type: 'string', pattern: SHORT } }, required: ['type'] };
  const isTypeList = {
    properties: { type: { type: 'array', items: { enum: Object.keys(SHORT_TYPES) } } },
    required: ['type'],
  };
  const isUntyped = {
    not: { required: ['type'] },
    anyOf: [
      { properties: { enum: { type: 'array' } }, required: ['enum'] },
      { properties: { properties: { type: 'object' } }, required: ['properties'] },
    ],
  };
  return {
    anyOf: [
      { description: 'Such as `string`, `int[]`, `timestamp?`.', type: 'string', pattern: SHORT },
      {
        description: 'The values there are.',
        type: 'array',
        minItems: 1,
        items: { type: ['string', 'number', 'boolean', 'null'] },
      },
      {
        description: 'A map of fields, or a JSON Schema.',
        type: 'object',
        if: { anyOf: [isOneType, isTypeList, isUntyped] },
        then: { properties: words, additionalProperties: false },
        else: { additionalProperties: refTo('type') },
      },
    ],
  };
}
