import type { LogLine } from './log-line.js';
import type { RunDetailDto } from './dtos.js';
import type { GateStatus, RunStatus, StepStatus } from './engine/state.js';
import type { Json, JsonObject } from './json.js';
import type { Plan } from './plan.js';

/** A step of a run outside of its loops. Times: RFC 3339. */
export interface RunStepRow {
  step_id: string;
  path: string;
  node_id: string;
  status: StepStatus;
  skip_reason: string | null;
  handled: boolean;
  attempts: number;
  started_at: string | null;
  completed_at: string | null;
  /** Code and message of its error, shortened. */
  code: string | null;
  message: string | null;
  /** An earlier run did it. */
  is_reused: boolean;
  /** Of a `switch`: the case that was chosen. */
  chosen: string | null;
  /** Of a `for_each`: the number of its items. */
  items: number | null;
}

/** The items of one loop; loops inside loops are not told apart. */
export interface RunLoopRow {
  path: string;
  /** A letter per item, in order: `d` completed, `r` running, `f` failed, `u` undone, `q` outcome unknown, `c` cancelled. */
  states: string;
  /** Which items the letters are of, when there are gaps. */
  indexes: number[] | null;
}

/** An item of a loop that failed or was undone. */
export interface FailedItemRow {
  loop: string;
  index: number;
  path: string;
  label: string | null;
  letter: string;
  code: string | null;
  message: string | null;
  attempts: number;
  started_at: string | null;
  completed_at: string | null;
  undo: { path: string; status: StepStatus; started_at: string | null; completed_at: string | null }[];
}

/** How far the steps of a run are. */
export interface RunProgress {
  steps: RunStepRow[];
  loops: RunLoopRow[];
  failed: FailedItemRow[];
  /** Completed steps, those in loops too, by the id of the step in the blueprint. */
  completed: Record<string, number>;
}

/** What belongs to a run beside its steps. */
export interface RunSurroundings {
  /** Who asked for its end, when and why; null: nobody did. */
  cancel: { actor: string; reason: string | null; at: string } | null;
  event: { event_id: string; event_name: string; actor: string; occurred_at: string } | null;
  /** Attempts of steps that had more than one, outside of loops, oldest first. */
  attempts: {
    step_id: string;
    attempt: number;
    status: string;
    started_at: string;
    ended_at: string | null;
    next_retry_at: string | null;
  }[];
  gates: {
    gate_id: string;
    path: string;
    purpose: 'approval' | 'recovery';
    status: GateStatus;
    message: string | null;
    require: number;
    opened_at: string;
    expires_at: string | null;
    /** Applied approvals, oldest first, one per person. */
    approvals: { actor: string; at: string }[];
  }[];
  audit: { entries: number; unlinked: number };
  /** The newest twenty. */
  audit_entries: { audit_id: string; at: string; actor: string; action: string; path: string | null }[];
  /** The runs that it repeats, oldest first, itself, and those that repeat it; empty for a run without any. */
  chain: {
    run_id: string;
    status: RunStatus;
    created_at: string;
    rerun_from: string | null;
  }[];
  footprints: { metric: string; unit: string; quantity: number }[];
  artifacts: {
    artifact_id: string;
    name: string;
    kind: string;
    content_type: string;
    byte_length: number | null;
    sha256: string | null;
    step_id: string | null;
  }[];
  artifact_count: number;
}

/** How long runs and steps of a blueprint took, over its newest completed runs. */
export interface UsualTimes {
  runs: number;
  run_ms: number | null;
  run_p95_ms: number | null;
  steps: { node_id: string; samples: number; median_ms: number }[];
}

/** Everything of one step that its panel shows. */
export interface StepPanelRow {
  step_id: string;
  path: string;
  node_id: string;
  kind: string;
  name: string;
  status: StepStatus;
  skip_reason: string | null;
  attempts: number;
  started_at: string | null;
  completed_at: string | null;
  inputs: JsonObject | null;
  outputs: Json;
  error: JsonObject | null;
  logs_artifact_id: string | null;
  /** What it has printed so far, while it runs. */
  tail: TailPage | null;
  /** The run that did it, and the step's path there. */
  reused_from: { run_id: string; path: string } | null;
  attempt_log: {
    attempt: number;
    status: string;
    worker: string;
    pack: string | null;
    error: JsonObject | null;
    started_at: string;
    ended_at: string | null;
  }[];
  artifacts: RunSurroundings['artifacts'];
}

/** Everything that a run's page shows, but the panel of a step. */
export interface RunPageData extends RunProgress, RunSurroundings {
  run: RunDetailDto;
  /** Null when the version that the run has is gone, or is not what its digest says. */
  plan: Plan | null;
  usual: UsualTimes;
  /** The run in Temporal's own screens; null when their address is not known. */
  temporal_url: string | null;
}

/** Some lines of a step's log. */
export interface LogPage {
  artifact_id: string;
  lines: LogLine[];
  /** Number of the first line that is not before this page, from 1. */
  from: number;
  /** How many lines were counted, and whether that is all of them. */
  counted: number;
  isWhole: boolean;
  /** The first line that tells of an error. */
  first_error: number | null;
}

/** The newest lines of a step that runs. */
export interface TailPage {
  /** Lines in all. */
  counted: number;
  lines: LogLine[];
}
