import type { CanonicalEntry } from '../domain/audit-chain.js';
import type { JsonObject } from '../domain/json.js';

/** A link of the chain. `seq` counts from 1 without gaps. */
export interface Link {
  seq: number;
  audit_id: string;
  prev_hash: string;
  hash: string;
}

/** The hashed columns of `audit_log a`, for a SELECT; all of them null where a link has no entry. */
export const ENTRY_COLUMNS = `a.audit_id::text AS entry_id, a.key, (extract(epoch FROM a.at) * 1000)::float8 AS at_ms, a.actor,
  a.action, a.resource_type, a.resource_id, a.reason, a.before, a.after, a.run_id, a.step_id, a.correlation_id, a.env_id,
  a.layer, a.owner_org_id`;

/** A row of these columns. */
export interface EntryRow {
  entry_id: string;
  key: string;
  /** Since the epoch; infinite for Postgres' infinities. */
  at_ms: number;
  actor: string;
  action: string;
  resource_type: string;
  resource_id: string;
  reason: string | null;
  before: JsonObject | null;
  after: JsonObject | null;
  run_id: string | null;
  step_id: string | null;
  correlation_id: string | null;
  env_id: string;
  layer: string;
  owner_org_id: string;
}

/** The hashed form of a row. */
export function canonicalEntry(row: EntryRow): CanonicalEntry {
  const { before, after, reason, run_id, step_id, correlation_id } = row;
  return {
    audit_id: row.entry_id,
    at: timeText(row.at_ms),
    key: row.key,
    actor: row.actor,
    action: row.action,
    resource_type: row.resource_type,
    resource_id: row.resource_id,
    env_id: row.env_id,
    layer: row.layer,
    owner_org_id: row.owner_org_id,
    ...(reason !== null && { reason }),
    ...(before !== null && { before }),
    ...(after !== null && { after }),
    ...(run_id !== null && { run_id }),
    ...(step_id !== null && { step_id }),
    ...(correlation_id !== null && { correlation_id }),
  };
}

/** A time that nobody could have written through us must differ from all others, not end the verification. */
function timeText(ms: number): string {
  const time = new Date(ms);
  return Number.isNaN(time.getTime()) ? String(ms) : time.toISOString();
}
