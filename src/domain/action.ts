import type { ZodType } from 'zod';
import type { FileActions } from './files.js';
import type { ContainerEngine, ContainerRules } from './container-engine.js';
import type { DraftActions } from './drafts.js';
import type { EventActions } from './emitting.js';
import type { Json, JsonObject } from './json.js';
import type { Effect, Idempotency } from './plan.js';
import type { Footprint } from './records.js';
import type { FailureFacts } from './xyn-error.js';

/** A machine of the inventory (design §9): the closed set that `host` of an action names. */
export interface Target {
  name: string;
  /** Host name or IP address. */
  address: string;
  port: number;
  user: string;
  /** Path of the secret that holds its private key; absent: the step must name one. */
  key?: string;
  /** The pinned key of the server: `ssh-ed25519 AAAA…` or `SHA256:…`. */
  hostKey: string;
  /** Its container engine, where it has one that may be used. */
  engine?: ContainerEngine;
  labels: Readonly<Record<string, string>>;
  stage?: string;
}

/** What actions may reach: made by `src/main`, the same for every step of a worker. */
export interface ActionResources {
  /**
   * The value of a secret. `path` is a reference as blueprints write it (language §6.1).
   * @throws ActionFailure `secret_path` or `secret_not_found`.
   */
  secret(path: string): Promise<string>;
  /**
   * A machine of the inventory.
   * @throws ActionFailure `target_unknown`.
   */
  target(name: string): Target;
  /** Address ranges (CIDR), addresses and host names that are not public and may be reached all the same. */
  grantedAddresses: readonly string[];
  /** Which container engine and which images may be used. */
  containers: ContainerRules;
  /** Drafts of blueprints; absent: this worker has none. */
  drafts?: DraftActions;
  /** Files that steps keep; absent: this worker keeps none. */
  files?: FileActions;
  /** Events that steps emit; absent: this worker emits none. */
  events?: EventActions;
  /** Masks every secret that was handed out so far, also encoded, in all texts of a value. */
  scrub<T extends Json>(value: T): T;
  /** The same for a stream of bytes: masks what spreads over two chunks too. */
  scrubStream(): ScrubStream;
}

/** Masks secrets in a stream. */
export interface ScrubStream {
  /** Takes the next bytes and gives those that are surely clean: what may be the beginning of a secret waits. */
  push(chunk: Buffer): Buffer;
  /** The rest. */
  end(): Buffer;
}

/** Which of the two streams of a program a piece of output belongs to. */
export type OutputStream = 'stdout' | 'stderr';

/** What an attempt at an action gets beside its input. */
export interface ActionContext extends Pick<
  ActionResources,
  'secret' | 'target' | 'grantedAddresses' | 'containers' | 'drafts' | 'files' | 'events'
> {
  runId: string;
  /** Address of the step in the run. */
  path: string;
  /** Attempt number, from 1, lost attempts included. */
  attempt: number;
  /** The same on every attempt of the step: send it wherever the target understands one. */
  key: string;
  /** Aborts at the step's timeout and on cancel: stop the real work, then reject. */
  signal: AbortSignal;
  /** Takes what a program writes while it writes it, without a bound; it goes to the step's log, secrets masked. */
  output(stream: OutputStream, chunk: Buffer): void;
  /** Notes what the attempt used beside its time, such as `artifact_bytes_written`: recorded however the attempt ends. */
  used(print: Footprint): void;
}

/** A call of an action that is documentation and a test at once. */
export interface ActionExample {
  name: string;
  input: JsonObject;
  /** What comes back: every member that is named here must be so. */
  output?: JsonObject;
  /** Code of the failure that comes instead. */
  error?: string;
}

/**
 * Fields that are never recorded, as dotted paths; the last part is compared without regard to case. Outputs leave the
 * attempt without them: in the run's state, its history, artifacts and records stands `[redacted]`.
 */
export interface ActionRedaction {
  input?: readonly string[];
  output?: readonly string[];
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
  /**
   * What it takes and gives. Marks for the checker stand in `.meta()`: `x-sink: host | command | path`, `x-secret: true`
   * for a secret reference, `x-taint: true` for what the outside decides.
   */
  input: ZodType<Input>;
  output: ZodType<Output>;
  /** Traits where inputs do not decide. */
  traits: ActionTraits;
  /** Traits by inputs that are literal in the blueprint. */
  traitsOf?(literal: JsonObject): ActionTraits;
  /** Fields of the input that take no template: their value is part of the blueprint. */
  static?: readonly string[];
  redact?: ActionRedaction;
  /** Error codes that it can fail with, and whether another attempt may help. */
  errors: Record<string, { retryable: boolean; help: string }>;
  /** Calls that show what it does; each runs as a test. */
  examples?: readonly ActionExample[];
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
