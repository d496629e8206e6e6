import { z } from 'zod';
import type { BlueprintDetailDto, BlueprintDto } from '../../domain/dtos.js';
import { listOf, timestamp } from './common.js';

export const blueprintSchema = z.object({
  blueprint_id: z.string(),
  name: z.string(),
  active_version: z.int().nullable(),
  digest: z.string().nullable(),
  enabled: z.boolean(),
  created_at: timestamp,
  updated_at: timestamp,
}) satisfies z.ZodType<BlueprintDto>;

export const blueprintDetailSchema = blueprintSchema.extend({
  source: z.string().nullable(),
  versions: z.array(z.object({ version: z.int(), digest: z.string(), created_at: timestamp, created_by: z.string() })),
}) satisfies z.ZodType<BlueprintDetailDto>;

export const blueprintListSchema = listOf(blueprintSchema);
