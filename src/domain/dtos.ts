import type { Json, JsonObject } from './json.js';
import type { GateBinding, GateStatus, RunStatus, StepStatus } from './engine/state.js';
import type { XynError } from './xyn-error.js';

/** What an event is about. */
export interface ResourceRef {
  type: string;
  id: string;
}

/** An event as the API shows it and expressions see it (001 §45.3). Times are RFC 3339 UTC. */
export interface EventDto {
  event_id: string;
  event_name: string;
  occurred_at: string;
  env_id: string;
  actor: string;
  correlation_id: string;
  run_id: string | null;
  step_id: string | null;
  resource: ResourceRef | null;
  data: JsonObject;
}

/** Why an event started a run of a blueprint, or did not (language §2). */
export type Verdict =
  'started' | 'filter_false' | 'filter_error' | 'input_invalid' | 'duplicate_of' | 'disabled' | 'backlog' | 'loop';

export interface VerdictDto {
  blueprint_id: string;
  verdict: Verdict;
  detail: JsonObject | null;
  run_id: string | null;
}

export interface EventWithVerdicts extends EventDto {
  verdicts: VerdictDto[];
}

/** A run (001 §45.4, with the additions of design §9). */
export interface RunDto {
  run_id: string;
  name: string;
  status: RunStatus;
  phase: string | null;
  blueprint_id: string;
  blueprint_version: number | null;
  digest: string;
  trigger: string;
  event_id: string | null;
  priority: number;
  created_at: string;
  started_at: string | null;
  completed_at: string | null;
  cancel_requested_at: string | null;
  actor: string;
  correlation_id: string;
  inputs: JsonObject;
  outputs: JsonObject | null;
  error: JsonObject | null;
  /** The run that this one repeats, and the first step that it did not take over; null: it is no rerun, or did all anew. */
  rerun_of: string | null;
  rerun_from: string | null;
}

/** One reason why an open run does not move. */
export type WaitingOn =
  /** Temporal has not taken the run yet. */
  | { kind: 'start'; since: string }
  /** As many runs of its lane run as may at once. */
  | { kind: 'place'; lane: string; running: number; ahead: number; since: string }
  | {
      kind: 'gate';
      gate_id: string;
      path: string;
      purpose: string;
      approvers: string[];
      require: number;
      approvals: number;
      since: string;
      expires_at: string | null;
    }
  | { kind: 'retry'; path: string; attempt: number; next_attempt_at: string | null; last_failure: string | null }
  /** A worker works on the step, and gave a sign of life lately. */
  | {
      kind: 'step';
      path: string;
      attempt: number;
      worker: string;
      since: string | null;
      last_heartbeat_at: string | null;
    }
  /** The worker that had the task (or the run's next decision, then without a path) gives no sign of life since then. */
  | { kind: 'worker_lost'; path: string | null; attempt: number; worker: string | null; since: string | null }
  /**
   * No worker has taken the task (or the run's next decision, then without a path) since that time. `pollers`: workers
   * that asked the queue for work within about a minute; null when that could not be found out.
   */
  | { kind: 'worker'; path: string | null; since: string | null; queue: string; pollers: number | null }
  /** A worker is about to decide what the run does next. */
  | { kind: 'decision'; since: string | null }
  /** The code of Xyn fails at the run's next decision, which is tried again until a fix is deployed. */
  | { kind: 'defect'; code: 'workflow_defect'; message: string; attempt: number; since: string | null }
  /** Temporal has nothing to do for the run before a moment; null: nobody could tell which. */
  | { kind: 'timer'; until: string | null; since: string }
  /** The workflow has ended, or Temporal does not know it: the reconciler completes the records. */
  | {
      kind: 'record';
      execution: 'completed' | 'failed' | 'cancelled' | 'terminated' | 'timed_out' | 'not_found';
      since: string;
    }
  | { kind: 'cancel'; since: string }
  /** Temporal does not answer, so that only the catalog's part is told. */
  | { kind: 'unknown'; reason: string };

export interface RunDetailDto extends RunDto {
  waiting_on: WaitingOn[];
}

export interface StepDto {
  step_id: string;
  run_id: string;
  path: string;
  node_id: string;
  kind: string;
  name: string;
  status: StepStatus;
  skip_reason: string | null;
  handled: boolean;
  attempts: number;
  started_at: string | null;
  completed_at: string | null;
  logs_artifact_id: string | null;
  inputs: JsonObject | null;
  outputs: Json;
  error: JsonObject | null;
  /** The run that did it, when this run took its result over. */
  reused_from_run: string | null;
}

export interface AttemptDto {
  attempt: number;
  status: string;
  worker: string;
  pack: string | null;
  error: JsonObject | null;
  started_at: string;
  ended_at: string | null;
  next_retry_at: string | null;
}

export interface StepDetailDto extends StepDto {
  attempt_log: AttemptDto[];
}

/** A gate (design §9). */
export interface GateDto {
  gate_id: string;
  run_id: string;
  step_id: string;
  path: string;
  purpose: 'approval' | 'recovery';
  message: string | null;
  status: GateStatus;
  approvers: string[];
  require: number;
  reject: number;
  reason: string;
  /** Distinct people whose approval was applied. */
  approvals: number;
  digest: string | null;
  opened_at: string;
  expires_at: string | null;
  closed_at: string | null;
}

export interface DecisionDto {
  decision_id: string;
  decision: DecisionKind;
  actor: string;
  reason: string | null;
  source: string;
  status: DecisionStatus;
  refusal: string | null;
  created_at: string;
  settled_at: string | null;
}

export interface GateDetailDto extends GateDto {
  /** The rendered inputs that a decision covers, step by step. */
  binds: GateBinding[];
  decisions: DecisionDto[];
}

export type DecisionKind = 'approve' | 'reject' | 'done' | 'retry' | 'fail';

/** `submitted`: recorded, and on its way to the run. */
export type DecisionStatus = 'submitted' | 'applied' | 'refused';

export interface BlueprintDto {
  blueprint_id: string;
  name: string;
  active_version: number | null;
  digest: string | null;
  enabled: boolean;
  created_at: string;
  updated_at: string;
}

export interface BlueprintVersionDto {
  version: number;
  digest: string;
  created_at: string;
  created_by: string;
}

export interface BlueprintDetailDto extends BlueprintDto {
  source: string | null;
  versions: BlueprintVersionDto[];
}

/** A version with what it was made of. */
export interface BlueprintVersionDetailDto extends BlueprintVersionDto {
  blueprint_id: string;
  source: string;
  /** What the compiler made of the source. */
  plan: JsonObject;
}

/** One measured use. */
export interface FootprintDto {
  recorded_at: string;
  /** `run` or `step`, and which one. */
  source_kind: string;
  source_ref: string;
  metric: string;
  run_id: string;
  step_id: string | null;
  quantity: number;
  unit: string;
  /** What the use is to be counted under, such as provider and model. */
  dims: JsonObject | null;
}

export interface FootprintTotalDto {
  metric: string;
  unit: string;
  quantity: number;
}

/** Something that a document does wrong, or that its author should look at. */
export interface ProblemDto {
  code: string;
  severity: 'error' | 'warning';
  /** JSON pointer. */
  path: string;
  /** From 1. */
  line: number;
  /** From 1, in characters. */
  column: number;
  message: string;
  suggestion?: string;
}

/** What applying a document did. */
export interface AppliedBlueprintDto {
  blueprint_id: string;
  version: number;
  digest: string;
  /** Whether the version is new; else one of the same digest was there. */
  created: boolean;
  warnings: ProblemDto[];
}

/** What activating a version that is there did. */
export interface ActivatedBlueprintDto {
  blueprint_id: string;
  version: number;
  digest: string;
  /** Active until then; the same number: nothing changed. */
  previous_version: number | null;
}

/** One page of a listing; `next` starts the page after it, null at the end. */
export interface Page<T, C> {
  items: T[];
  next: C | null;
}

/** The end that a reconciler found for a run. */
export interface RunEnd {
  status: 'completed' | 'failed' | 'cancelled';
  outputs?: JsonObject;
  error?: XynError;
}

/** Metadata of bytes that are kept (001 §45.5). */
export interface ArtifactDto {
  artifact_id: string;
  name: string;
  kind: string;
  content_type: string;
  byte_length: number | null;
  created_at: string;
  created_by: string;
  run_id: string | null;
  step_id: string | null;
  /** Lower-case hex. */
  sha256: string | null;
  metadata: JsonObject;
}

/** One time of a schedule that is still to come. */
export interface ScheduleTimeDto {
  /** UTC. */
  at: string;
  /** The same on the clock of the schedule's zone, with its distance from UTC: `2027-03-28T03:30:00+02:00`. */
  local: string;
  /** The zone's clock was changed since the time before. */
  is_clock_changed: boolean;
}

/** What starts runs of a blueprint by the clock. */
export interface ScheduleDto {
  schedule_id: string;
  blueprint_id: string;
  blueprint_name: string;
  version: number;
  /** Five fields, or null with `every`. */
  cron: string | null;
  timezone: string | null;
  /** A duration, or null with `cron`. */
  every: string | null;
  jitter: string | null;
  overlap: 'skip' | 'queue_one' | 'queue_all' | 'cancel_other' | 'allow';
  catchup: string;
  /** False: its trigger says `enabled: false`. */
  is_enabled: boolean;
  is_paused: boolean;
  /** Who paused it, when and why. */
  pause: { note: string | null; by: string; at: string } | null;
  /** Whether Temporal has it as it is here. */
  sync: { state: 'applied' | 'pending' | 'failed'; error: string | null; at: string | null };
  /** The times to come, without jitter. Those of a paused one do not fire. */
  next: ScheduleTimeDto[];
  last_run: ScheduledRunDto | null;
}

export interface ScheduledRunDto {
  run_id: string;
  status: 'created' | 'running' | 'completed' | 'failed' | 'cancelled';
  /** The time that the run is for, whenever it started. */
  scheduled_at: string;
  created_at: string;
  completed_at: string | null;
}

/** A time at which a schedule fires. */
export interface ComingUpDto {
  schedule_id: string;
  blueprint_name: string;
  at: string;
}

export interface ScheduleDetailDto extends ScheduleDto {
  runs: ScheduledRunDto[];
  /** What Temporal counted; null when it does not answer or has no such schedule yet. */
  counts: { started: number; skipped: number; missed: number } | null;
}

/** A time that a schedule was told to fire for, and the run that comes of it unless an open one is in the way. */
export interface TriggeredScheduleDto {
  schedule_id: string;
  scheduled_at: string;
  event_id: string;
  run_id: string;
}

/** Times of the past that a backfill fires for, or would. */
export interface BackfillDto {
  schedule_id: string;
  is_dry_run: boolean;
  overlap: ScheduleDto['overlap'];
  /** `is_known`: it fired before, and is passed over. */
  times: { scheduled_at: string; local: string; is_known: boolean; run_id: string }[];
}

/** An entry of the audit trail as it is listed. */
export interface AuditEntryDto {
  /** A whole number, as text. */
  audit_id: string;
  at: string;
  actor: string;
  action: string;
  resource_type: string;
  resource_id: string;
  reason: string | null;
  before: Json;
  after: Json;
  run_id: string | null;
  step_id: string | null;
  correlation_id: string | null;
  env_id: string;
}
