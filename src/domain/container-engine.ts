/** Where a container engine listens, and how it knows us. */
export interface ContainerEngine {
  /** `unix:///run/docker.sock` or `tcp://host:port`. */
  address: string;
  /** For TLS: the authority that signed the engine's certificate, and our certificate, as PEM. */
  ca?: string;
  cert?: string;
  /** Path of the secret with our private key, as PEM. */
  key?: string;
}

/** Which containers actions may use. */
export interface ContainerRules {
  /** The engine of steps that name no host. */
  engine: ContainerEngine;
  /** Patterns with `*` and `?` of the images that steps may start; compared with the name as the step writes it. */
  images: readonly string[];
}

/** An engine's address in parts. */
export type EngineEndpoint =
  { kind: 'unix'; socketPath: string } | { kind: 'tcp'; host: string; port: number; isLoopback: boolean };

const UNIX = /^unix:\/\/(\/[^\0]{1,107})$/;
const TCP = /^tcp:\/\/([a-z0-9][a-z0-9.-]{0,252}|\[[0-9a-f:.]+\]):(\d{1,5})$/i;
const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/i;
const MAX_PORT = 65_535;

/** What an address means; undefined where it is none. */
export function engineEndpoint(address: string): EngineEndpoint | undefined {
  const socketPath = UNIX.exec(address)?.[1];
  if (socketPath !== undefined) return { kind: 'unix', socketPath };
  const [, host, portText] = TCP.exec(address) ?? [];
  const port = Number(portText);
  if (host === undefined || port < 1 || port > MAX_PORT) return undefined;
  return { kind: 'tcp', host: host.replace(/^\[|\]$/g, ''), port, isLoopback: LOOPBACK.test(host) };
}

/**
 * Why an engine cannot be used as described; undefined where it can. Who reaches an engine is root on its machine, so one
 * that is reached over a network has to know us and we it.
 */
export function engineProblem({ address, ca, cert, key }: ContainerEngine): string | undefined {
  const endpoint = engineEndpoint(address);
  if (endpoint === undefined) return 'must be unix:///path/of/the/socket or tcp://host:port';
  const given = [ca, cert, key].filter((part) => part !== undefined).length;
  if (endpoint.kind === 'unix') return given === 0 ? undefined : 'takes no ca, cert and key with a unix socket';
  if (given === 3 || (given === 0 && endpoint.isLoopback)) return undefined;
  return 'needs ca, cert and key with an address that other machines reach';
}
