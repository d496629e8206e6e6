import { XynFault } from '../domain/fault.js';

/** What a failed statement means for the one who sent it. */
export type CatalogFailure =
  /** Nobody answered, or the server could not take it now: the same call may succeed later. */
  | 'unavailable'
  /** The server refused a value: the same call fails again. */
  | 'data'
  | 'other';

/** Socket errors of Node. */
const SOCKET_CODES = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOENT',
]);
/** Prisma's own codes: server not reached, timed out, closed the connection, no connection in time, too many. */
const PRISMA_CODES = new Set([
  'P1000',
  'P1001',
  'P1002',
  'P1003',
  'P1008',
  'P1011',
  'P1017',
  'P2024',
  'P2028',
  'P2037',
]);
/** Kinds of the driver adapter that stand for a connection. */
const ADAPTER_KINDS = new Set([
  'DatabaseNotReachable',
  'ConnectionClosed',
  'SocketTimeout',
  'TlsConnectionError',
  'TooManyConnections',
  'AuthenticationFailed',
  'DatabaseAccessDenied',
  'DatabaseDoesNotExist',
  'TransactionWriteConflict',
]);
/**
 * SQLSTATE classes and codes that end by themselves or by an operator: connection (08), authorization (28), no such
 * database (3D), rollback (40), resources (53), lock not available (55P03), operator intervention and statement timeout
 * (57), system (58), read-only after a failover (25006).
 */
const UNAVAILABLE_STATES = /^(08|28|3D|40|53|57|58)|^(55P03|25006)$/;
/** Cardinality, data exception, integrity constraint, program limit. */
const DATA_STATES = /^(21|22|23|54)/;
/** The `pg` driver gives these no code. */
const DRIVER_MESSAGES =
  /^(Connection terminated|timeout exceeded when trying to connect|Query read timeout|Client has encountered a connection error|Cannot use a pool after calling end|Client was closed)/i;

/** Tells apart, for errors of `pg` and of Prisma alike, what may succeed later from what never will. */
export function classifyCatalogError(error: unknown): CatalogFailure {
  for (const fact of chain(error)) {
    const state = fact.originalCode ?? fact.code;
    if (isUnavailable(fact, state)) return 'unavailable';
    if (typeof state === 'string' && /^[0-9A-Z]{5}$/.test(state) && DATA_STATES.test(state)) return 'data';
  }
  return error instanceof TypeError || error instanceof RangeError ? 'data' : 'other';
}

/**
 * The typed form of whatever a statement failed with: `db_unavailable` when the same call may succeed later, else
 * `internal`. A fault passes unchanged. The message never repeats what the server said, since that can hold values.
 */
export function catalogFault(error: unknown): XynFault {
  if (error instanceof XynFault) return error;
  if (classifyCatalogError(error) === 'unavailable') {
    return new XynFault('db_unavailable', 'Postgres does not answer, or cannot take the statement now. Try again.', {
      ...stateOf(error),
      cause: error,
    });
  }
  return new XynFault('internal', 'Postgres refused a statement.', { ...stateOf(error), cause: error });
}

/** The SQLSTATE of a failed statement, when the server gave one. */
export function sqlStateOf(error: unknown): string | undefined {
  for (const fact of chain(error)) {
    const state = fact.originalCode ?? fact.code;
    if (
      typeof state === 'string' &&
      /^[0-9A-Z]{5}$/.test(state) &&
      !PRISMA_CODES.has(state) &&
      !/^P\d{4}$/.test(state)
    ) {
      return state;
    }
  }
  return undefined;
}

interface ErrorFact {
  code?: unknown;
  originalCode?: unknown;
  kind?: unknown;
  message?: unknown;
  cause?: unknown;
  meta?: { driverAdapterError?: unknown };
  errors?: unknown;
}

function isUnavailable(fact: ErrorFact, state: unknown): boolean {
  if (typeof fact.kind === 'string' && ADAPTER_KINDS.has(fact.kind)) return true;
  if (typeof fact.message === 'string' && DRIVER_MESSAGES.test(fact.message)) return true;
  if (typeof state !== 'string') return false;
  return SOCKET_CODES.has(state) || PRISMA_CODES.has(state) || (state.length === 5 && UNAVAILABLE_STATES.test(state));
}

function stateOf(error: unknown): { details?: Record<string, unknown> } {
  const state = sqlStateOf(error);
  return state === undefined ? {} : { details: { sqlstate: state } };
}

/** The error and what it wraps; bounded, since causes can be circular. */
function chain(error: unknown): ErrorFact[] {
  const facts: ErrorFact[] = [];
  const queue: unknown[] = [error];
  while (queue.length > 0 && facts.length < 10) {
    const next = queue.shift();
    if (typeof next !== 'object' || next === null) continue;
    const fact = next as ErrorFact;
    facts.push(fact);
    queue.push(fact.cause, fact.meta?.driverAdapterError);
    if (Array.isArray(fact.errors)) queue.push(...(fact.errors as unknown[]));
  }
  return facts;
}
