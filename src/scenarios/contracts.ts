import { z } from 'zod';
import type { ActionCatalog, CatalogAction } from '../domain/action-catalog.js';
import { sha256Hex } from '../domain/hash.js';
import { canonicalJson, isJsonObject, type Json, type JsonObject } from '../domain/json.js';
import { Report } from '../language/document/report.js';
import { TypeReader } from '../language/document/types.js';
import type { Problem } from '../language/problem.js';
import type { Source } from '../language/source.js';
import { pointerTo, schemaProblems } from './problems.js';

const type = z.custom<Json>((value) => value !== undefined, { message: 'A type is missing.' });
const contractsSchema = z.record(
  z.string().regex(/^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+$/),
  z.strictObject({
    input: type,
    output: type,
    effect: z.enum(['read', 'write', 'destructive']),
    idempotency: z.enum(['safe', 'keyed', 'none']),
    errors: z.record(z.string(), z.boolean()).default({}),
    // Read with undo, which is not there yet; a contract that says how it is undone is right all the same.
    inverse: z.unknown().optional(),
  }),
);
type Written = z.output<typeof contractsSchema>[string];

const SECRET: JsonObject = {
  type: 'object',
  properties: { secret: { type: 'string' } },
  required: ['secret'],
  additionalProperties: false,
  'x-secret': true,
};

/** Contracts of actions that are not installed, from the file that `actions:` names (language §11). */
export function readContracts(source: Source): { actions: Map<string, CatalogAction> } | { problems: Problem[] } {
  const parsed = contractsSchema.safeParse(source.value);
  if (!parsed.success) return { problems: schemaProblems(source, parsed.error.issues) };
  const report = new Report(source);
  const types = new TypeReader(report);
  const actions = new Map(
    Object.entries(parsed.data).map(([name, written]) => [name, contractOf(types, name, written)]),
  );
  return report.isClean ? { actions } : { problems: report.problems() };
}

function contractOf(types: TypeReader, name: string, written: Written): CatalogAction {
  const { effect, idempotency, errors } = written;
  const contract = {
    input: schemaOf(types, written.input, pointerTo(name, 'input')),
    output: schemaOf(types, written.output, pointerTo(name, 'output')),
    traits: { effect, idempotency },
    errors: Object.fromEntries(Object.entries(errors).map(([code, retryable]) => [code, { retryable }])),
  };
  return { pack: 'scenario', contract: `sha256:${sha256Hex(canonicalJson(contract))}`, static: [], ...contract };
}

/** A type with the marks of its fields, which declarations of inputs do not have. */
function schemaOf(types: TypeReader, written: Json, pointer: string): JsonObject {
  const marks = new Map<string, JsonObject>();
  const plain = isJsonObject(written) ? withoutMarks(written, marks) : written;
  const { schema } = types.read(plain, pointer);
  const properties = schema['properties'];
  if (!isJsonObject(properties)) return schema;
  for (const [field, own] of marks) {
    const before = properties[field];
    if (isJsonObject(before)) properties[field] = own['x-secret'] === true ? SECRET : { ...before, ...own };
  }
  return schema;
}

function withoutMarks(written: JsonObject, marks: Map<string, JsonObject>): JsonObject {
  return Object.fromEntries(
    Object.entries(written).map(([field, member]): [string, Json] => {
      if (!isJsonObject(member)) return [field, member];
      const entries = Object.entries(member);
      const own = entries.filter(([key]) => key === 'x-sink' || key === 'x-secret' || key === 'x-taint');
      if (own.length > 0) marks.set(field, Object.fromEntries(own));
      return [field, Object.fromEntries(entries.filter((entry) => !own.includes(entry)))];
    }),
  );
}

/** The installed actions, and those of a file beside them. An installed action is the real one. */
export function withContracts(installed: ActionCatalog, more: ReadonlyMap<string, CatalogAction>): ActionCatalog {
  return {
    find: (name) => installed.find(name) ?? more.get(name),
    names: () => [...new Set([...installed.names(), ...more.keys()])].sort(),
  };
}

/** The same catalog, asked once for each action: schemas are made anew at every question. */
export function remembered(catalog: ActionCatalog): ActionCatalog {
  const known = new Map<string, CatalogAction | undefined>();
  return {
    names: () => catalog.names(),
    find(name) {
      if (!known.has(name)) known.set(name, catalog.find(name));
      return known.get(name);
    },
  };
}
