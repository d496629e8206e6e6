import { z } from 'zod';
import type { ActionCatalog, CatalogAction } from '../domain/action-catalog.js';
import type { ActionSource, AnyAction, Pack, RegisteredAction } from '../domain/action.js';
import { sha256Hex } from '../domain/hash.js';
import { canonicalJson, isJsonObject, type Json, type JsonObject } from '../domain/json.js';

/** All actions by name. Built once from an explicit list of packs. */
export class ActionRegistry implements ActionSource {
  readonly #actions = new Map<string, RegisteredAction>();
  /** Schemas are made once: a document asks for the same action at each of its steps. */
  readonly #entries = new Map<string, CatalogAction>();

  /** @throws Error when two packs bring an action of the same name. */
  constructor(packs: readonly Pack[]) {
    for (const pack of packs) {
      for (const action of pack.actions) {
        if (this.#actions.has(action.name)) throw new Error(`two packs bring ${action.name}`);
        this.#actions.set(action.name, {
          action,
          pack: `${pack.name}@${pack.version}`,
          contract: contractDigestOf(action),
        });
      }
    }
  }

  find(name: string): RegisteredAction | undefined {
    return this.#actions.get(name);
  }

  names(): string[] {
    return [...this.#actions.keys()].sort();
  }

  /** The contracts of all actions, as the compiler needs them. */
  catalog(): ActionCatalog {
    return {
      names: () => this.names(),
      find: (name) => this.#entry(name),
    };
  }

  #entry(name: string): CatalogAction | undefined {
    const known = this.#entries.get(name);
    const registered = this.#actions.get(name);
    if (known !== undefined || registered === undefined) return known;
    const entry = catalogEntryOf(registered);
    this.#entries.set(name, entry);
    return entry;
  }
}

function catalogEntryOf({ action, pack, contract }: RegisteredAction): CatalogAction {
  return {
    pack,
    contract,
    summary: action.summary,
    ...schemasOf(action),
    traits: action.traits,
    ...(action.traitsOf === undefined ? {} : { traitsOf: (literal) => action.traitsOf?.(literal) ?? action.traits }),
    static: action.static ?? [],
    errors: action.errors,
  };
}

/** JSON Schemas of input and output; what JSON Schema cannot say is left open. */
function schemasOf(action: AnyAction): { input: JsonObject; output: JsonObject } {
  return {
    input: z.toJSONSchema(action.input, { io: 'input', unrepresentable: 'any' }) as JsonObject,
    output: z.toJSONSchema(action.output, { io: 'output', unrepresentable: 'any' }) as JsonObject,
  };
}

/** `sha256:` and hex over what a plan relies on (language §8.1): schemas, traits and declared errors; not the code. */
export function contractDigestOf(action: AnyAction): string {
  const { input, output } = schemasOf(action);
  const contract = {
    input: withoutTexts(input),
    output: withoutTexts(output),
    traits: action.traits,
    errors: Object.fromEntries(Object.entries(action.errors).map(([code, { retryable }]) => [code, retryable])),
  };
  return `sha256:${sha256Hex(canonicalJson(contract))}`;
}

/** A schema without its texts for people, on which no plan relies. */
function withoutTexts(schema: Json): Json {
  if (Array.isArray(schema)) return schema.map(withoutTexts);
  if (!isJsonObject(schema)) return schema;
  const words = Object.entries(schema).filter(([word, said]) => word !== 'description' || typeof said !== 'string');
  return Object.fromEntries(words.map(([word, said]) => [word, withoutTexts(said)]));
}
