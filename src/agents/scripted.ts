import { isJsonObject, type Json, type JsonObject } from '../domain/json.js';
import type { Provider } from './provider.js';

const CANNED = 'Canned answer: no model was asked (XYN_AGENTS=scripted).';

/** Answers without a model, the same every time, and says so in every text. For stage dev. */
export function scriptedProvider(): Provider {
  return {
    complete({ output, turns }) {
      const text =
        output === undefined
          ? `${CANNED}\n\nThe prompt was:\n\n${turns[0]?.content ?? ''}`
          : JSON.stringify(sampleOf(output, output, 0));
      return Promise.resolve(text);
    },
  };
}

/** A small value that fits a schema of the usual kinds; others fail the check of the answer. */
function sampleOf(schema: Json | undefined, root: JsonObject, depth: number): Json {
  if (!isJsonObject(schema) || depth > 20) return CANNED;
  const { $ref: ref, const: fixed, enum: values, default: usual, type, anyOf, oneOf } = schema;
  if (typeof ref === 'string') return sampleOf(resolve(ref, root), root, depth + 1);
  if (fixed !== undefined) return fixed;
  if (Array.isArray(values)) return values[0] ?? null;
  if (usual !== undefined) return usual;
  const choices = anyOf ?? oneOf;
  if (Array.isArray(choices)) return sampleOf(choices[0], root, depth + 1);
  switch (Array.isArray(type) ? type[0] : type) {
    case 'integer':
    case 'number':
      return typeof schema['minimum'] === 'number' ? schema['minimum'] : 0;
    case 'boolean':
      return false;
    case 'null':
      return null;
    case 'array':
      return listOf(schema, root, depth);
    case 'string':
      return textOf(schema);
    default:
      return objectOf(schema, root, depth);
  }
}

function textOf({ minLength, maxLength, format }: JsonObject): string {
  if (format === 'date-time') return '2000-01-01T00:00:00Z';
  if (format === 'date') return '2000-01-01';
  const long = CANNED.padEnd(typeof minLength === 'number' ? Math.min(minLength, 10_000) : 0, '.');
  return typeof maxLength === 'number' ? long.slice(0, maxLength) : long;
}

function listOf({ items, minItems }: JsonObject, root: JsonObject, depth: number): Json {
  const length = typeof minItems === 'number' ? Math.min(minItems, 100) : 0;
  return Array.from({ length }, () => sampleOf(items, root, depth + 1));
}

function objectOf({ properties, required }: JsonObject, root: JsonObject, depth: number): Json {
  const members = isJsonObject(properties) ? properties : {};
  const needed = Array.isArray(required) ? required : [];
  const names = new Set([...Object.keys(members), ...needed.filter((name) => typeof name === 'string')]);
  return Object.fromEntries([...names].map((name) => [name, sampleOf(members[name], root, depth + 1)]));
}

function resolve(ref: string, root: JsonObject): Json | undefined {
  if (!ref.startsWith('#/')) return undefined;
  let at: Json | undefined = root;
  for (const key of ref.slice(2).split('/')) {
    at = isJsonObject(at) ? at[key.replaceAll('~1', '/').replaceAll('~0', '~')] : undefined;
  }
  return at;
}
