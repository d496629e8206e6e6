import type { ArtifactReference } from '../artifact-reference.js';
import type { Json, JsonObject } from '../json.js';
import type { NodeIx, Keep } from '../plan.js';
import type { FailureFacts, XynError } from '../xyn-error.js';
import type { ResultRules } from './result.js';
import type { Decision, EnvFacts, EventFacts, ItemResult, Reused, RunFacts } from './state.js';

/** A failure as the driver reports it; the engine adds place and time. */
export interface TaskFailure {
  code: string;
  message: string;
  retryable: boolean;
  detail?: string;
  status?: number;
  excerpt?: string;
  /** The attempt that failed last, from 1. */
  attempt: number;
}

/** A part of a list that a loop goes over. */
export interface ItemPage {
  /** Length of the whole list. */
  count: number;
  items: Json[];
}

interface EventCommon {
  /** Milliseconds since the epoch, never running backwards within a run. */
  now: number;
  /** All transitions up to this number are in the catalog: forget them. */
  recorded?: number;
}

/** What the driver tells the engine. */
export type EngineEvent = EventCommon &
  (
    | {
        t: 'start';
        inputs: JsonObject;
        event: EventFacts;
        env: EnvFacts;
        run: RunFacts;
        /** Tasks that are not done again, by path. */
        reuse?: Record<string, Reused>;
      }
    /** `finished`: the worker has applied the rules of the command to the result. */
    | { t: 'done'; path: string; result: Json; attempt: number; finished?: boolean }
    | { t: 'failed'; path: string; error: TaskFailure }
    /** The task's outcome cannot be known: its worker was lost after an effect may have happened. */
    | { t: 'lost'; path: string; attempt: number }
    | { t: 'tick' }
    | { t: 'gate'; path: string; decision: Decision }
    | { t: 'cancel'; by: string; reason: string }
    /** Answer to `check`: how long the task's retries have paused so far. */
    | { t: 'checked'; path: string; paused_ms: number }
    /** A chunk of a loop's results was written; after the last one, where the whole list is. */
    | { t: 'spilled'; path: string; chunk: number; list?: ArtifactReference }
    /** Items of a loop, from index `from` on: at least one where there is one. `count` is the length of the whole list. */
    | ({ t: 'page'; path: string; from: number } & ItemPage)
    /** What `spill` or `page` asked for cannot be done. */
    | { t: 'unkept'; path: string; error: FailureFacts }
    | { t: 'recorded' }
  );

/** What the engine asks the driver to do, in this order. */
export type Command =
  | {
      c: 'action' | 'agent';
      path: string;
      node: NodeIx;
      /** Rendered once; every attempt gets the same. */
      input: JsonObject;
      key: string;
      keep: Keep;
      /** What the worker does with the result; absent: nothing. */
      rules?: ResultRules;
      /** Approval gates whose decision the activity must find in the catalog before the effect. */
      gates: string[];
      seq: number;
      round: number;
      /** What is cancelled together with this task. */
      scope: string;
    }
  | { c: 'cancel'; path: string; scope: string }
  | { c: 'check'; path: string }
  /** Write a chunk of a loop's results outside of the state; after the last one, make one list of all. */
  | { c: 'spill'; path: string; chunk: number; results: ItemResult[]; last?: true }
  /** Read items of a list that is outside of the state. */
  | { c: 'page'; path: string; list: ArtifactReference; from: number }
  /** Wake the engine at this time; replaces the wake-up before it. `null`: none is needed any more. */
  | { c: 'wake'; at: number | null }
  /** Write `state.transitions` into the catalog now, since nothing else will carry them soon. */
  | { c: 'record' }
  | { c: 'finish'; status: 'completed' | 'failed' | 'cancelled'; outputs?: JsonObject; error?: XynError };
