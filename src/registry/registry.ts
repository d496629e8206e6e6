import { z } from 'zod';
import type { ActionSource, AnyAction, Pack, RegisteredAction } from '../domain/action.js';
import { sha256Hex } from '../domain/hash.js';
import { canonicalJson } from '../domain/json.js';

/** All actions by name. Built once from an explicit list of packs. */
export class ActionRegistry implements ActionSource {
  readonly #actions = new Map<string, RegisteredAction>();

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
}

/** `sha256:` and hex over what a plan relies on (language §8.1): schemas, traits and declared errors; not the code. */
export function contractDigestOf(action: AnyAction): string {
  const contract = {
    input: z.toJSONSchema(action.input, { io: 'input', unrepresentable: 'any' }),
    output: z.toJSONSchema(action.output, { io: 'output', unrepresentable: 'any' }),
    traits: action.traits,
    errors: Object.fromEntries(Object.entries(action.errors).map(([code, { retryable }]) => [code, retryable])),
  };
  return `sha256:${sha256Hex(canonicalJson(contract))}`;
}
