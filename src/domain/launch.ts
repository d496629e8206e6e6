import type { JsonObject } from './json.js';
import type { Effect, StepKind } from './plan.js';

/** A step as the launcher shows it before anything runs. */
export interface LaunchStep {
  path: string;
  name: string | null;
  kind: StepKind;
  /** How deep it stands inside of blocks, branches and loops. */
  depth: number;
  /** The action, the model, or what a holder does. */
  what: string;
  /** Null for what has no effect of its own. */
  effect: Effect | null;
  /** The machine or address it acts on, as far as the inputs say; null: it has none. */
  target: string | null;
  /** The target comes from an earlier step or an event. */
  isTargetLater: boolean;
  /** Runs only after a failure, or at the end whatever happened. */
  only: 'on_error' | 'finally' | null;
  gate: { require: number; approvers: readonly string[]; isLater: boolean } | null;
}

/** What would run, from the plan that a start now would get. */
export interface LaunchPreview {
  blueprint_id: string;
  name: string;
  version: number;
  digest: string;
  /** JSON Schema of the inputs. */
  schema: JsonObject;
  /** What is wrong with the inputs, by JSON pointer; empty: a run could start. */
  problems: readonly { path: string; message: string }[];
  steps: readonly LaunchStep[];
  usual: { median_ms: number; p95_ms: number } | null;
}
