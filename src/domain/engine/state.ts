import type { ArtifactReference } from '../artifact-reference.js';
import type { Json, JsonObject } from '../json.js';
import type { XynError } from '../xyn-error.js';
import type { NodeIx, StepKind } from '../plan.js';

export type RunStatus = 'created' | 'running' | 'completed' | 'failed' | 'cancelled';
export type StepStatus = 'created' | 'running' | 'completed' | 'failed' | 'skipped';
export type SkipReason = 'when' | 'not_selected' | 'not_reached' | 'cancelled' | 'requirement' | 'lock';
export type GateStatus = 'open' | 'approved' | 'rejected' | 'expired' | 'cancelled';

/** What a run waits for, apart from its status (language §5.2). */
export type Phase = 'gate' | 'retry' | 'cancel' | 'cleanup';

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
 * Everything a run knows, as plain JSON: handed over whole by continue-as-new (language §8.3). A plain sequence has the one
 * frame `root`; holders, handlers and cleanups add frames. Never mutated: `advance` returns a new value.
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
  /** Leaf steps that ran outside and inside loops, and records of steps that ended or were skipped. */
  ran: { steps: number; loop_steps: number; ended: number };
  /** Cost units that all expressions have used. */
  cost: number;
  /** Bytes of the state when they were counted last, and about how many characters came since. */
  size?: { measured: number; added: number };
  run: RunFacts;
  env: EnvFacts;
  event: EventFacts;
  inputs: JsonObject;
  frames: Record<string, Frame>;
  /** Steps in progress that are more than one task, by path; `root` is the run itself. */
  holds: Record<string, Hold>;
  /** Waits for a moment, by path; the moment itself is in `timers`. */
  waits: Record<string, Wait>;
  /** Open tasks by path. */
  tasks: Record<string, Task>;
  /**
   * Pending deadlines by purpose: the path of a gate or wait, a path with `~timeout`, `~retry`, `~cleanup` or `~grace`, and
   * `~run_time` and `~yield` of the run.
   */
  timers: Record<string, number>;
  /** Open gates, and closed ones with the answers they gave, by path. */
  gates: Record<string, Gate>;
  cancel?: { by: string; reason: string; at: number };
  /** What ends the run as failed; set when it reached the root, also while tasks still have to end. */
  error?: XynError;
  outputs?: JsonObject;
  /** Frames that go on with the next event: the last one did as much as one event may. */
  queue?: string[];
  /** What the run that this one repeats has done already, by path; an entry goes when its step begins. */
  reuse?: Record<string, Reused>;
  /** Not yet recorded, oldest first. */
  transitions: Transition[];
  /** The moment for which the driver was asked to wake the engine. */
  wake?: number;
}

/** What a task of an earlier run came to: it stands for doing the task again. */
export type Reused = ReusedFrom & ({ status: 'completed'; outputs: Json } | { status: 'failed'; error: XynError });

/** The run that did a task, and the step's path in it where that is another one. */
export interface ReusedFrom {
  run: string;
  path?: string;
}

/** One execution of a list of steps. Its id is its address: that of a step in it is the id, a dot and the step's id. */
export interface Frame {
  /** The holder that the list belongs to; `root` is the plan's own list. */
  node: NodeIx | 'root';
  /** Which of the lists: `do`, a case, a branch, `!0` the first handler, `~finally`. */
  body: string;
  /** The frame whose names it also sees. */
  parent?: string;
  /** Key of the hold that it is part of. */
  hold: string;
  /** Position in the list of the step that is next, or in progress. */
  pc: number;
  /** The step at `pc` is in progress. */
  open?: true;
  steps: Record<string, StepView>;
  stage: 'body' | 'done';
  /** No further step begins. */
  cancelling?: true;
  /** What ended the list; steps after it are not reached. */
  error?: XynError;
  /** An iteration: its number, its item, and the result of the one before (language §3.2). */
  index?: number;
  item?: Json;
  prev?: Json;
  /** What a handler or cleanup sees as `error`, and as `run.outcome`. */
  seen?: { error: Json; outcome?: Outcome['status'] };
}

/** How a list or a step ended. */
export type Outcome =
  | { status: 'completed'; outputs?: Json; failures?: XynError[] }
  | { status: 'failed'; error: XynError; handled?: true; outputs?: Json; failures?: XynError[] }
  | { status: 'cancelled'; error: XynError };

/** A step in progress that is more than one task: a holder, or a step whose failure is being handled. */
export interface Hold {
  node: NodeIx | 'root';
  /** The frame that the step stands in; empty for the run itself. */
  frame: string;
  stage: 'body' | 'pause' | 'handler' | 'finally';
  attempt: number;
  /** Time of the first attempt. */
  started: number;
  /** Why its inside is being cancelled; `cancel` comes from outside and counts most. */
  stop?: 'cancel' | 'timeout' | 'enough' | 'failed';
  /** Set once decided, while handlers and `finally` still run. */
  outcome?: Outcome;
  /** Time that `finally` has is over. */
  overdue?: true;
  branches?: Branches;
  loop?: Loop;
}

/** Progress of a `parallel`. */
export interface Branches {
  /** Branches that were started, in order of their names. */
  next: number;
  running: number;
  results: Record<string, Json>;
  failed: number;
  /** The first twenty errors. */
  failures: XynError[];
}

/** Progress of a `for_each`. */
export interface Loop {
  count: number;
  /** Index of the iteration that starts next. */
  next: number;
  running: number;
  completed: number;
  failed: number;
  cancelled: number;
  failures: XynError[];
  /** Those in the state, in chunks, so that one more costs the copy of a chunk. */
  results: ItemResult[][];
  /** Characters of `results`, about. */
  size: number;
  spill?: Spill;
  last?: { index: number; outputs: Json };
  prev: Json;
  /** The items, where they cannot be read again. */
  items?: Json[];
  page?: Page;
  /** What ended it: an error of its own, not of an iteration. */
  fault?: XynError;
}

/** Results of a loop that are not in the state any more (language §8.4). */
export interface Spill {
  /** Chunks that were written. */
  chunks: number;
  /** Leading lists of `results` that are being written, and their size. */
  sending?: { lists: number; size: number };
  /** The last chunk is being written. */
  closing?: true;
  /** All of them, in one list. */
  list?: ArtifactReference;
  /** They could not be kept. */
  lost?: true;
}

/** The items of a loop, of a list that is not in the state: a part at a time. */
export interface Page {
  list: ArtifactReference;
  /** Index of the first of `items`. */
  from: number;
  items: Json[];
  /** Items from this index on were asked for. */
  asked?: number;
}

export interface ItemResult {
  index: number;
  status: 'completed' | 'failed' | 'cancelled';
  outputs?: Json;
  error?: XynError;
}

/** A wait for a moment. */
export interface Wait {
  node: NodeIx;
  frame: string;
}

/** A step as later expressions see it (language §5.1). */
export interface StepView {
  status: StepStatus;
  outputs?: Json;
  error?: XynError;
  handled?: true;
  /** On every `parallel` and `for_each` that ended. */
  failures?: XynError[];
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
  /** Number of the transition that opened it. */
  seq: number;
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
        /** The catalog takes inputs and outputs from the step that did it. */
        reused?: ReusedFrom;
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
        /** Final status of every step of the plan's own list, so that the catalog can tell what it has not seen. */
        steps: Record<string, StepStatus>;
        /** Records of steps in all, those inside of holders too; absent where nobody counted. */
        ended?: number;
      }
  );
