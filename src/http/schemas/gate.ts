import { z } from 'zod';
import type { GateDetailDto, GateDto } from '../../domain/dtos.js';
import { jsonObject, listOf, pageQuery, prose, timestamp, uuid } from './common.js';

const gateStatus = z.enum(['open', 'approved', 'rejected', 'expired', 'cancelled']);
const decisionKind = z.enum(['approve', 'reject', 'done', 'retry', 'fail']);

export const gateSchema = z
  .object({
    gate_id: uuid,
    run_id: uuid,
    step_id: uuid,
    path: z.string(),
    purpose: z.enum(['approval', 'recovery']),
    message: z.string().nullable(),
    status: gateStatus,
    approvers: z.array(z.string()),
    require: z.int(),
    reject: z.int(),
    reason: z.string(),
    approvals: z.int(),
    digest: z.string().nullable(),
    opened_at: timestamp,
    expires_at: timestamp.nullable(),
    closed_at: timestamp.nullable(),
  })
  .meta({ id: 'Gate' }) satisfies z.ZodType<GateDto>;

export const gateDetailSchema = gateSchema
  .extend({
    binds: z.array(
      z.object({
        path: z.string(),
        action: z.string(),
        input: jsonObject,
        later: z.array(z.string()),
        hash: z.string(),
      }),
    ),
    decisions: z.array(
      z.object({
        decision_id: uuid,
        decision: decisionKind,
        actor: z.string(),
        reason: z.string().nullable(),
        source: z.string(),
        status: z.enum(['submitted', 'applied', 'refused']),
        refusal: z.string().nullable(),
        created_at: timestamp,
        settled_at: timestamp.nullable(),
      }),
    ),
  })
  .meta({ id: 'GateDetail' }) satisfies z.ZodType<GateDetailDto>;

export const gateListSchema = listOf(gateSchema, 'GateList');

/** `done | retry | fail` are for recovery gates; only `done` takes outputs. */
export const decideGateRequest = z
  .strictObject({
    decision: decisionKind,
    reason: prose.exactOptional(),
    outputs: jsonObject.exactOptional(),
  })
  .meta({ id: 'DecideGate' });

/** With status 202: recorded, and still on its way to the run. */
export const gateDecidedSchema = z
  .object({
    gate: gateSchema,
    decision_id: uuid,
    status: z.enum(['submitted', 'applied']),
  })
  .meta({ id: 'GateDecided' });

export const gateListQuery = pageQuery.extend({ status: gateStatus.exactOptional(), run_id: uuid.exactOptional() });
