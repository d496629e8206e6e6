import { z } from 'zod';
import { label, listOf, pageQuery, timestamp, uuid } from './common.js';

export const auditEntrySchema = z.object({
  audit_id: z.string(),
  at: timestamp,
  actor: z.string(),
  action: z.string(),
  resource_type: z.string(),
  resource_id: z.string(),
  reason: z.string().nullable(),
  before: z.json(),
  after: z.json(),
  run_id: uuid.nullable(),
  step_id: uuid.nullable(),
  correlation_id: z.string().nullable(),
  env_id: z.string(),
});

export const auditListSchema = listOf(auditEntrySchema);

export const auditListQuery = pageQuery.extend({
  run_id: uuid.exactOptional(),
  actor: label(200).exactOptional(),
  action: label(200).exactOptional(),
  resource_type: label(100).exactOptional(),
  resource_id: label(500).exactOptional(),
});
