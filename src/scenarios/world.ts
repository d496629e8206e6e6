import type { TaskNode } from '../domain/engine/leaves.js';
import type { Decision } from '../domain/engine/state.js';
import type { Json, JsonObject } from '../domain/json.js';
import type { FailureFacts } from '../domain/xyn-error.js';

/** One attempt of a task, as the world outside of the run sees it. */
export interface Call {
  /** Full address of the step. */
  path: string;
  /** Id of the step. */
  step: string;
  /** Attempts of this task so far, this one included; from 1, also for a task that a recovery gate repeats. */
  attempt: number;
  input: JsonObject;
  /** Milliseconds since the start of the run. */
  atMs: number;
}

/**
 * What a task does when it is cancelled: it ends at once (`stop`), runs on and its result counts (`finish`), or never
 * answers (`ignore`).
 */
export type OnCancel = 'stop' | 'finish' | 'ignore';

/** How an attempt ends. `lost`: its outcome cannot be known. */
export type Ending = { returns: Json } | { fails: FailureFacts } | { lost: true };

export type Answer = Ending & {
  /** Virtual time until the answer. */
  takesMs: number;
  onCancel: OnCancel;
};

export interface OpenedGate {
  path: string;
  /** Id of the step. */
  step: string;
  purpose: 'approval' | 'recovery';
}

/** Everything around a run: what tasks come to, what people decide, and when the run is cancelled. */
export interface World {
  /** @returns undefined where nobody says what this attempt comes to: the simulation stops there. */
  answer(call: Call, node: TaskNode): Answer | undefined;
  /** What people will say at a gate that has just opened. */
  decisions(gate: OpenedGate): { afterMs: number; decision: Decision }[];
  /** Milliseconds after the start. */
  cancelAtMs?: number;
  cancelledBy?: { by: string; reason: string };
}
