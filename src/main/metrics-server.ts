import type { Logger } from 'pino';
import type { Registry } from 'prom-client';
import { givenText } from '../config/config.js';
import { XynFault } from '../domain/fault.js';
import { startHttpServer } from '../http/server.js';
import { metricsEndpoint } from '../telemetry/metrics-endpoint.js';
import type { Lifecycle } from './lifecycle.js';

/** How metrics are served. */
export interface MetricsServerOptions {
  registry: Registry;
  /** null: nowhere. */
  listener: { host: string; port: number } | null;
  /** The setting; where it says an address, that one is taken or nothing, while a default moves on to a free port. */
  setting: { variable: string };
  log: Logger;
  lifecycle: Lifecycle;
}

/**
 * Serves the metrics until the process ends; nothing of its work waits for them.
 * @throws XynFault `port_taken` when the address was asked for and is in use.
 */
export async function serveMetrics({
  registry,
  listener,
  setting,
  log,
  lifecycle,
}: MetricsServerOptions): Promise<void> {
  if (listener === null) return;
  const endpoint = metricsEndpoint(registry, (error) => log.error({ err: error }, 'metrics could not be collected'));
  const orNext = givenText(setting, process.env) === undefined;
  const server = await startHttpServer(endpoint, { ...listener, orNext }).catch((error: unknown) => {
    if (!(error instanceof XynFault) || error.code !== 'port_taken') throw error;
    const where = `${listener.host}:${listener.port}`;
    throw new XynFault('port_taken', `${where} is in use; set ${setting.variable} to another address, or to off.`, {
      cause: error,
    });
  });
  lifecycle.onClose('metrics', () => server.close());
  log.info({ url: `${server.url}/metrics` }, 'serving metrics');
}
