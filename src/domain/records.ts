import type { Transition } from './engine/state.js';
import type { Json, JsonObject } from './json.js';
import type { Effect, StepKind } from './plan.js';
import type { XynError } from './xyn-error.js';

/** One attempt at a step as the worker sees it. Times are milliseconds since the epoch. */
export interface AttemptStart {
  run_id: string;
  path: string;
  /** The step's id and name in the blueprint. */
  id: string;
  name: string;
  kind: Extract<StepKind, 'action_task' | 'agent_task'>;
  /** The action, or `agent:<provider>/<model>`. */
  action: string;
  effect: Effect;
  /** Transition number at which the engine asked for the task: orders these records against the workflow's. */
  seq: number;
  /** Temporal's attempt number plus 1000 for each earlier round that a recovery gate asked for. */
  attempt: number;
  input: JsonObject;
  key: string;
  /** `<host>/<pid>` of the worker. */
  worker: string;
  /** Name, version and digest of the pack that runs it. */
  pack?: string;
  started_at: number;
}

/** The end of an attempt. */
export interface AttemptEnd extends AttemptStart {
  ended_at: number;
  status: 'completed' | 'failed';
  /** With `completed`: the full result. */
  outputs?: Json;
  /** With `failed`. */
  error?: XynError;
  /** With `failed`: when the next attempt may start; absent: none follows and the engine decides. */
  next_retry_at?: number;
  /** What programs of the attempt wrote, as an artifact. */
  logs_artifact_id?: string;
  footprints: Footprint[];
}

/** A measured quantity (001 §5.3). `run.count`, `step.count` and `wall_ms` are added by the writer. */
export interface Footprint {
  metric: string;
  quantity: number;
  unit: string;
  dims?: JsonObject;
}

/** Where workers leave what they did. Repeating any call changes nothing: rows are keyed by run, path, attempt and number. */
export interface RecordSink {
  /**
   * Commits, before an effect, the attempt (`running`), its audit entry and the given transitions, in one transaction.
   * Attempts of the step before this one that never ended become `lost`.
   * @throws XynFault `audit_unavailable` when they could not be committed; nothing was done then.
   */
  begin(start: AttemptStart, transitions: readonly Transition[]): Promise<void>;
  /** Writes behind: a `running` row for a step that lasts; never fails and never waits. */
  running(start: AttemptStart): void;
  /** Writes behind: the end of an attempt with its footprints and events; never fails and never waits. */
  end(end: AttemptEnd): void;
  /**
   * Commits transitions of a run now.
   * @throws XynFault `db_unavailable` when they could not be committed.
   */
  record(runId: string, transitions: readonly Transition[]): Promise<void>;
  /** Resolves when everything written behind so far is committed, or rejects after `timeoutMs`. */
  flush(timeoutMs: number): Promise<void>;
}

/** Proof that people decided: the activity of a step behind a gate asks before the effect. */
export interface ApprovalCheck {
  /**
   * @returns undefined when every gate is approved by enough recorded decisions and what was shown at the gate is what is
   * about to run; else the reason for `approval_stale`.
   */
  check(
    runId: string,
    gates: readonly string[],
    step: { path: string; action: string; input: JsonObject },
  ): Promise<string | undefined>;
}
