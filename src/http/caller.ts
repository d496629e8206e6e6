import { randomUUID } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { XynFault } from '../domain/fault.js';
import type { Caller } from '../services/caller.js';

/** Who calls when nobody says so. */
const DEFAULT_ACTOR = 'local';
const CORRELATION_ID = /^[A-Za-z0-9][A-Za-z0-9._:-]{0,127}$/;
const ACTOR = /^[A-Za-z0-9][A-Za-z0-9._@+:/-]{0,127}$/;
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
/** Printable ASCII: RFC 9110 field content, without leading and trailing space. */
const IDEMPOTENCY_KEY = /^[\x21-\x7e]([\x20-\x7e]{0,253}[\x21-\x7e])?$/;
/** Names that only Xyn itself writes into records. */
const RESERVED_ACTORS = new Set(['system', 'temporal-ui']);

/** W3C trace context: what comes with a trace belongs to it, also in records and logs. */
const TRACEPARENT = /^00-((?!0{32})[0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/;

/**
 * The id that ties together everything that a request causes: the caller's, else that of the caller's trace, else a new
 * one.
 */
export function correlationIdOf(headers: IncomingHttpHeaders): string {
  const given = headers['x-correlation-id'];
  if (typeof given === 'string' && CORRELATION_ID.test(given)) return given;
  return TRACEPARENT.exec(headers['traceparent']?.toString() ?? '')?.[1] ?? randomUUID();
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

/** The run and step that a request belongs to, where its headers say so. */
export interface RequestScope {
  run_id?: string;
  step_id?: string;
}

/**
 * Reads `X-Run-Id` and `X-Step-Id`.
 * @throws XynFault `request_invalid` for what is no id.
 */
export function scopeOf(headers: IncomingHttpHeaders): RequestScope {
  const { 'x-run-id': run, 'x-step-id': step } = headers;
  for (const given of [run, step]) {
    if (given !== undefined && !(typeof given === 'string' && UUID.test(given))) {
      throw new XynFault('request_invalid', 'X-Run-Id and X-Step-Id are UUIDs in lower case.');
    }
  }
  return {
    ...(run === undefined ? {} : { run_id: run as string }),
    ...(step === undefined ? {} : { step_id: step as string }),
  };
}

/**
 * The run and step that a request names in its body, or else in its headers.
 * @throws XynFault `request_invalid` when the two differ.
 */
export function scopeWithin(
  headers: IncomingHttpHeaders,
  given: { run_id?: string | null | undefined; step_id?: string | null | undefined },
): { run_id: string | null; step_id: string | null } {
  const scope = scopeOf(headers);
  for (const name of ['run_id', 'step_id'] as const) {
    if (given[name] != null && scope[name] !== undefined && given[name] !== scope[name]) {
      throw new XynFault('request_invalid', `\`${name}\` is not the one of the headers.`);
    }
  }
  return { run_id: given.run_id ?? scope.run_id ?? null, step_id: given.step_id ?? scope.step_id ?? null };
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
