import { compileBlueprint } from '../language/index.js';
import { PACKS } from '../registry/packs.js';
import { ActionRegistry } from '../registry/registry.js';
import type { Compilation } from '../services/blueprints.js';

/** Those that there is an adapter for, whether or not their key is set: a document may be written before it is. */
const PROVIDERS = [{ name: 'openai' }, { name: 'anthropic' }];

/** The compiler of blueprints over the actions of all packs. */
export function createCompiler(): (bytes: Uint8Array) => Promise<Compilation> {
  const context = { actions: new ActionRegistry(PACKS).catalog(), providers: PROVIDERS };
  return (bytes) => compileBlueprint(bytes, context);
}
