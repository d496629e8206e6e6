import type { Logger } from 'pino';
import type { Config } from '../config/config.js';
import { startTracer, type Tracer } from '../telemetry/tracer.js';
import type { Lifecycle } from './lifecycle.js';
import { packageVersion } from './package-paths.js';

/**
 * Starts to send traces where a collector is set.
 * @returns undefined where none is: then nothing of OpenTelemetry is loaded.
 */
export async function startTracing(
  part: 'api' | 'worker',
  { config, log, lifecycle }: { config: Config; log: Logger; lifecycle: Lifecycle },
): Promise<Tracer | undefined> {
  if (config.otlpEndpoint === undefined || config.tracePercent === 0) return undefined;
  const tracer = await startTracer({
    endpoint: config.otlpEndpoint,
    part,
    version: packageVersion(),
    envId: config.envId,
    stage: config.stage,
    percent: config.tracePercent,
    onError: (message) => log.warn({ telemetry: message.slice(0, 500) }, 'traces could not be sent'),
  });
  lifecycle.onClose('traces', () => tracer.close());
  return tracer;
}
