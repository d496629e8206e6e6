import { createHash } from 'node:crypto';

const TRACE_ID = /^(?!0{32})[0-9a-f]{32}$/;
const TRACEPARENT = /^00-((?!0{32})[0-9a-f]{32})-((?!0{16})[0-9a-f]{16})-([0-9a-f]{2})$/;

const digest = (text: string, characters: number): string =>
  createHash('sha256').update(text).digest('hex').slice(0, characters);

/**
 * The trace of everything with a correlation id: the id itself where it is one of a trace, else made from it. Every
 * process finds it by itself, so no header has to travel through Postgres and Temporal.
 */
export function traceIdOf(correlationId: string): string {
  return TRACE_ID.test(correlationId) ? correlationId : digest(`xyn/trace/${correlationId}`, 32);
}

/** The span of the request that began a correlation; also found by whoever has the id. */
export function requestSpanIdOf(correlationId: string): string {
  return digest(`xyn/request/${correlationId}`, 16);
}

/** The span of a run's start. */
export function runSpanIdOf(runId: string): string {
  return digest(`xyn/run/${runId}`, 16);
}

/** Trace and span of a W3C `traceparent` header; undefined for anything else. */
export function parseTraceparent(header: string | undefined): { traceId: string; spanId: string } | undefined {
  const [, traceId, spanId] = TRACEPARENT.exec(header ?? '') ?? [];
  return traceId === undefined || spanId === undefined ? undefined : { traceId, spanId };
}
