import { describe, expect, it } from '@jest/globals';
import type { JsonObject } from '../domain/json.js';
import { structuredSchema } from './structured.js';

const closed = (properties: JsonObject, required = Object.keys(properties)): JsonObject => ({
  type: 'object',
  properties,
  required,
  additionalProperties: false,
});

describe('structuredSchema', () => {
  it('keeps what providers enforce and leaves out what they refuse', () => {
    const schema = closed({
      name: { type: 'string', minLength: 1, pattern: '^a', description: 'of the host', 'x-sink': 'host' },
      level: { enum: [1, 2], default: 1 },
      list: { type: 'array', minItems: 2, items: closed({ on: { const: true } }) },
      note: { anyOf: [{ type: 'string', maxLength: 9 }, { type: 'null' }] },
    });
    expect(structuredSchema({ ...schema, title: 'T' })).toEqual(
      closed({
        name: { type: 'string', description: 'of the host' },
        level: { type: 'number', enum: [1, 2] },
        list: { type: 'array', items: closed({ on: { type: 'boolean', const: true } }) },
        note: { anyOf: [{ type: 'string' }, { type: 'null' }] },
      }),
    );
    expect(structuredSchema(closed({}))).toEqual(closed({}));
  });

  const deep = (depth: number): JsonObject => (depth === 0 ? { type: 'string' } : closed({ in: deep(depth - 1) }));

  it.each<[string, JsonObject]>([
    ['an open object', { ...closed({ a: { type: 'string' } }), additionalProperties: true }],
    ['an object that says nothing of others', { type: 'object', properties: {} }],
    ['a member that may be left out', closed({ a: { type: 'string' } }, [])],
    ['a map', closed({ a: { type: 'object', additionalProperties: { type: 'string' } } })],
    ['oneOf', closed({ a: { oneOf: [{ type: 'string' }] } })],
    ['a reference', closed({ a: { $ref: '#/$defs/a' } })],
    ['several types at once', closed({ a: { type: ['string', 'null'] } })],
    ['an enumeration of objects', closed({ a: { enum: [{}] } })],
    ['an enumeration of several types', closed({ a: { enum: [1, 'a'] } })],
    ['a list of anything', closed({ a: { type: 'array', items: {} } })],
    ['a list that names no items', closed({ a: { type: 'array' } })],
    ['no type', closed({ a: {} })],
    ['members without a type', closed({ a: { properties: {} } })],
    ['an empty choice', closed({ a: { anyOf: [] } })],
    ['great depth', deep(9)],
    ['a list', { type: 'array', items: { type: 'string' } }],
  ])('has no words for %s', (_what, schema) => {
    expect(structuredSchema(schema)).toBeUndefined();
  });
});
