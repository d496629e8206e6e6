import { isIP } from 'node:net';
import type { NextFunction, Request, RequestHandler, Response } from 'express';
import { XynFault } from '../domain/fault.js';

/** The host of a `Host` header without its port and brackets, in lower case. */
function hostName(header: string): string | undefined {
  if (!/^[A-Za-z0-9.:[\]-]{1,260}$/.test(header) || !URL.canParse(`http://${header}/`)) return undefined;
  return new URL(`http://${header}/`).hostname.replace(/^\[|\]$/g, '');
}

function isLoopbackName(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
}

function isSameOrigin(request: Request): boolean {
  const { origin, host } = request.headers;
  if (request.headers['sec-fetch-site'] === 'cross-site') return false;
  if (origin === undefined) return true;
  return URL.canParse(origin) && new URL(origin).host === host?.toLowerCase();
}

/** Headers of which one message has one: of two, one program could judge the first and another obey the second. */
const SINGLE = new Set([
  'authorization',
  'content-encoding',
  'content-length',
  'content-type',
  'host',
  'idempotency-key',
  'origin',
  'x-correlation-id',
  'x-run-id',
  'x-step-id',
  'x-xyn-actor',
]);

function checkHeaders(request: Request): void {
  const twice = Object.entries(request.headersDistinct).find(
    ([name, values = []]) => values.length > 1 && SINGLE.has(name),
  );
  if (twice !== undefined) throw new XynFault('header_duplicate', `The header \`${twice[0]}\` came twice.`);
  if (request.headers.host === undefined && request.httpVersion === '1.1') {
    throw new XynFault('request_malformed', 'A request has a `Host` header.');
  }
}

/**
 * Refuses names that are not ours, since a page of another site can point its own name at a loopback address and would
 * then be allowed to read the answers, and changes that a page of another site asks for.
 */
export function guardOrigin(allowedHosts: readonly string[]): RequestHandler {
  const allowed = new Set(allowedHosts.map((host) => host.toLowerCase().replace(/^\[|\]$/g, '')));
  return (request: Request, _response: Response, next: NextFunction): void => {
    checkHeaders(request);
    const host = hostName(request.headers.host ?? '');
    if (host === undefined || !(isLoopbackName(host) || allowed.has(host))) {
      throw new XynFault('host_unknown', 'This server is not called that; XYN_ALLOWED_HOSTS lists further names.');
    }
    if (request.method !== 'GET' && request.method !== 'HEAD' && !isSameOrigin(request)) {
      throw new XynFault('origin_forbidden', 'A page of another site must not change anything here.');
    }
    next();
  };
}
