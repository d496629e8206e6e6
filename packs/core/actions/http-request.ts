import type * as Undici from 'undici';
import type { HttpMethod } from './http-contract.js';
import { guardedConnector, type ConnectOptions } from './egress-guard.js';

const MAX_REDIRECTS = 3;
/** At another origin only these go along: any other header may be a credential. */
const HARMLESS = new Set(['accept', 'accept-language', 'content-type', 'user-agent']);

/** A request that is ready to be sent. */
export interface Outgoing {
  url: URL;
  method: HttpMethod;
  /** Lower-case names. */
  headers: Record<string, string>;
  body?: string;
}

/** The answer, its body not read yet. */
export type Answer = Undici.Dispatcher.ResponseData;

/** Where an answer leads to that may not be followed. */
export class RedirectRefused extends Error {
  readonly status: number;
  readonly reason: 'too_many' | 'scheme';

  constructor(status: number, reason: RedirectRefused['reason'], message: string) {
    super(message);
    this.name = 'RedirectRefused';
    this.status = status;
    this.reason = reason;
  }
}

/** Sends requests through the egress guard. */
export class GuardedClient {
  readonly #options: ConnectOptions;
  readonly #agents = new Map<string, Undici.Agent>();

  constructor(options: ConnectOptions = {}) {
    this.#options = options;
  }

  /**
   * Sends, and follows at most three redirects; each one goes through the guard again.
   * @param keepsStatus statuses that the caller wants to see, though they are redirects.
   * @throws NotConnected, RedirectRefused, or what undici throws after something was sent.
   */
  async send(
    first: Outgoing,
    { grants, signal, keepsStatus }: { grants: readonly string[]; signal: AbortSignal; keepsStatus: readonly number[] },
  ): Promise<Answer> {
    // Loaded when the first request is sent: a worker starts without it.
    const undici = await import('undici');
    let outgoing = first;
    for (let hops = 0; ; hops += 1) {
      const { url, ...rest } = outgoing;
      // The step's timeout is the only clock: it aborts the signal.
      const answer = await undici.request(url, {
        ...rest,
        signal,
        dispatcher: this.#agentFor(undici, grants),
        headersTimeout: 0,
        bodyTimeout: 0,
      });
      const location = answer.headers['location'];
      const status = answer.statusCode;
      const isRedirect = [301, 302, 303, 307, 308].includes(status) && !keepsStatus.includes(status);
      if (!isRedirect || typeof location !== 'string') return answer;
      answer.body.on('error', () => undefined).destroy();
      if (hops === MAX_REDIRECTS) {
        throw new RedirectRefused(status, 'too_many', `More than ${MAX_REDIRECTS} redirects.`);
      }
      outgoing = redirected(outgoing, status, location);
    }
  }

  #agentFor(undici: typeof Undici, grants: readonly string[]): Undici.Agent {
    const key = grants.join(',');
    let agent = this.#agents.get(key);
    if (agent === undefined) {
      // A connection for each request: on a kept one that the target is just closing, nobody knows what has arrived.
      const connect = guardedConnector(undici.buildConnector, grants, this.#options);
      agent = new undici.Agent({ pipelining: 0, connect });
      this.#agents.set(key, agent);
    }
    return agent;
  }
}

function redirected(from: Outgoing, status: number, location: string): Outgoing {
  if (!URL.canParse(location, from.url.href)) {
    throw new RedirectRefused(status, 'scheme', 'The target redirects to something that is not an address.');
  }
  const url = new URL(location, from.url.href);
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    throw new RedirectRefused(status, 'scheme', `The target redirects to ${url.protocol}, which is not followed.`);
  }
  url.username = '';
  url.password = '';
  const becomesGet = status === 303 ? from.method !== 'HEAD' : status < 303 && from.method === 'POST';
  const keeps = (name: string): boolean =>
    (url.origin === from.url.origin || HARMLESS.has(name)) && !(becomesGet && name.startsWith('content-'));
  const headers = Object.fromEntries(Object.entries(from.headers).filter(([name]) => keeps(name)));
  if (becomesGet) return { url, method: 'GET', headers };
  return { ...from, url, headers };
}
