import { z } from 'zod';
import type {
  FootprintDto,
  FootprintTotalDto,
  RunDetailDto,
  RunDto,
  StepDetailDto,
  StepDto,
  WaitingOn,
} from '../../domain/dtos.js';
import type { ReplayCheckDto, RerunDto } from '../../domain/rerun.js';
import { anyJson, givenTime, jsonObject, label, listOf, pageQuery, prose, timestamp, uuid } from './common.js';

const runStatus = z.enum(['created', 'running', 'completed', 'failed', 'cancelled']);

export const runSchema = z
  .object({
    run_id: uuid,
    name: z.string(),
    status: runStatus,
    phase: z.string().nullable(),
    blueprint_id: z.string(),
    blueprint_version: z.int().nullable(),
    digest: z.string(),
    trigger: z.string(),
    event_id: uuid.nullable(),
    priority: z.int(),
    created_at: timestamp,
    started_at: timestamp.nullable(),
    completed_at: timestamp.nullable(),
    cancel_requested_at: timestamp.nullable(),
    actor: z.string(),
    correlation_id: z.string(),
    inputs: jsonObject,
    outputs: jsonObject.nullable(),
    error: jsonObject.nullable(),
    rerun_of: uuid.nullable().meta({ description: 'The run that this one repeats.' }),
    rerun_from: z.string().nullable().meta({ description: 'Path of the first step that it does anew.' }),
  })
  .meta({ id: 'Run' }) satisfies z.ZodType<RunDto>;

const time = timestamp.nullable();
export const waitingOnSchema = z
  .discriminatedUnion('kind', [
    z.object({ kind: z.literal('start'), since: timestamp }),
    z.object({ kind: z.literal('place'), lane: z.string(), running: z.int(), ahead: z.int(), since: timestamp }),
    z.object({
      kind: z.literal('gate'),
      gate_id: uuid,
      path: z.string(),
      purpose: z.string(),
      approvers: z.array(z.string()),
      require: z.int(),
      approvals: z.int(),
      since: timestamp,
      expires_at: time,
    }),
    z.object({
      kind: z.literal('retry'),
      path: z.string(),
      attempt: z.int(),
      next_attempt_at: time,
      last_failure: z.string().nullable(),
    }),
    z.object({
      kind: z.literal('step'),
      path: z.string(),
      attempt: z.int(),
      worker: z.string(),
      since: time,
      last_heartbeat_at: time,
    }),
    z.object({
      kind: z.literal('worker_lost'),
      path: z.string().nullable(),
      attempt: z.int(),
      worker: z.string().nullable(),
      since: time,
    }),
    z.object({
      kind: z.literal('worker'),
      path: z.string().nullable(),
      since: time,
      queue: z.string(),
      pollers: z.int().nullable(),
    }),
    z.object({ kind: z.literal('decision'), since: time }),
    z.object({
      kind: z.literal('defect'),
      code: z.literal('workflow_defect'),
      message: z.string(),
      attempt: z.int(),
      since: time,
    }),
    z.object({ kind: z.literal('timer'), until: time, since: timestamp }),
    z.object({
      kind: z.literal('record'),
      execution: z.enum(['completed', 'failed', 'cancelled', 'terminated', 'timed_out', 'not_found']),
      since: timestamp,
    }),
    z.object({ kind: z.literal('cancel'), since: timestamp }),
    z.object({ kind: z.literal('unknown'), reason: z.string() }),
  ])
  .meta({ id: 'WaitingOn' }) satisfies z.ZodType<WaitingOn>;

export const runDetailSchema = runSchema
  .extend({
    waiting_on: z.array(waitingOnSchema),
  })
  .meta({ id: 'RunDetail' }) satisfies z.ZodType<RunDetailDto>;

export const runListSchema = listOf(runSchema, 'RunList');

export const stepSchema = z
  .object({
    step_id: uuid,
    run_id: uuid,
    path: z.string(),
    node_id: z.string(),
    kind: z.string(),
    name: z.string(),
    status: z.enum(['created', 'running', 'completed', 'failed', 'skipped']),
    skip_reason: z.string().nullable(),
    handled: z.boolean(),
    attempts: z.int(),
    started_at: time,
    completed_at: time,
    logs_artifact_id: uuid.nullable(),
    inputs: jsonObject.nullable(),
    outputs: anyJson,
    error: jsonObject.nullable(),
    reused_from_run: uuid.nullable().meta({ description: 'The run that did it, when its result was taken over.' }),
  })
  .meta({ id: 'Step' }) satisfies z.ZodType<StepDto>;

export const stepDetailSchema = stepSchema
  .extend({
    attempt_log: z.array(
      z.object({
        attempt: z.int(),
        status: z.string(),
        worker: z.string(),
        pack: z.string().nullable(),
        error: jsonObject.nullable(),
        started_at: timestamp,
        ended_at: time,
        next_retry_at: time,
      }),
    ),
  })
  .meta({ id: 'StepDetail' }) satisfies z.ZodType<StepDetailDto>;

export const stepListSchema = listOf(stepSchema, 'StepList');

const footprintSchema = z
  .object({
    recorded_at: timestamp,
    source_kind: z.string(),
    source_ref: z.string(),
    metric: z.string(),
    run_id: uuid,
    step_id: uuid.nullable(),
    quantity: z.number(),
    unit: z.string(),
    dims: jsonObject.nullable(),
  })
  .meta({ id: 'Footprint' }) satisfies z.ZodType<FootprintDto>;

const footprintTotalSchema = z
  .object({ metric: z.string(), unit: z.string(), quantity: z.number() })
  .meta({ id: 'FootprintTotal' }) satisfies z.ZodType<FootprintTotalDto>;

/** The totals are of the whole run, on every page. */
export const footprintListSchema = listOf(footprintSchema, 'FootprintPage')
  .extend({ totals: z.array(footprintTotalSchema) })
  .meta({ id: 'FootprintList' });

/** The name is the blueprint's when absent. */
export const createRunRequest = z
  .strictObject({
    name: label(200).exactOptional(),
    blueprint_ref: label(300),
    inputs: jsonObject.default({}),
    priority: z.int().min(-1_000).max(1_000).default(0),
  })
  .meta({ id: 'CreateRun' });

export const cancelRunRequest = z.strictObject({ reason: prose.default('') }).meta({ id: 'CancelRun' });

const anewReason = z.enum([
  'asked',
  'after',
  'failed',
  'not_run',
  'run_completed',
  'inputs_changed',
  'decided_anew',
  'rerun_contract_changed',
  'result_gone',
]);

/** `from` is a step's id or path; without it the first step that failed or did not run is where the new run goes on. */
export const rerunRequest = z
  .strictObject({
    from: label(2_000).exactOptional(),
    inputs: jsonObject.exactOptional(),
    latest: z.boolean().default(false),
    dry_run: z.boolean().default(false),
  })
  .meta({ id: 'RerunRun' });

export const rerunSchema = z
  .object({
    run: runSchema.nullable().meta({ description: 'The new run; null with `dry_run`.' }),
    blueprint_version: z.int(),
    reused: z.array(z.string()).meta({ description: 'Steps whose results are taken over: the first thousand.' }),
    reused_count: z.int(),
    anew: z
      .array(z.object({ path: z.string(), reason: anewReason }))
      .meta({ description: 'Steps that run anew, and why: the first thousand.' }),
    anew_count: z.int(),
  })
  .meta({ id: 'Rerun' }) satisfies z.ZodType<RerunDto>;

export const replayCheckSchema = z
  .object({
    fits: z.boolean(),
    difference: z.string().nullable().meta({ description: 'Where history and code part, when they do.' }),
    events: z.int(),
  })
  .meta({ id: 'ReplayCheck' }) satisfies z.ZodType<ReplayCheckDto>;

export const runListQuery = pageQuery.extend({
  status: runStatus.exactOptional(),
  blueprint_id: label(200).exactOptional(),
  /** `manual`, or the name of the event that started the run. */
  trigger: label(200).exactOptional(),
  actor: label(128).exactOptional(),
  correlation_id: label(128).exactOptional(),
  event_id: uuid.exactOptional(),
  rerun_of: uuid.exactOptional().meta({ description: 'Reruns of this run.' }),
  created_from: givenTime.exactOptional().meta({ description: 'Runs created at this time or later.' }),
  created_to: givenTime.exactOptional().meta({ description: 'Runs created before this time.' }),
  run_id_prefix: z
    .string()
    .regex(/^[0-9a-f]{8}[0-9a-f-]{0,28}$/, 'must be the first 8 or more characters of a run id')
    .exactOptional()
    .meta({
      description: 'Runs whose id begins so, at most ten and without further pages; no other filter goes with it.',
    }),
});
