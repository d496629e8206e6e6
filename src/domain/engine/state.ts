import type { Json, JsonObject } from '../json.js';
import type { XynError } from '../xyn-error.js';
import type { NodeIx, StepKind } from '../plan.js';

export type RunStatus = 'created' | 'running' | 'completed' | 'failed' | 'cancelled';
export type StepStatus = 'created' | 'running' | 'completed' | 'failed' | 'skipped';
export type SkipReason = 'when' | 'not_selected' | 'not_reached' | 'cancelled' | 'requirement' | 'lock';
export type GateStatus = 'open' | 'approved' | 'rejected' | 'expired' | 'cancelled';

/** What a run waits for, apart from its status (language §5.2). */
export type Phase = 'gate' | 'cancel';

/** The run as expressions see it (language §7.1). */
export interface RunFacts {
  id: string;
  blueprint: string;
  version: string;
  digest: string;
  actor: string;
  trigger: string;
  started_at: string;
  correlation_id: string;
  scheduled_at?: string;
  parent_id?: string;
}

/** The environment's snapshot, taken when the run starts. `vars` is a map of texts. */
export interface EnvFacts {
  id: string;
  name: string;
  stage: 'dev' | 'test' | 'stage' | 'prod';
  vars: Record<string, string>;
}

/** The triggering event (001 §45.3), or null for a run that a person started. */
export type EventFacts = JsonObject | null;

/**
 * Everything a run knows, as plain JSON: handed over whole by continue-as-new (language §8.3). A run of stage ⓪ has the
 * one frame `root`; holders add frames. Never mutated: `advance` returns a new value.
 */
export interface State {
  v: 1;
  status: RunStatus;
  phase?: Phase;
  /** Number of the last transition. */
  seq: number;
  /** Time of the last event, milliseconds since the epoch. */
  now: number;
  /** Time of the start event. */
  started: number;
  /** Time spent with a task open, up to `active_since` (language §5.8). */
  active_ms: number;
  active_since?: number;
  ran: { steps: number; loop_steps: number };
  /** Cost units that all expressions have used. */
  cost: number;
  run: RunFacts;
  env: EnvFacts;
  event: EventFacts;
  inputs: JsonObject;
  frames: Record<string, Frame>;
  /** Open tasks by path. */
  tasks: Record<string, Task>;
  /** Pending deadlines by purpose: a gate's path, `~run_time`, `~grace`, `~yield`. */
  timers: Record<string, number>;
  /** Open gates, and closed ones with the answers they gave, by path. */
  gates: Record<string, Gate>;
  cancel?: { by: string; reason: string; at: number };
  /** What ends the run as failed; set when it reached the root, also while tasks still have to end. */
  error?: XynError;
  outputs?: JsonObject;
  /** Not yet recorded, oldest first. */
  transitions: Transition[];
  /** The moment for which the driver was asked to wake the engine. */
  wake?: number;
}

/** One execution of a list of steps. */
export interface Frame {
  /** The holder that the list belongs to; `root` is the plan's own list. */
  node: NodeIx | 'root';
  body: string;
  parent?: string;
  attempt: number;
  /** Position in the list of the step that runs or waits. */
  pc: number;
  steps: Record<string, StepView>;
  stage: 'body' | 'done';
  error?: XynError;
}

/** A step as later expressions see it (language §5.1). */
export interface StepView {
  status: StepStatus;
  outputs?: Json;
  error?: XynError;
  handled?: true;
  attempts: number;
  started_at?: string;
  ended_at?: string;
  skip_reason?: SkipReason;
}

/** A task that the driver was told to carry out and that has not ended. */
export interface Task {
  kind: 'action' | 'agent';
  node: NodeIx;
  frame: string;
  /** The transition number at its start: orders its records against those of the workflow. */
  seq: number;
  started: number;
  /** Counts runs of the task that a recovery gate asked for, from 1. */
  round: number;
  cancelling?: true;
  /** Pauses between its attempts that no longer count as active time. */
  paused_ms?: number;
  /** Its pauses were asked for and the answer is not there yet. */
  checking?: true;
}

/** A point where people decide. */
export interface Gate {
  node: NodeIx;
  frame: string;
  status: GateStatus;
  opened: number;
  /** `recovery` asks what became of an effect whose outcome is unknown. */
  purpose: 'approval' | 'recovery';
  digest?: string;
  /** It names who may decide: a decision that proves nobody, as a signal does, is refused. */
  named?: true;
  /** Distinct people so far, oldest first. */
  votes: Vote[];
  /** Ids of decisions already applied: a repeat gets the same answer. */
  applied: string[];
  round?: number;
}

export interface Vote {
  by: string;
  decision: 'approve' | 'reject';
  reason?: string;
  at: string;
}

/** What a person decided; `id` is absent when it came from Temporal's own UI. */
export interface Decision {
  id?: string;
  decision: 'approve' | 'reject' | 'done' | 'retry' | 'fail';
  by: string;
  reason?: string;
  /** With `done`: the outputs that the step is to have. */
  outputs?: JsonObject;
}

/** What the inputs of a step were when a gate showed them; `later` lists the fields that were not known yet. */
export interface GateBinding {
  path: string;
  /** The action, or `agent:<provider>/<model>`. */
  action: string;
  input: JsonObject;
  later: string[];
  /** SHA-256 over the JCS form of `{path, action, input}` without the later fields. */
  hash: string;
}

interface TransitionCommon {
  seq: number;
  at: number;
}

/** Something that happened inside the workflow and belongs into the catalog. Keyed by `seq`, so repeats change nothing. */
export type Transition = TransitionCommon &
  (
    | { t: 'run'; status: 'running' }
    | {
        t: 'step';
        path: string;
        id: string;
        kind: StepKind;
        name?: string;
        status: StepStatus;
        skip_reason?: SkipReason;
        outputs?: Json;
        error?: XynError;
        started_at?: string;
        attempts: number;
      }
    | {
        t: 'gate';
        path: string;
        id: string;
        name?: string;
        status: GateStatus;
        purpose: Gate['purpose'];
        message?: string;
        approvers?: string[];
        require: number;
        reject: number;
        reason: 'optional' | 'required';
        digest?: string;
        binds?: GateBinding[];
        expires_at?: number;
        error?: XynError;
      }
    | { t: 'decision'; gate: string; purpose: Gate['purpose']; decision: Decision; status: GateStatus }
    | {
        t: 'end';
        status: 'completed' | 'failed' | 'cancelled';
        outputs?: JsonObject;
        error?: XynError;
        /** Final status of every leaf that ran, so that the catalog can tell what it has not seen. */
        steps: Record<string, StepStatus>;
      }
  );
