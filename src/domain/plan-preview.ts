import type { EnvFacts, EventFacts } from './engine/state.js';
import type { JsonObject } from './json.js';
import type { Effect, Idempotency, PlanNode } from './plan.js';

/** What a run would begin with. */
export interface PreviewFacts {
  inputs: JsonObject;
  /** Null for a run that a person starts. */
  event: EventFacts;
  env: EnvFacts;
}

/** Why a value cannot be made: what the step would fail with. */
export interface PreviewFault {
  /** The field of the step. */
  field: string;
  code: string;
  message: string;
  /** The value reads the event that starts the run, and this run has none; absent otherwise. */
  needs_event?: true;
}

/** Whether something would run, if all before it does what it should: `later` depends on results. */
export type WouldRun = 'yes' | 'no' | 'later';

/** A list of steps of a holder, or of the plan itself. */
export interface PreviewList {
  /** `handler`: only after a failure; `finally`: last, whatever happened. */
  role: 'body' | 'case' | 'branch' | 'handler' | 'finally';
  /** Of the case or branch; of a handler the codes that it takes. */
  name: string;
  would_run: WouldRun;
  steps: PreviewStep[];
}

/** A step as it would run. Fields that do not go with its kind are absent. Times: ms. */
export interface PreviewStep {
  path: string;
  id: string;
  name: string | null;
  kind: PlanNode['kind'];
  would_run: WouldRun;
  /** The action, or `agent:<provider>/<model>`. */
  action?: string;
  effect?: Effect;
  idempotency?: Idempotency;
  /** Where it works, as far as known; of a loop with known items all of them, at most 100. */
  targets?: string[];
  timeout_ms?: number;
  /** Tries at most, the first one included. */
  attempts?: number;
  /** Fields whose values are known now. */
  input?: JsonObject;
  /** Fields that are decided while the run goes. */
  later: string[];
  /** Fields whose values cannot be made with these inputs: the step would fail. */
  faults: PreviewFault[];
  gate?: PreviewGate;
  /** Of a `for_each`: how many items, null while not known. */
  items?: number | null;
  /** Of a `parallel` or `for_each`: how many at once. */
  concurrency?: number;
  lists?: PreviewList[];
}

/** Who is asked, and what closes the gate. */
export interface PreviewGate {
  message: string | null;
  /** Null: decided later. Empty: whoever may decide gates at all. */
  approvers: string[] | null;
  require: number;
  reject: number;
  reason: 'optional' | 'required';
}

/** Names of the inputs of an action that say where it works. */
export type TargetFields = (action: string) => readonly string[];
