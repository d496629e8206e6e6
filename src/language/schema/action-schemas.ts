import { isJsonObject, type Json, type JsonObject } from '../../domain/json.js';
import type { ActionCatalog, CatalogAction } from '../../domain/action-catalog.js';
import { refTo, whereFieldIs } from './schema-parts.js';

/** The names of all actions, each with what it does. */
export function actionNames(actions: ActionCatalog): JsonObject {
  const choices = actions.names().map((name): JsonObject => {
    const summary = actions.find(name)?.summary;
    return { const: name, ...(summary === undefined ? {} : { description: summary }) };
  });
  return { description: 'The action that is called.', anyOf: choices };
}

const inputName = (action: string): string => `with_${action}`;

/** Definitions of what the `with` of every action takes. */
export function actionInputs(actions: ActionCatalog): [name: string, schema: JsonObject][] {
  return actions.names().flatMap((name): [string, JsonObject][] => {
    const action = actions.find(name);
    return action === undefined ? [] : [[inputName(name), inputOf(action)]];
  });
}

/** For every action which of those definitions its `with` has. */
export function actionRules(actions: ActionCatalog): JsonObject[] {
  return actionInputs(actions).map(([definition, { required }]) => {
    const then = { properties: { with: refTo(definition) }, ...(required === undefined ? {} : { required: ['with'] }) };
    return whereFieldIs('action', definition.slice(inputName('').length), then);
  });
}

/** The inputs of an action as they are written: a secret by its reference, other values perhaps as templates. */
function inputOf(action: CatalogAction): JsonObject {
  const { properties, required, additionalProperties = true } = action.input;
  const written: Record<string, Json> = {};
  const secrets = new Set<string>();
  for (const [name, schema] of Object.entries(isJsonObject(properties) ? properties : {})) {
    const isStatic = action.static.includes(name);
    written[name] = isStatic ? asWritten(schema) : withTemplates(schema);
    if (!isJsonObject(schema) || schema['x-secret'] !== true) continue;
    secrets.add(name);
    written[`${name}_ref`] = { description: `The path of the secret that \`${name}\` takes.`, type: 'string' };
  }
  // A secret may come by its path instead.
  const needed = Array.isArray(required)
    ? required.filter((name) => typeof name !== 'string' || !secrets.has(name))
    : [];
  return {
    description: action.summary ?? 'The inputs of the action.',
    type: 'object',
    properties: written,
    ...(needed.length === 0 ? {} : { required: needed }),
    additionalProperties: isJsonObject(additionalProperties)
      ? withTemplates(additionalProperties)
      : additionalProperties,
  };
}

/** A schema, or a text with a template in place of its value. */
function withTemplates(schema: Json): Json {
  if (isJsonObject(schema) && schema['x-secret'] === true) return asWritten(schema);
  const { description, default: fallback, ...rest } = isJsonObject(schema) ? asWritten(schema) : {};
  const notes = {
    ...(description === undefined ? {} : { description }),
    ...(fallback === undefined ? {} : { default: fallback }),
  };
  if (takesAnyText(rest)) return { ...notes, ...rest };
  return { ...notes, anyOf: [rest, refTo('template')] };
}

function takesAnyText(schema: JsonObject): boolean {
  const [only, ...others] = Object.keys(schema);
  return only === undefined || (only === 'type' && others.length === 0 && schema['type'] === 'string');
}

/** A schema without marks of ours; what it says by reference to itself is left open. */
function asWritten(schema: Json): JsonObject {
  if (!isJsonObject(schema)) return {};
  const notes = typeof schema['description'] === 'string' ? { description: schema['description'] } : {};
  if (schema['x-secret'] === true) return { ...refTo('secret'), ...notes };
  if (Object.hasOwn(schema, '$ref')) return notes;
  // Here the word stands for durations of the language, in JSON Schema for those of ISO 8601 alone.
  if (schema['format'] === 'duration') return { ...refTo('duration'), ...notes };
  const written: Record<string, Json> = {};
  for (const [word, said] of Object.entries(schema)) {
    if (word.startsWith('x-') || word.startsWith('$')) continue;
    written[word] = wordAsWritten(word, said);
  }
  return written;
}

function wordAsWritten(word: string, said: Json): Json {
  if (word === 'properties' && isJsonObject(said))
    return Object.fromEntries(Object.entries(said).map(([name, member]) => [name, withTemplates(member)]));
  if ((word === 'additionalProperties' || word === 'items') && isJsonObject(said)) return withTemplates(said);
  if (['anyOf', 'oneOf', 'allOf'].includes(word) && Array.isArray(said)) return said.map(asWritten);
  return said;
}
