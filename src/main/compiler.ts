import { isJsonObject, type JsonObject } from '../domain/json.js';
import type { TargetFields } from '../domain/plan-preview.js';
import { compileBlueprint, documentSchema, type CompileContext } from '../language/index.js';
import { PACKS } from '../registry/packs.js';
import { ActionRegistry } from '../registry/registry.js';
import type { Compilation } from '../services/blueprints.js';
import { applyLimits, type LimitRails } from '../services/plan-limits.js';

/** Those that there is an adapter for, whether or not their key is set: a document may be written before it is. */
const PROVIDERS = [{ name: 'openai' }, { name: 'anthropic' }];

/** What blueprints are compiled against: the actions of all packs. */
export function compileContext(): CompileContext {
  return { actions: new ActionRegistry(PACKS).catalog(), providers: PROVIDERS };
}

/** JSON Schema of documents with the actions of all packs. */
export function createDocumentSchema(): JsonObject {
  return documentSchema(compileContext());
}

/** The compiler of blueprints over the actions of all packs, with the limits of the deployment; default: those of the language. */
export function createCompiler(rails?: LimitRails): (bytes: Uint8Array) => Promise<Compilation> {
  const context = compileContext();
  return async (bytes) => {
    const compilation = await compileBlueprint(bytes, context);
    const { compiled } = compilation;
    return rails === undefined || compiled === undefined
      ? compilation
      : applyLimits(compilation, rails, compiled.writtenLimits);
  };
}

/** Which inputs of the actions of all packs say where they work: those that are marked as sinks of the kind `host`. */
export function createTargetFields(): TargetFields {
  const catalog = new ActionRegistry(PACKS).catalog();
  return (name) => {
    const properties = catalog.find(name)?.input['properties'];
    const entries = isJsonObject(properties) ? Object.entries(properties) : [];
    return entries.flatMap(([field, schema]) => (isJsonObject(schema) && schema['x-sink'] === 'host' ? [field] : []));
  };
}
