import { z } from 'zod';
import { anyJson, label, listOf, pageQuery, timestamp, uuid } from './common.js';

export const auditEntrySchema = z
  .object({
    audit_id: z.string(),
    at: timestamp,
    actor: z.string(),
    action: z.string(),
    resource_type: z.string(),
    resource_id: z.string(),
    reason: z.string().nullable(),
    before: anyJson,
    after: anyJson,
    run_id: uuid.nullable(),
    step_id: uuid.nullable(),
    correlation_id: z.string().nullable(),
    env_id: z.string(),
  })
  .meta({ id: 'AuditEntry' });

export const auditListSchema = listOf(auditEntrySchema, 'AuditList');

export const auditListQuery = pageQuery.extend({
  run_id: uuid.exactOptional(),
  actor: label(200).exactOptional(),
  action: label(200).exactOptional(),
  resource_type: label(100).exactOptional(),
  resource_id: label(500).exactOptional(),
});

/** `ok: false` is an answer, not an error: it says what does not fit. */
export const auditReportSchema = z
  .object({
    ok: z.boolean(),
    entries: z.int(),
    linked: z.int(),
    unlinked_tail: z.int(),
    heads: z.int(),
    first_problem: z
      .object({
        kind: z.string(),
        seq: z.int().exactOptional(),
        audit_id: z.string().exactOptional(),
        expected_hash: z.string().exactOptional(),
        found_hash: z.string().exactOptional(),
        message: z.string(),
      })
      .exactOptional(),
  })
  .meta({ id: 'AuditReport' });
