import { Histogram, type Registry } from 'prom-client';
import type { RequestFacts } from '../http/request-facts.js';

/** Measures requests. */
export function requestMetrics(registry: Registry): (facts: RequestFacts) => void {
  const duration = new Histogram({
    name: 'xyn_http_request_duration_seconds',
    help: 'Time from the headers of a request to the end of its answer; status 499 is a client that went away.',
    labelNames: ['method', 'route', 'status'],
    buckets: [0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15],
    registers: [registry],
  });
  return ({ method, route, status, isAborted, durationMs }) => {
    duration.observe({ method, route, status: isAborted ? 499 : status }, durationMs / 1_000);
  };
}
