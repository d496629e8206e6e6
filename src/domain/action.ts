import type { ZodType } from 'zod';
import type { Json, JsonObject } from './json.js';
import type { Effect, Idempotency } from './plan.js';
import type { FailureFacts } from './xyn-error.js';

/** What an attempt at an action gets beside its input. */
export interface ActionContext {
  runId: string;
  /** Address of the step in the run. */
  path: string;
  /** Attempt number, from 1, lost attempts included. */
  attempt: number;
  /** The same on every attempt of the step: send it wherever the target understands one. */
  key: string;
  /** Aborts at the step's timeout and on cancel: stop the real work, then reject. */
  signal: AbortSignal;
}

/** What an action does to the world, fixed by its contract or by inputs that are known at compile time. */
export interface ActionTraits {
  effect: Effect;
  idempotency: Idempotency;
}

/** An action of a pack as a value: types, validation, documentation and tests come from the same object. */
export interface Action<Input = JsonObject, Output extends Json = JsonObject> {
  /** `<group>.<verb>`, lower case. */
  name: string;
  /** One sentence for people. */
  summary: string;
  input: ZodType<Input>;
  output: ZodType<Output>;
  /** Traits where inputs do not decide. */
  traits: ActionTraits;
  /** Traits by inputs that are literal in the blueprint. */
  traitsOf?(literal: JsonObject): ActionTraits;
  /** Error codes that it can fail with, and whether another attempt may help. */
  errors: Record<string, { retryable: boolean; help: string }>;
  execute(input: Input, context: ActionContext): Promise<Output>;
}

/** An action whose input and output types are checked by its own schemas. */
export type AnyAction = Action<unknown, Json>;

/** Forgets the types of an action, so that actions of all kinds fit one list; its schemas keep them true. */
export function defineAction<Input, Output extends Json>(action: Action<Input, Output>): AnyAction {
  return action;
}

/** An action as the registry knows it. */
export interface RegisteredAction {
  action: AnyAction;
  /** `<pack>@<version>`. */
  pack: string;
  /** Digest of its contract (language §8.1). */
  contract: string;
}

/** Where actions are looked up by name. */
export interface ActionSource {
  find(name: string): RegisteredAction | undefined;
}

/** How an action says that it failed; anything else that it throws is a defect of the pack. */
export class ActionFailure extends Error {
  readonly facts: FailureFacts;

  /** @param facts `code` must be declared by the action, `outcome_unknown` or `timeout`. */
  constructor(facts: FailureFacts, options: { cause?: unknown } = {}) {
    super(facts.message, options);
    this.name = 'ActionFailure';
    this.facts = facts;
  }
}

/** A group of actions that is versioned together. */
export interface Pack {
  name: string;
  /** Semantic version. */
  version: string;
  actions: readonly AnyAction[];
}
