import type Docker from 'dockerode';
import { ActionFailure } from '../../../src/domain/action.js';
import { engineEndpoint, type ContainerEngine } from '../../../src/domain/container-engine.js';

/** An engine that says nothing for this long is not there. */
const PING_MS = 10_000;

/** An engine that answered. */
export interface OpenEngine {
  docker: Docker;
  /** For people: `the local engine`, `the engine of web1`. */
  name: string;
}

/**
 * Connects to an engine and waits for its first answer. Settings of Docker's own client in the environment have no say.
 * @param secret looks up the private key of an engine with TLS.
 * @throws ActionFailure `engine_unavailable`, and what `secret` throws.
 */
export async function openEngine(
  engine: ContainerEngine,
  name: string,
  secret: (path: string) => Promise<string>,
  signal: AbortSignal,
): Promise<OpenEngine> {
  const endpoint = engineEndpoint(engine.address);
  if (endpoint === undefined) throw engineUnavailable(name, new Error('its address is not valid'));
  const key = engine.key === undefined ? undefined : await secret(engine.key);
  // It brings gRPC with it, 27 MB of memory: only who uses containers pays that.
  const { default: Client } = await import('dockerode');
  const options: Record<string, unknown> =
    endpoint.kind === 'unix'
      ? { socketPath: endpoint.socketPath, host: undefined, protocol: 'http' }
      : { host: endpoint.host, port: endpoint.port, protocol: key === undefined ? 'http' : 'https' };
  const docker = new Client({ ...options, ca: engine.ca, cert: engine.cert, key });
  // Its types do not know that this call can be aborted too.
  const ping = docker.ping.bind(docker) as (options: { abortSignal: AbortSignal }) => Promise<unknown>;
  try {
    await ping({ abortSignal: AbortSignal.any([signal, AbortSignal.timeout(PING_MS)]) });
  } catch (error) {
    signal.throwIfAborted();
    throw engineUnavailable(name, error);
  }
  return { docker, name };
}

/** The HTTP status with which an engine refused a call. */
export function statusOf(error: unknown): number | undefined {
  const status = (error as { statusCode?: unknown } | null)?.statusCode;
  return typeof status === 'number' ? status : undefined;
}

/** What an engine said, without the words that its client adds. */
export function reasonOf(error: unknown): string {
  const { json, message } = error as { json?: { message?: unknown }; message?: string };
  return typeof json?.message === 'string' ? json.message.trim() : (message ?? String(error)).trim();
}

/** Nothing was done, since the engine could not be asked or could not do it. */
export function engineUnavailable(name: string, error: unknown): ActionFailure {
  const message = `No use of ${name}: ${reasonOf(error)}`;
  return new ActionFailure({ code: 'engine_unavailable', message, retryable: true }, { cause: error });
}
