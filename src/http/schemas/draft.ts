import { z } from 'zod';
import {
  DRAFT_KINDS,
  DRAFT_STATUSES,
  type DraftDetailDto,
  type DraftDiffDto,
  type DraftDto,
  type DraftReportDto,
  type DraftRevisionDetailDto,
  type DraftRevisionDto,
  type DraftTestDto,
  type PromotedDraftDto,
  type SavedDraftDto,
} from '../../domain/drafts.js';
import { problemSchema } from './blueprint.js';
import { jsonObject, label, listOf, pageQuery, prose, timestamp, uuid } from './common.js';

const kind = z.enum(DRAFT_KINDS);
const status = z.enum(DRAFT_STATUSES);
const time = timestamp.nullable();

const contentSchema = z.object({
  trigger_event_type: z.string(),
  notes: z.string().nullable(),
  source_run_id: uuid.nullable(),
});

const draftSchema = z
  .object({
    draft_id: uuid,
    name: z.string(),
    kind,
    status,
    revision: z.int(),
    blueprint_id: z.string().nullable(),
    base_version: z.int().nullable(),
    is_valid: z.boolean().nullable(),
    created_at: timestamp,
    created_by: z.string(),
    updated_at: timestamp,
    updated_by: z.string(),
    content: contentSchema,
  })
  .meta({ id: 'Draft' }) satisfies z.ZodType<DraftDto>;

export const draftListSchema = listOf(draftSchema, 'DraftList');

export const draftListQuery = pageQuery.extend({
  status: status.exactOptional(),
  kind: kind.exactOptional(),
  q: label(200).exactOptional().meta({ description: "Part of the name or of the blueprint's id." }),
});

const revisionSchema = z
  .object({
    revision: z.int(),
    definition_artifact_id: uuid,
    definition_sha256: z.string(),
    notes: z.string().nullable(),
    source_run_id: uuid.nullable(),
    created_at: timestamp,
    created_by: z.string(),
    validated_at: time,
    is_valid: z.boolean().nullable(),
    report_artifact_id: uuid.nullable(),
    tested_at: time,
    tests: z
      .object({ passed: z.int(), failed: z.int(), report_artifact_id: uuid, scenarios_artifact_id: uuid })
      .nullable(),
    promoted_at: time,
    promoted_version: z.int().nullable(),
  })
  .meta({ id: 'DraftRevision' }) satisfies z.ZodType<DraftRevisionDto>;

export const draftRevisionListSchema = listOf(revisionSchema, 'DraftRevisionList');

export const draftRevisionDetailSchema = revisionSchema
  .extend({ draft_id: uuid, definition: z.string() })
  .meta({ id: 'DraftRevisionDetail' }) satisfies z.ZodType<DraftRevisionDetailDto>;

export const draftDetailSchema = draftSchema
  .extend({ content: contentSchema.extend({ definition: z.string() }), newest: revisionSchema })
  .meta({ id: 'DraftDetail' }) satisfies z.ZodType<DraftDetailDto>;

export const savedDraftSchema = draftSchema
  .extend({ created: z.boolean().meta({ description: 'Whether a revision was made.' }) })
  .meta({ id: 'SavedDraft' }) satisfies z.ZodType<SavedDraftDto>;

const revisionFields = {
  trigger_event_type: z
    .string()
    .max(200)
    .regex(/^[^\u0000-\u001f\u007f-\u009f]*$/u, 'must not hold control characters')
    .exactOptional(),
  definition: z.union([z.string(), jsonObject]).meta({
    description: 'A document: a text, or a map that is kept as JSON. At most 512 KiB.',
  }),
  notes: prose.exactOptional(),
  source_run_id: uuid.exactOptional(),
  expected_revision: z
    .int()
    .min(0)
    .max(999_999_999)
    .exactOptional()
    .meta({ description: 'The revision that the author saw; 0: there was no draft.' }),
  base_version: z
    .int()
    .min(1)
    .max(999_999_999)
    .nullable()
    .exactOptional()
    .meta({ description: 'The active version that the author compared with, after a `conflict`.' }),
};

export const saveDraftRequest = z
  .strictObject({ name: label(200), kind: kind.default('blueprint'), ...revisionFields })
  .meta({ id: 'SaveDraft' });

export const reviseDraftRequest = z.strictObject(revisionFields).meta({ id: 'ReviseDraft' });

export const draftReportSchema = z
  .object({
    draft_id: uuid,
    revision: z.int(),
    status,
    is_valid: z.boolean(),
    issues: z.array(problemSchema),
    report_artifact_id: uuid,
  })
  .meta({ id: 'DraftReport' }) satisfies z.ZodType<DraftReportDto>;

export const promoteDraftRequest = z
  .strictObject({
    expected_revision: z
      .int()
      .min(1)
      .max(999_999_999)
      .exactOptional()
      .meta({ description: 'The revision that was looked at.' }),
    reason: prose.exactOptional(),
  })
  .meta({ id: 'PromoteDraft' });

export const promotedDraftSchema = z
  .object({
    draft_id: uuid,
    revision: z.int(),
    blueprint_id: z.string(),
    version: z.int(),
    digest: z.string(),
    status: z.literal('active'),
    promoted_at: timestamp,
  })
  .meta({ id: 'PromotedDraft' }) satisfies z.ZodType<PromotedDraftDto>;

const diffPoint = z
  .string()
  .regex(/^(active|[1-9]\d{0,8})$/, 'must be `active` or the number of a revision')
  .transform((text): number | 'active' => (text === 'active' ? text : Number(text)));

export const draftDiffQuery = z.strictObject({
  from: diffPoint.exactOptional().meta({ description: 'A revision, or `active` (default): the active version.' }),
  to: diffPoint.exactOptional().meta({ description: 'A revision (default: the newest one), or `active`.' }),
});

const diffSide = z.union([z.object({ revision: z.int() }), z.object({ version: z.int().nullable() })]);

export const draftDiffSchema = z
  .object({
    draft_id: uuid,
    from: diffSide,
    to: diffSide,
    added: z.int(),
    removed: z.int(),
    lines: z.array(
      z.discriminatedUnion('kind', [
        z.object({ kind: z.enum(['same', 'added', 'removed']), text: z.string() }),
        z.object({ kind: z.literal('skipped'), count: z.int() }),
      ]),
    ),
    is_whole: z.boolean(),
  })
  .meta({ id: 'DraftDiff' }) satisfies z.ZodType<DraftDiffDto>;

export const testDraftRequest = z
  .strictObject({
    scenarios: z.string().min(1).meta({ description: 'The text of a file of scenarios, at most 512 KiB.' }),
  })
  .meta({ id: 'TestDraft' });

export const draftTestSchema = z
  .object({
    draft_id: uuid,
    revision: z.int(),
    report_artifact_id: uuid,
    ok: z.boolean(),
    passed: z.int(),
    failed: z.int(),
    problems: z.array(problemSchema.extend({ file: z.enum(['definition', 'scenarios']) })),
    scenarios: z.array(
      z.object({
        name: z.string(),
        line: z.int(),
        column: z.int(),
        ok: z.boolean(),
        mismatches: z.array(
          z.object({
            what: z.string(),
            path: z.string().exactOptional(),
            expected: z.array(z.string()),
            got: z.array(z.string()),
          }),
        ),
      }),
    ),
    coverage: z
      .object({ total: z.int(), missed: z.array(z.string()) })
      .exactOptional()
      .meta({ description: 'Steps, cases and handlers of the plan, and those that no scenario reached.' }),
  })
  .meta({ id: 'DraftTest' }) satisfies z.ZodType<DraftTestDto>;
