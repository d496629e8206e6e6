import { z } from 'zod';
import type {
  AppliedBlueprintDto,
  BlueprintDetailDto,
  BlueprintDto,
  BlueprintVersionDetailDto,
  BlueprintVersionDto,
  ProblemDto,
} from '../../domain/dtos.js';
import { jsonObject, listOf, shownAs, timestamp } from './common.js';

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

const problemSchema = z
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
