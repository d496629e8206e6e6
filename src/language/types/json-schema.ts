import { isJsonObject, type Json, type JsonObject } from '../../domain/json.js';
import { any, list, map, merge, nullable, plain, record, text, withTaint, type Field, type Type } from './type.js';

const PLAIN: Readonly<Record<string, Type>> = {
  integer: plain('int'),
  number: plain('double'),
  boolean: plain('bool'),
  null: plain('null'),
};

/** Contracts are few and are asked for at every step. */
const known = new WeakMap<JsonObject, Type>();

/** The type of the values that a JSON Schema takes (language §6.2). What it cannot say is `any`. */
export function typeOfSchema(schema: Json | undefined): Type {
  if (!isJsonObject(schema)) return any();
  const made = known.get(schema);
  if (made !== undefined) return made;
  const type = schema['x-taint'] === true ? withTaint(shapeOf(schema), true) : shapeOf(schema);
  known.set(schema, type);
  return type;
}

function shapeOf(schema: JsonObject): Type {
  const values = Array.isArray(schema['enum']) ? schema['enum'] : 'const' in schema ? [schema['const']] : undefined;
  if (values !== undefined) return typeOfValues(values);
  const { type } = schema;
  if (Array.isArray(type)) {
    const others = type.filter((name) => name !== 'null');
    const [only] = others;
    if (others.length !== 1) return any();
    const base = shapeOf({ ...schema, type: only as Json });
    return others.length < type.length ? nullable(base) : base;
  }
  return typeof type === 'string' ? namedShape(type, schema) : unnamedShape(schema);
}

function namedShape(type: string, schema: JsonObject): Type {
  if (Object.hasOwn(PLAIN, type)) return PLAIN[type] as Type;
  if (type === 'string') return text();
  if (type === 'array') return list(typeOfSchema(schema['items']));
  return type === 'object' ? objectShape(schema) : any();
}

function unnamedShape(schema: JsonObject): Type {
  const choices = schema['anyOf'] ?? schema['oneOf'];
  if (Array.isArray(choices)) {
    const others = choices.filter((one) => !isJsonObject(one) || one['type'] !== 'null');
    if (others.length === 1 && choices.length === 2) return nullable(typeOfSchema(others[0]));
    return any(choices.some((one) => typeOfSchema(one).tainted));
  }
  return isJsonObject(schema['properties']) ? objectShape(schema) : any();
}

function objectShape({ properties, required, additionalProperties }: JsonObject): Type {
  if (!isJsonObject(properties)) {
    if (additionalProperties === false) return record(new Map());
    return map(typeOfSchema(additionalProperties));
  }
  const fields = Object.entries(properties).map(([name, schema]): [string, Field] => {
    const optional = !Array.isArray(required) || !required.includes(name);
    return [name, { type: typeOfSchema(schema), optional }];
  });
  return record(new Map(fields), additionalProperties !== false);
}

/** The type of one of several values. */
function typeOfValues(values: readonly Json[]): Type {
  const others = values.filter((value) => value !== null);
  if (others.length < values.length) return others.length === 0 ? plain('null') : nullable(typeOfValues(others));
  if (others.every((value) => typeof value === 'string')) return text(false, others);
  if (others.every((value) => typeof value === 'boolean')) return plain('bool');
  if (others.every((value) => typeof value === 'number'))
    return plain(others.every((value) => Number.isSafeInteger(value)) ? 'int' : 'double');
  return any();
}

/** The type of a literal value. Texts of a document are its author's, so none is tainted and any other could stand there. */
export function typeOfJson(json: Json): Type {
  if (json === null) return plain('null');
  if (typeof json === 'string') return text();
  if (typeof json === 'boolean') return plain('bool');
  if (typeof json === 'number') return plain(Number.isSafeInteger(json) ? 'int' : 'double');
  if (Array.isArray(json)) return list(mergedItems(json.map(typeOfJson)));
  const fields = Object.entries(json).map(([name, member]): [string, Field] => [
    name,
    { type: typeOfJson(member), optional: false },
  ]);
  return record(new Map(fields));
}

/** The type of the items of a list. */
export function mergedItems(items: readonly Type[]): Type {
  return items.length === 0 ? any() : items.reduce(merge);
}
