import { randomUUID } from 'node:crypto';
import type { AuditEntry } from '../catalog/audit.js';
import type { PauseChange, ScheduleRow } from '../catalog/schedule-store.js';
import type { JsonObject } from '../domain/json.js';
import type { Caller } from './caller.js';

interface Circumstances {
  caller: Caller;
  at: Date;
  envId: string;
}

/** The audit entry of something that was done to a schedule. */
export function scheduleEntry(
  row: Pick<ScheduleRow, 'schedule_id'>,
  what: { action: string; reason?: string | null; before?: JsonObject; after: JsonObject },
  { caller, at, envId }: Circumstances,
): AuditEntry {
  const { action, reason, before, after } = what;
  return {
    key: `schedule/${row.schedule_id}/${action}/${randomUUID()}`,
    at,
    actor: caller.actor,
    action,
    resource_type: 'schedule',
    resource_id: row.schedule_id,
    ...(reason == null || reason === '' ? {} : { reason }),
    ...(before === undefined ? {} : { before }),
    after: { ...after, source: caller.source, proven: caller.proven },
    correlation_id: caller.correlationId,
    env_id: envId,
  };
}

/** The audit entry of a pause, or of its end. */
export function pauseEntry(row: ScheduleRow, change: PauseChange, circumstances: Circumstances): AuditEntry {
  const what = {
    action: change.is_paused ? 'schedule.pause' : 'schedule.resume',
    reason: change.note,
    before: { is_paused: row.is_paused },
    after: { is_paused: change.is_paused },
  };
  return scheduleEntry(row, what, circumstances);
}
