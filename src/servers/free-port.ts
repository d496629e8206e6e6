import { createServer } from 'node:net';
import { XynFault } from '../domain/fault.js';

/** Loopback only: nothing that Xyn starts by itself is reachable from outside. */
export const loopback = '127.0.0.1';

/** Whether a server could listen on this port now, of loopback unless another address is named. It may be taken a moment later: callers handle that too. */
export async function isPortFree(port: number, host = loopback): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(false));
    probe.listen({ port, host, exclusive: true }, () => probe.close(() => resolve(true)));
  });
}

/**
 * The first free port from `first` on, at most 100 numbers further.
 * @throws XynFault `port_taken` when all are in use.
 */
export async function nextFreePort(first: number, not: readonly number[] = []): Promise<number> {
  const last = Math.min(first + 100, 65_535);
  for (let port = first; port <= last; port += 1) {
    if (!not.includes(port) && (await isPortFree(port))) return port;
  }
  throw new XynFault('port_taken', `No port from ${first} to ${last} is free on ${loopback}.`);
}

/** @throws XynFault `port_taken` when the port that somebody asked for is in use. */
export async function requirePort(port: number, server: string): Promise<number> {
  if (await isPortFree(port)) return port;
  throw portTaken(port, server);
}

/** The error for a port that was asked for and is in use. */
export function portTaken(port: number, server: string): XynFault {
  const message = `Port ${port} on ${loopback}, asked for ${server}, is in use. Stop what uses it or choose another.`;
  return new XynFault('port_taken', message, { details: { port, server } });
}
