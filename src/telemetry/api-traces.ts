import type { RequestFacts } from '../http/request-facts.js';
import type { ServiceObserver } from '../services/observer.js';
import { parseTraceparent, requestSpanIdOf, runSpanIdOf, traceIdOf } from './trace-ids.js';
import type { Tracer } from './tracer.js';

/** Correlation ids whose first request is remembered. */
const MAX_SEEN = 10_000;

/** Says once for each value that it is new; old values are forgotten. */
function firstTime(): (value: string) => boolean {
  const seen = new Set<string>();
  return (value) => {
    if (seen.has(value)) return false;
    const [oldest] = seen;
    if (seen.size >= MAX_SEEN && oldest !== undefined) seen.delete(oldest);
    seen.add(value);
    return true;
  };
}

/** A span for each request; the first one that writes is the parent of the runs that it starts. */
export function requestTraces(tracer: Tracer): (facts: RequestFacts) => void {
  const isFirst = firstTime();
  return ({ method, route, status, isAborted, startedAt, durationMs, correlationId, traceparent }) => {
    const traceId = traceIdOf(correlationId);
    const caller = parseTraceparent(traceparent);
    const isSameTrace = caller?.traceId === traceId;
    const span = tracer.begin({
      name: `${method} ${route}`,
      kind: 'server',
      traceId,
      ...(method === 'POST' && isFirst(correlationId) ? { spanId: requestSpanIdOf(correlationId) } : {}),
      parentSpanId: isSameTrace ? caller.spanId : undefined,
      link: isSameTrace ? undefined : caller,
      startedAt,
      attributes: {
        'http.request.method': method,
        'http.route': route,
        'http.response.status_code': status,
        'xyn.correlation_id': correlationId,
      },
    });
    if (isAborted) tracer.fail(span, 'aborted');
    else if (status >= 500) tracer.fail(span, String(status));
    span.end(startedAt + durationMs);
  };
}

/** A span for the way of each run from its creation to Temporal; the attempts of the run are below it. */
export function runTraces(tracer: Tracer): Pick<ServiceObserver, 'runStarted'> {
  return {
    runStarted(run, at) {
      const span = tracer.begin({
        name: `start ${run.blueprint_id}`,
        kind: 'internal',
        traceId: traceIdOf(run.correlation_id),
        spanId: runSpanIdOf(run.run_id),
        parentSpanId: requestSpanIdOf(run.correlation_id),
        startedAt: Date.parse(run.created_at),
        attributes: {
          'xyn.run_id': run.run_id,
          'xyn.blueprint_id': run.blueprint_id,
          'xyn.correlation_id': run.correlation_id,
        },
      });
      span.end(at);
    },
  };
}
