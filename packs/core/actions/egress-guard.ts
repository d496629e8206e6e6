import { lookup as dnsLookup } from 'node:dns';
import { isIP, type LookupFunction } from 'node:net';
import ipaddr from 'ipaddr.js';
import type { buildConnector } from 'undici';

/** The address may not be reached from here. */
export class EgressDenied extends Error {
  constructor(host: string, address: string) {
    const seen = host === address ? address : `${host} (${address})`;
    super(`${seen} is not a public address, and XYN_EGRESS_ALLOW does not grant it`);
    this.name = 'EgressDenied';
  }
}

/** No connection came about, so nothing was sent. */
export class NotConnected extends Error {
  constructor(cause: Error) {
    super(cause.message, { cause });
    this.name = 'NotConnected';
  }
}

/** Of cloud providers, not private by any registry: Azure's metadata and platform address. */
const DENIED = new Set(['168.63.129.16']);
const CONNECT_TIMEOUT_MS = 10_000;

/** Whether an address may be reached: public, or granted as a range or by itself. */
export function isAllowedAddress(address: string, grants: readonly string[]): boolean {
  if (!ipaddr.isValid(address)) return false;
  // An IPv4 address inside IPv6 counts as the IPv4 address that it reaches.
  const parsed = ipaddr.process(address);
  if (isPublic(parsed) && !DENIED.has(parsed.toString())) return true;
  return grants.some((grant) => isWithin(parsed, grant));
}

function isPublic(address: ipaddr.IPv4 | ipaddr.IPv6): boolean {
  if (address.range() !== 'unicast') return false;
  // Of IPv6 only 2000::/3 is given out; what else counts as unicast has old forms of IPv4 in it, such as ::127.0.0.1.
  return address.kind() === 'ipv4' || (address.toByteArray()[0] ?? 0) >> 5 === 1;
}

function isWithin(address: ipaddr.IPv4 | ipaddr.IPv6, grant: string): boolean {
  const [base = '', bits] = grant.split('/');
  if (!ipaddr.isValid(base) || isIP(base) === 0) return false;
  const range = ipaddr.process(base);
  return (
    address.kind() === range.kind() &&
    address.match(range, bits === undefined ? range.toByteArray().length * 8 : Number(bits))
  );
}

/** What a test replaces. */
export interface ConnectOptions {
  /** Resolves names; default: the system's resolver. */
  lookup?: LookupFunction;
  /** Certificates of authorities to trust; default: those of Node. */
  ca?: string;
}

/**
 * Makes connections for undici and looks at the address of each at the moment of connecting: after the name was resolved,
 * and at literal addresses, for which no name is resolved. One address that is not allowed refuses the whole name.
 * @param build undici's own connector, behind the guard.
 * @param grants names, addresses and ranges that are allowed though they are not public.
 */
export function guardedConnector(
  build: typeof buildConnector,
  grants: readonly string[],
  options: ConnectOptions = {},
): buildConnector.connector {
  const resolve = options.lookup ?? dnsLookup;
  const lookup: LookupFunction = (hostname, lookupOptions, done) => {
    resolve(hostname, { ...lookupOptions, all: true }, (error, found) => {
      if (error) return done(error, '', 0);
      const addresses = typeof found === 'string' ? [{ address: found, family: isIP(found) }] : found;
      const denied = grants.includes(hostname.toLowerCase())
        ? undefined
        : addresses.find(({ address }) => !isAllowedAddress(address, grants));
      const [first] = addresses;
      if (denied !== undefined) return done(new EgressDenied(hostname, denied.address), '', 0);
      if (first === undefined) return done(new Error(`${hostname} has no address`), '', 0);
      if (lookupOptions.all) return done(null, addresses);
      done(null, first.address, first.family);
    });
  };
  const connect = build({
    timeout: CONNECT_TIMEOUT_MS,
    lookup,
    ...(options.ca === undefined ? {} : { ca: options.ca }),
  });
  return (target, done) => {
    const host = target.hostname.replace(/^\[|\]$/g, '');
    if (isIP(host) !== 0 && !isAllowedAddress(host, grants)) {
      return done(new NotConnected(new EgressDenied(host, host)), null);
    }
    connect(target, (...[error, socket]) => {
      if (error) done(new NotConnected(error), null);
      else done(null, socket);
    });
  };
}
