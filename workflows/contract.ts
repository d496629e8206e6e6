import type { ArtifactReference } from '../src/domain/artifact-reference.js';
import type { ItemPage, TaskFailure } from '../src/domain/engine/messages.js';
import type { ResultRules } from '../src/domain/engine/result.js';
import type {
  Decision,
  EnvFacts,
  EventFacts,
  ItemResult,
  Reused,
  RunFacts,
  State,
  Transition,
} from '../src/domain/engine/state.js';
import type { Json, JsonObject } from '../src/domain/json.js';
import type { Keep, Plan, Retry, Effect, Idempotency } from '../src/domain/plan.js';

/** All names and payloads that cross the Temporal boundary. Workflow, worker and client import them from here only. */
export const WORKFLOW_TYPE = 'runBlueprint';
/** Update and signal of the same name and payload, so that a decision can be sent from Temporal's own UI. */
export const DECIDE_GATE = 'decideGate';
export const CANCEL_RUN = 'cancelRun';
export const SNAPSHOT = 'snapshot';

/** Every activity, by its name in histories. */
export interface XynActivities extends TickActivities {
  runAction(task: ActionTask, records?: Transition[]): Promise<TaskResult>;
  runAgent(task: AgentTask, records?: Transition[]): Promise<TaskResult>;
  /** Local: writes what happened inside the workflow. */
  recordProgress(records: Transition[]): Promise<void>;
  /** Local: how long the retries of a task have paused so far. */
  checkTask(task: { path: string }): Promise<{ paused_ms: number }>;
  /** Local: keeps a chunk of a loop's results; after the last one it answers where the list of all is. */
  spillResults(task: SpillTask): Promise<SpillAnswer>;
  /** Local: items of a list that is too long for the state. */
  readItems(task: ReadTask): Promise<ItemPage>;
}

export type RunInput = FreshRun | ContinuedRun;

interface RunInputCommon {
  plan: Plan;
  /** Hand the state over to a new execution after this many engine events, beside the server's own suggestion. */
  handOverAfter?: number;
}

export interface FreshRun extends RunInputCommon {
  start: {
    inputs: JsonObject;
    event: EventFacts;
    env: EnvFacts;
    run: RunFacts;
    /** Of a rerun: the results that it takes over, by path; together at most 512 KiB of JSON. */
    reuse?: Record<string, Reused>;
  };
}

export interface ContinuedRun extends RunInputCommon {
  state: State;
}

export interface RunResult {
  status: 'completed' | 'cancelled';
  outputs: JsonObject;
}

interface TaskCommon {
  /** The address of the step, also the activity's id. */
  path: string;
  /** The step's id and name in the blueprint. */
  id: string;
  name?: string;
  input: JsonObject;
  /** The idempotency key, the same on every attempt. */
  key: string;
  keep: Keep;
  /** What is done with the result before it is handed over. */
  rules?: ResultRules;
  /** Approval gates that must be found decided before the effect. */
  gates?: string[];
  seq: number;
  /** Runs of the task that a recovery gate asked for, counted from 1; absent is 1. */
  round?: number;
  timeout_ms: number;
  retry: Retry;
}

export interface ActionTask extends TaskCommon {
  action: string;
  /** Digest of the action's contract in the plan's action lock. */
  contract: string;
  effect: Effect;
  idempotency: Idempotency;
}

export interface AgentTask extends TaskCommon {
  provider: string;
  model: string;
  output?: JsonObject;
}

export interface SpillTask {
  /** The address of the loop. */
  path: string;
  /** Counted from 0. */
  chunk: number;
  results: ItemResult[];
  last?: true;
}

export interface SpillAnswer {
  list?: ArtifactReference;
}

export interface ReadTask {
  list: ArtifactReference;
  /** Index of the first item that is wanted. */
  from: number;
}

export interface TaskResult {
  /** The outputs that later expressions can read. */
  o: Json;
  /** What the task used, where it cannot be derived from the history: metric → quantity. */
  f?: Record<string, number>;
  /** The attempt that completed, lost ones not counted; absent is 1. */
  n?: number;
  /** The rules of the task were applied. */
  d?: true;
  /** Of a local task, whose input is not in the history: its path, the number of its start, and how many ms it took. */
  l?: { p: string; s: number; ms: number };
  /** The transitions that came with the task could not be committed: they stay with the workflow. */
  unrecorded?: true;
}

/** Payload of the update and of the signal `decideGate`; `id` and `by` are absent when a person sends it by hand. */
export interface DecideGate {
  gate: string;
  /** Number of the transition that opened the gate which was decided, as the catalog has it. */
  seq?: number;
  decision: Decision['decision'];
  id?: string;
  by?: string;
  reason?: string;
  outputs?: JsonObject;
}

/** Answer of the update `decideGate`. `code` says why a decision was refused. */
export interface DecideGateAnswer {
  answer: 'applied' | 'refused';
  code?: string;
  status?: string;
}

export interface CancelRun {
  by: string;
  reason: string;
}

/** Answer of the query `snapshot`: what the catalog may not have seen yet. */
export interface Snapshot {
  state: State;
}

/** `type` of the `ApplicationFailure`s that cross the boundary. `details[0]` holds the facts. */
export const TASK_FAILURE = 'XynTaskFailure';
/** Those of a failed task; a local one says whose it is, since its input is not in the history. */
export type TaskFailureDetails = TaskFailure & { path?: string; seq?: number };
export const RUN_FAILURE = 'XynRunFailure';

/** Workflow that a Temporal Schedule starts for each of its times, and the signal that tells it that its run ended. */
export const SCHEDULE_TICK = 'scheduleTick';
export const RUN_ENDED = 'runEnded';

export interface TickInput {
  schedule_id: string;
  /** With what follows: handed over by an earlier execution. */
  fired?: FiredSchedule;
  is_cancel_sent?: boolean;
  pause_ms?: number;
}

/** What one time of a schedule led to; whether there is such a run says `scheduledRun`. */
export interface FiredSchedule {
  event_id: string;
  run_id: string;
  blueprint_id: string;
}

/** `open`: it runs, or may still start; `none`: no run starts. */
export type ScheduledRunState = 'open' | 'none' | 'completed' | 'failed' | 'cancelled';

export interface TickResult {
  state: Exclude<ScheduledRunState, 'open'>;
  run_id: string | null;
}

/** The activities of ticks. All are safe to run again. */
export interface TickActivities {
  /** Emits `xyn.schedule.fired`; null when the schedule is gone. The same time emits one event. */
  fireSchedule(task: { schedule_id: string; scheduled_at: string }): Promise<FiredSchedule | null>;
  scheduledRun(fired: FiredSchedule): Promise<ScheduledRunState>;
  /** Wishes that the run ends. False: there is no such run yet. */
  cancelScheduledRun(fired: FiredSchedule): Promise<boolean>;
}
