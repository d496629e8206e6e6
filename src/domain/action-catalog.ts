import type { ActionTraits } from './action.js';
import type { JsonObject } from './json.js';

/** The contract of an action as the compiler needs it (language §3.3). */
export interface CatalogAction {
  /** `<pack>@<version>`. */
  pack: string;
  /** Digest of the contract, for the action lock. */
  contract: string;
  /** What it does, in one sentence. */
  summary?: string;
  /** JSON Schema of the input; may carry `x-sink` (`host`, `command`, `path`) and `x-secret: true`. */
  input: JsonObject;
  /** JSON Schema of the output; may carry `x-taint: true`. */
  output: JsonObject;
  /** Traits where inputs do not decide. */
  traits: ActionTraits;
  /** Traits by the inputs that are literal in the blueprint. */
  traitsOf?(literal: JsonObject): ActionTraits;
  /** Names of inputs that take no templates, such as scripts. */
  static: readonly string[];
  /** Error codes and whether another attempt may help. */
  errors: Record<string, { retryable: boolean }>;
}

/** All actions that a blueprint may name. */
export interface ActionCatalog {
  find(name: string): CatalogAction | undefined;
  /** Sorted. */
  names(): string[];
}
