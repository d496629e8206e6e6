import type { Tree } from './expression/tree.js';
import type { Json, JsonObject } from './json.js';

/**
 * The compiled plan (language §8.1): what the engine runs, by value in the workflow's input. Plain JSON, immutable,
 * addressed by `digest`. Times are whole milliseconds, durations too. Defaults are left out to keep it small.
 */
export interface Plan {
  format: 'xyn.plan/0';
  language: 'xyn/v0' | 'xyn/v1';
  /** The blueprint's id. */
  id: string;
  name?: string;
  /** `sha256:` and hex over the JCS form of the plan without `digest` and `source`. */
  digest: string;
  /** `sha256:` and hex over the bytes of the document. */
  source: string;
  /** The action lock: for every action used, its pack and the digest of its contract. */
  actions: Record<string, { pack: string; contract: string }>;
  children: Record<string, { version: string; digest: string }>;
  policy: { risk: 'low' | 'medium' | 'high'; tests_required: boolean };
  limits: Limits;
  /** JSON Schema of the inputs; always `type: object` with `additionalProperties: false`. */
  inputs: JsonObject;
  outputs: Record<string, Val>;
  triggers: Trigger[];
  root: Scope;
  /** All nodes in document order; `NodeIx` is the position. */
  nodes: PlanNode[];
}

/** Position of a node in `Plan.nodes`. */
export type NodeIx = number;

/** A value with templates: `{$: tree}` is dynamic at any depth, everything else literal. A literal `$` key is quoted. */
export type Val = Json | { $: Tree } | Val[] | { [key: string]: Val };

/** Bounds of a run, all filled in by the compiler (language §9). Milliseconds and counts. */
export interface Limits {
  run_time_ms: number;
  max_age_ms: number;
  steps: number;
  loop_steps: number;
  cleanup_ms: number;
  cancel_grace_ms: number;
}

interface TriggerCommon {
  filter?: Tree;
  inputs?: Record<string, Val>;
  disabled?: true;
}

export interface EventTrigger extends TriggerCommon {
  kind: 'event';
  /** Exact name, or with a last segment `*` (one further segment) or `**` (one or more). */
  event: string;
  dedupe?: Dedupe;
}

/** Which events are the same to a trigger: those whose `key` is equal. At least one of `open` and `window_ms` is there. */
export interface Dedupe {
  key: Val;
  /** While a run with the key is open, another event starts none. */
  open?: true;
  /** For so long after a run with the key began, another event starts none. */
  window_ms?: number;
}

/** When a schedule fires: `cron` with `timezone`, or `every_ms`. */
export interface ScheduleSpec {
  /** Five fields, see `cron.ts`. */
  cron?: string;
  /** IANA name; with `cron` only. */
  timezone?: string;
  /** Counted from the beginning of 1970 in UTC, so that it does not depend on when it was applied. */
  every_ms?: number;
  /** Each time is put off by a random part of this, the same for every look at it. */
  jitter_ms?: number;
  /** Absent: `skip`. */
  overlap?: 'queue_one' | 'queue_all' | 'cancel_other' | 'allow';
  /** A time that was missed by no more than this is caught up. */
  catchup_ms: number;
}

export interface ScheduleTrigger extends TriggerCommon, ScheduleSpec {
  kind: 'schedule';
}

/** What starts a run. */
export type Trigger = EventTrigger | ScheduleTrigger;

/** A list of steps with what happens at its end. */
export interface Scope {
  do: NodeIx[];
  outputs?: Record<string, Val>;
  on_error?: Handler[];
  /** Runs at the end, whatever happened (language §5.4). */
  finally?: NodeIx[];
  rollback: 'manual' | 'auto';
}

/** What follows a failure: the first one that fits runs (language §4.4). */
export interface Handler {
  /** Exact codes, or with one trailing `*`; absent: any but `cancelled`. */
  codes?: string[];
  when?: Tree;
  do: NodeIx[];
  /** Become the step's outputs, also when the handler has no steps. */
  outputs?: Record<string, Val>;
  then: 'continue' | 'fail';
}

/** Which output paths later expressions can read; `*` is everything. A path is a list of keys. */
export type Keep = string[][] | '*';

/** How a failed attempt is repeated (language §4.3). Milliseconds; `jitter` is a fraction of the pause. */
export interface Retry {
  attempts: number;
  backoff: { first_ms: number; factor: number; max_ms: number; jitter: number };
  deadline_ms?: number;
  only?: string[];
  never?: string[];
  /** Must hold for the result, or the attempt failed; only on actions that read. */
  until?: Tree;
}

export type Effect = 'read' | 'write' | 'destructive';
export type Idempotency = 'safe' | 'keyed' | 'none';

interface NodeCommon {
  id: string;
  /** The static path: ids from the root, without iterations and attempts. */
  path: string;
  name?: string;
  when?: Tree;
  timeout_ms?: number;
  outputs?: Record<string, Val>;
  on_error?: Handler[];
  keep: Keep;
}

export interface ActionNode extends NodeCommon {
  kind: 'action_task';
  action: string;
  with: Record<string, Val>;
  /** Replaces the step's idempotency key (language §3.1). */
  key?: Val;
  effect: Effect;
  idempotency: Idempotency;
  timeout_ms: number;
  retry: Retry;
  /** `local`: runs as a local activity (design §3); absent is remote. */
  mode?: 'local';
}

export interface AgentNode extends NodeCommon {
  kind: 'agent_task';
  provider: string;
  model: string;
  prompt: Val;
  system?: Val;
  /** JSON Schema that the answer must fit; absent: free text. */
  output?: JsonObject;
  /** `false`: the run's inputs and event are not sent along. */
  data?: false;
  max_turns: number;
  timeout_ms: number;
  retry: Retry;
}

export interface GateNode extends NodeCommon {
  kind: 'gate';
  mode: 'manual';
  message?: Val;
  approvers?: Val;
  require: number;
  reject: number;
  reason: 'optional' | 'required';
  timeout_ms: number;
}

export interface TransformNode extends NodeCommon {
  kind: 'transform';
  /** In written order: later entries may read earlier ones. */
  set: [name: string, value: Val][];
  assert?: { that: Tree; code?: string; message?: Val; retryable?: true }[];
}

export interface WaitNode extends NodeCommon {
  kind: 'wait';
  /** A duration text, or an expression that gives one. */
  for?: Val;
  /** A moment in RFC 3339. */
  until?: Val;
}

/** Holds one list; its `timeout_ms` and `retry` are per attempt and over all attempts (language §4.3). */
export interface BlockNode extends NodeCommon {
  kind: 'block';
  bodies: { do: Scope };
  retry?: Retry;
}

/** Runs at most one of its bodies. */
export interface SwitchNode extends NodeCommon {
  kind: 'switch';
  /** In written order; `name` is the key of the body. The body `default` has no condition. */
  cases: { name: string; when: Tree }[];
  bodies: Record<string, Scope>;
}

/** Runs its branches side by side, started in sorted order of their names. */
export interface ParallelNode extends NodeCommon {
  kind: 'parallel';
  bodies: Record<string, Scope>;
  mode: 'fail_fast' | 'collect';
  /** Completes when that many branches have completed; then `mode` does not count. */
  join?: number;
  concurrency: number;
}

/** Runs its body once for every item. */
export interface ForEachNode extends NodeCommon {
  kind: 'for_each';
  bodies: { do: Scope };
  /** A list, a map or a count. */
  in: Val;
  as: string;
  concurrency: number;
  mode: 'fail_fast' | 'collect';
  /** Failed items that do not fail the step; `percent` is of the number of items. Absent: all of them. */
  tolerate?: number | { percent: number };
  while?: Tree;
  max_items: number;
}

export type LeafNode = ActionNode | AgentNode | GateNode | TransformNode | WaitNode;
export type HolderNode = BlockNode | SwitchNode | ParallelNode | ForEachNode;
export type PlanNode = LeafNode | HolderNode;
export type StepKind = PlanNode['kind'];

/** The defaults of language §9, in the form of a plan. */
export const DEFAULT_LIMITS: Limits = {
  run_time_ms: 3_600_000,
  max_age_ms: 2_592_000_000,
  steps: 200,
  loop_steps: 20_000,
  cleanup_ms: 600_000,
  cancel_grace_ms: 60_000,
};

/** Pauses of language §4.3: 1 s, doubled, at most a minute, ± 20 %. */
export const DEFAULT_BACKOFF: Retry['backoff'] = { first_ms: 1_000, factor: 2, max_ms: 60_000, jitter: 0.2 };
