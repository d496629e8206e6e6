import type { AuditEntry } from '../catalog/audit.js';
import type { EventRow } from '../catalog/start-rows.js';
import type { ResourceRef } from '../domain/dtos.js';
import { isEventName, isReservedEventName, MAX_EVENT_NAME } from '../domain/event-name.js';
import { XynFault } from '../domain/fault.js';
import type { JsonObject } from '../domain/json.js';
import type { Caller } from './caller.js';
import { isStorable, isStorableText } from './storable-json.js';

/** What somebody else than Xyn itself may emit. */
interface Emittable {
  event_name: string;
  data: JsonObject;
  resource?: ResourceRef | null;
  idempotencyKey?: string;
}

/** @throws XynFault `event_name_format`, `event_name_reserved`, `request_invalid` */
export function requireEmittable({ event_name: name, resource, data, idempotencyKey }: Emittable): void {
  if (!isEventName(name)) {
    throw new XynFault(
      'event_name_format',
      `An event name has two or more segments of a-z, 0-9 and _, joined by dots, at most ${MAX_EVENT_NAME} characters, like \`checkmk.alert\`.`,
    );
  }
  if (isReservedEventName(name)) {
    throw new XynFault('event_name_reserved', 'Only Xyn itself emits `xyn.` events; `xyn.cicd.` is open to others.');
  }
  if (isStorable(data) && isStorable({ ...resource }) && isStorableText(idempotencyKey ?? '')) return;
  throw new XynFault('request_invalid', 'Texts must not hold NUL or half characters (unpaired surrogates).');
}

/** What the audit trail says about an event that was emitted. @param repeats the event that it repeats. */
export function emitEntry({ actor, source, proven }: Caller, row: EventRow, repeats?: string): AuditEntry {
  return {
    key: `event/${row.event_id}`,
    at: new Date(row.occurred_at),
    actor,
    action: 'event.emit',
    resource_type: 'event',
    resource_id: row.event_id,
    after: { event_name: row.event_name, source, proven, ...(repeats === undefined ? {} : { repeats }) },
    ...(row.run_id === null ? {} : { run_id: row.run_id }),
    correlation_id: row.correlation_id,
    env_id: row.env_id,
  };
}
