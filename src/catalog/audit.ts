import type { AuditEntryDto } from '../domain/dtos.js';
import type { Json, JsonObject } from '../domain/json.js';
import type { Catalog } from './connect.js';
import { catalogFault } from './faults.js';
import { OFTEN } from './often.js';
import { byOwnIndex } from './own-index.js';
import type { Prisma } from './generated/client.js';

/** One privileged action: who did what to what, when and why. Never holds secrets. */
export interface AuditEntry {
  /** Makes repeats of the same change harmless: an entry with a known key is not written again. */
  key: string;
  at: Date;
  actor: string;
  /** `<noun>.<verb>`, e.g. `gate.decide`. */
  action: string;
  resource_type: string;
  resource_id: string;
  reason?: string;
  before?: JsonObject;
  after?: JsonObject;
  run_id?: string;
  step_id?: string;
  correlation_id?: string;
  env_id: string;
}

/**
 * Adds entries to the audit trail inside the transaction of the change that they describe. An entry whose key is known
 * changes nothing; any other conflict fails, so that the change fails with it.
 */
export async function appendAudit(tx: Prisma.TransactionClient, entries: AuditEntry | AuditEntry[]): Promise<void> {
  const list = Array.isArray(entries) ? entries : [entries];
  if (list.length === 0) return;
  await tx.$executeRaw`${OFTEN}
    INSERT INTO audit_log (key, at, actor, action, resource_type, resource_id, reason, before, after, run_id, step_id,
      correlation_id, env_id)
    SELECT key, at, actor, action, resource_type, resource_id, reason, before, after, run_id, step_id, correlation_id, env_id
    FROM jsonb_to_recordset(${JSON.stringify(list)}::jsonb) AS e(key text, at timestamptz, actor text, action text,
      resource_type text, resource_id text, reason text, before jsonb, after jsonb, run_id uuid, step_id uuid,
      correlation_id text, env_id text)
    ON CONFLICT (key) DO NOTHING`;
}

/** Each field that is given must be equal. */
export interface AuditFilter {
  run_id?: string;
  actor?: string;
  action?: string;
  resource_type?: string;
  resource_id?: string;
}

/** The audit log as it is read. */
export interface AuditLog {
  /** Entries, newest first, below `beforeId` where it is given. @throws XynFault `db_unavailable` */
  list(query: AuditFilter & { limit: number; beforeId?: string }): Promise<AuditEntryDto[]>;
}

/** The audit log of a catalog. */
export function auditLog(catalog: Pick<Catalog, 'prisma'>): AuditLog {
  return { list: (query) => listAudit(catalog, query) };
}

async function listAudit(
  { prisma }: Pick<Catalog, 'prisma'>,
  query: AuditFilter & { limit: number; beforeId?: string },
): Promise<AuditEntryDto[]> {
  const { limit, beforeId, ...filter } = query;
  try {
    const own = byOwnIndex({ ...filter }, 'desc', beforeId === undefined);
    const rows = await prisma.audit_entry.findMany({
      where: { ...own.where, ...(beforeId === undefined ? {} : { audit_id: { lt: BigInt(beforeId) } }) },
      orderBy: [...own.orderBy, { audit_id: 'desc' }],
      take: limit,
    });
    return rows.map((row) => ({
      audit_id: row.audit_id.toString(),
      at: row.at.toISOString(),
      actor: row.actor,
      action: row.action,
      resource_type: row.resource_type,
      resource_id: row.resource_id,
      reason: row.reason,
      before: row.before as Json,
      after: row.after as Json,
      run_id: row.run_id,
      step_id: row.step_id,
      correlation_id: row.correlation_id,
      env_id: row.env_id,
    }));
  } catch (error) {
    throw catalogFault(error);
  }
}
