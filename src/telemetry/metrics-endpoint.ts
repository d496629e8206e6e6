import type { RequestListener } from 'node:http';
import type { Registry } from 'prom-client';

/** Answers `GET /metrics` in Prometheus' text format, and nothing else. */
export function metricsEndpoint(registry: Registry, onError: (error: unknown) => void): RequestListener {
  return (request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://metrics');
    const refuse = (status: number, why: string): void => {
      response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8' }).end(`${why}\n`);
    };
    if (pathname !== '/metrics') return refuse(404, 'Metrics are at /metrics.');
    if (request.method !== 'GET' && request.method !== 'HEAD') return refuse(405, 'Only GET.');
    registry.metrics().then(
      (text) => {
        response.writeHead(200, {
          'content-type': registry.contentType,
          'content-length': Buffer.byteLength(text),
          'cache-control': 'no-store',
        });
        response.end(request.method === 'HEAD' ? undefined : text);
      },
      (error: unknown) => {
        onError(error);
        refuse(500, 'The metrics could not be collected; the log has the details.');
      },
    );
  };
}
