import { z } from 'zod';
import type {
  ActivatedBlueprintDto,
  AppliedBlueprintDto,
  BlueprintDetailDto,
  BlueprintDto,
  BlueprintVersionDetailDto,
  BlueprintVersionDto,
  ProblemDto,
} from '../../domain/dtos.js';
import type { PreviewList } from '../../domain/plan-preview.js';
import { jsonObject, label, listOf, prose, shownAs, timestamp } from './common.js';
import { emitEventRequest } from './event.js';

export const blueprintSchema = z
  .object({
    blueprint_id: z.string(),
    name: z.string(),
    active_version: z.int().nullable(),
    digest: z.string().nullable(),
    enabled: z.boolean(),
    created_at: timestamp,
    updated_at: timestamp,
  })
  .meta({ id: 'Blueprint' }) satisfies z.ZodType<BlueprintDto>;

const versionSchema = z
  .object({ version: z.int(), digest: z.string(), created_at: timestamp, created_by: z.string() })
  .meta({ id: 'BlueprintVersion' }) satisfies z.ZodType<BlueprintVersionDto>;

export const blueprintVersionListSchema = listOf(versionSchema, 'BlueprintVersionList');

export const blueprintVersionSchema = versionSchema
  .extend({ blueprint_id: z.string(), source: z.string(), plan: jsonObject })
  .meta({ id: 'BlueprintVersionDetail' }) satisfies z.ZodType<BlueprintVersionDetailDto>;

export const blueprintDetailSchema = blueprintSchema
  .extend({ source: z.string().nullable(), versions: z.array(versionSchema) })
  .meta({ id: 'BlueprintDetail' }) satisfies z.ZodType<BlueprintDetailDto>;

export const blueprintListSchema = listOf(blueprintSchema, 'BlueprintList');

export const problemSchema = z
  .object({
    code: z.string(),
    severity: z.enum(['error', 'warning']),
    path: z.string(),
    line: z.int(),
    column: z.int(),
    message: z.string(),
    suggestion: z.string().exactOptional(),
  })
  .meta({ id: 'Problem' }) satisfies z.ZodType<ProblemDto>;

/** A document: its bytes, or its text inside JSON. */
export const documentRequest = z
  .strictObject({
    source: z
      .union([z.instanceof(Uint8Array), z.string().transform((text) => new TextEncoder().encode(text))])
      .meta(shownAs({ type: 'string' })),
  })
  .meta({ id: 'Document' });

/** The JSON Schema of documents. */
export const documentSchemaAnswer = z
  .looseObject({ $schema: z.string(), $defs: jsonObject })
  .meta({ id: 'DocumentSchema', description: 'A JSON Schema, draft 2020-12.' });

export const validationSchema = z
  .object({ is_valid: z.boolean(), problems: z.array(problemSchema) })
  .meta({ id: 'Validation' });

export const appliedBlueprintSchema = z
  .object({
    blueprint_id: z.string(),
    version: z.int(),
    digest: z.string(),
    created: z.boolean(),
    warnings: z.array(problemSchema),
  })
  .meta({ id: 'AppliedBlueprint' }) satisfies z.ZodType<AppliedBlueprintDto>;

/** Which version is to become the active one. */
export const activateRequest = z
  .strictObject({
    version: z.int().min(1).max(999_999_999),
    reason: prose.exactOptional(),
  })
  .meta({ id: 'ActivateBlueprint' });

export const activatedBlueprintSchema = z
  .object({
    blueprint_id: z.string(),
    version: z.int(),
    digest: z.string(),
    previous_version: z.int().nullable(),
  })
  .meta({ id: 'ActivatedBlueprint' }) satisfies z.ZodType<ActivatedBlueprintDto>;

/** What is to be previewed. */
export const previewRequest = z
  .strictObject({
    source: z.string().max(1_048_576).exactOptional().meta({ description: 'A document; or give `blueprint_ref`.' }),
    blueprint_ref: label(300).exactOptional().meta({ description: "A blueprint's id, or `id@version`." }),
    inputs: jsonObject.default({}),
    event: emitEventRequest
      .pick({ event_name: true, data: true, resource: true })
      .exactOptional()
      .meta({ description: 'Previews what this event would start, with the inputs that its trigger gives.' }),
  })
  .refine(({ source, blueprint_ref: ref }) => (source === undefined) !== (ref === undefined), {
    message: 'give one of `source` and `blueprint_ref`',
  })
  .meta({ id: 'PreviewPlan' });

const wouldRun = z.enum(['yes', 'no', 'later']);

const previewStepSchema = z
  .object({
    path: z.string(),
    id: z.string(),
    name: z.string().nullable(),
    kind: z.enum(['action_task', 'agent_task', 'gate', 'transform', 'wait', 'block', 'switch', 'parallel', 'for_each']),
    would_run: wouldRun,
    action: z.string().exactOptional(),
    effect: z.enum(['read', 'write', 'destructive']).exactOptional(),
    idempotency: z.enum(['safe', 'keyed', 'none']).exactOptional(),
    targets: z.array(z.string()).exactOptional(),
    timeout_ms: z.int().exactOptional(),
    attempts: z.int().exactOptional(),
    input: jsonObject.exactOptional(),
    later: z.array(z.string()),
    faults: z.array(
      z.object({
        field: z.string(),
        code: z.string(),
        message: z.string(),
        needs_event: z
          .literal(true)
          .exactOptional()
          .meta({ description: 'The value reads the event that starts the run, and this run has none.' }),
      }),
    ),
    gate: z
      .object({
        message: z.string().nullable(),
        approvers: z.array(z.string()).nullable(),
        require: z.int(),
        reject: z.int(),
        reason: z.enum(['optional', 'required']),
      })
      .exactOptional(),
    items: z.int().nullable().exactOptional(),
    concurrency: z.int().exactOptional(),
    get lists() {
      return z.array(previewListSchema).exactOptional();
    },
  })
  .meta({ id: 'PreviewStep' });

const previewListSchema: z.ZodType<PreviewList> = z
  .object({
    role: z.enum(['body', 'case', 'branch', 'handler', 'finally']),
    name: z.string(),
    would_run: wouldRun,
    steps: z.lazy(() => z.array(previewStepSchema)),
  })
  .meta({ id: 'PreviewList' });

export const previewSchema = z
  .object({
    blueprint_id: z.string(),
    name: z.string(),
    digest: z.string(),
    verdict: z
      .enum(['started', 'filter_false', 'filter_error', 'input_invalid', 'duplicate_of', 'disabled', 'backlog', 'loop', 'no_trigger'])
      .nullable(),
    verdict_detail: jsonObject.nullable(),
    inputs: jsonObject,
    lists: z.array(previewListSchema),
  })
  .meta({ id: 'PlanPreview' });
