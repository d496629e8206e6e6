import { randomUUID } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { XynFault } from '../domain/fault.js';
import type { Caller } from '../services/caller.js';

/** Who calls when nobody says so. */
const DEFAULT_ACTOR = 'local';
const CORRELATION_ID = /^[A-Za-z0-9][A-Za-z0-9._:-]{0,127}$/;
const ACTOR = /^[A-Za-z0-9][A-Za-z0-9._@+:/-]{0,127}$/;
/** Printable ASCII: RFC 9110 field content, without leading and trailing space. */
const IDEMPOTENCY_KEY = /^[\x21-\x7e]([\x20-\x7e]{0,253}[\x21-\x7e])?$/;
/** Names that only Xyn itself writes into records. */
const RESERVED_ACTORS = new Set(['system', 'temporal-ui']);

/** The id that ties together everything that a request causes: the caller's, or a new one when that is none. */
export function correlationIdOf(headers: IncomingHttpHeaders): string {
  const given = headers['x-correlation-id'];
  return typeof given === 'string' && CORRELATION_ID.test(given) ? given : randomUUID();
}

/**
 * Who calls, by what the caller says: nothing proves it while the API is open.
 * @throws XynFault `request_invalid` for a name that cannot stand in records.
 */
export function callerOf(headers: IncomingHttpHeaders, correlationId: string): Caller {
  const actor = headers['x-xyn-actor'] ?? DEFAULT_ACTOR;
  if (typeof actor !== 'string' || !ACTOR.test(actor) || RESERVED_ACTORS.has(actor)) {
    throw new XynFault(
      'request_invalid',
      'X-Xyn-Actor must be a name of A-Z, a-z, 0-9 and ._@+:/- and not a reserved one.',
    );
  }
  const source = headers['user-agent']?.startsWith('xynctl/') === true ? 'cli' : 'api';
  return { actor, proven: false, correlationId, source };
}

/** @throws XynFault `idempotency_key_invalid` */
function idempotencyKeyOf(headers: IncomingHttpHeaders): string | undefined {
  const key = headers['idempotency-key'];
  if (key === undefined) return undefined;
  if (typeof key === 'string' && IDEMPOTENCY_KEY.test(key)) return key;
  throw new XynFault('idempotency_key_invalid', 'Idempotency-Key takes 1 to 255 printable ASCII characters.');
}

/** The key of a request as services take it. @throws XynFault `idempotency_key_invalid` */
export function keyPart(headers: IncomingHttpHeaders): { idempotencyKey?: string } {
  const idempotencyKey = idempotencyKeyOf(headers);
  return idempotencyKey === undefined ? {} : { idempotencyKey };
}
