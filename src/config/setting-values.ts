import { isIP } from 'node:net';
import { resolve } from 'node:path';
import { z } from 'zod';
import { engineProblem } from '../domain/container-engine.js';

// What settings accept. The description of each is what docs/configuration.md shows.

/** Any text. */
export const text = (maxLength: number): z.ZodString =>
  z.string().max(maxLength, `must have at most ${maxLength} characters`).describe(`up to ${maxLength} characters`);
export const path = text(4096)
  .transform((value) => resolve(value))
  .describe('a path');
export const name = z
  .string()
  .regex(/^[a-z0-9][a-z0-9._-]{0,62}$/, 'must be a name like prod-eu.1: a-z, 0-9, dot, hyphen')
  .describe('a name: a-z, 0-9, dot, hyphen, underscore');

/** A whole number; the bounds are allowed themselves. */
export function wholeNumber(min: number, max: number): z.ZodType<number, string> {
  const message = `must be a whole number from ${min} to ${max}`;
  return z
    .string()
    .regex(/^\d{1,9}$/, message)
    .transform(Number)
    .refine((value) => value >= min && value <= max, message)
    .describe(`${min} to ${max}`);
}

function isHost(value: string): boolean {
  return isIP(value) !== 0 || /^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/i.test(value);
}
export const host = z
  .string()
  .refine(isHost, 'must be a host name or an IP address')
  .describe('a host name or an IP address');

export const hostList = z
  .string()
  .transform((value, context) => {
    const hosts = value.split(',').map((item) => item.trim().toLowerCase());
    if (!hosts.every(isHost))
      context.addIssue({ code: 'custom', message: 'must be host names with commas between them' });
    return Object.freeze(hosts);
  })
  .describe('host names');

export const egressList = z
  .string()
  .transform((value, context) => {
    const items = value.split(',').map((item) => item.trim().toLowerCase());
    const isRange = (item: string): boolean => {
      const [address = '', bits, ...rest] = item.split('/');
      const version = isIP(address);
      return (
        rest.length === 0 && version !== 0 && /^\d{1,3}$/.test(bits ?? '') && Number(bits) <= (version === 4 ? 32 : 128)
      );
    };
    if (!items.every((item) => isHost(item) || isRange(item)))
      context.addIssue({
        code: 'custom',
        message: 'must be ranges like 10.0.0.0/8, addresses or host names, with commas',
      });
    return Object.freeze(items);
  })
  .describe('CIDR ranges, addresses, host names');

/** Without keys of TLS, so only engines that no other machine reaches. */
export const localEngine = z
  .string()
  .superRefine((address, context) => {
    const message = engineProblem({ address });
    if (message !== undefined) context.addIssue({ code: 'custom', message });
  })
  .describe('unix:///path, tcp:// on loopback');

export const imagePatterns = z
  .string()
  .transform((value, context) => {
    const patterns = value.split(',').map((item) => item.trim());
    if (!patterns.every((pattern) => /^[A-Za-z0-9._/:@*?-]{1,512}$/.test(pattern)))
      context.addIssue({ code: 'custom', message: 'must be names of images with * and ?, with commas between them' });
    return Object.freeze(patterns);
  })
  .describe('names of images with * and ?');

export const hostAndPort = z
  .string()
  .regex(/^(\[[0-9a-f:.]+\]|[a-z0-9.-]+):\d{1,5}$/i, 'must be host:port, like 127.0.0.1:7233')
  .refine((value) => Number(value.slice(value.lastIndexOf(':') + 1)) <= 65_535, 'must have a port up to 65535')
  .describe('host:port');

/** @param protocols with their colon. */
export function url(protocols: readonly string[]): z.ZodString {
  const message = `must be a URL that begins with ${protocols.map((protocol) => `${protocol}//`).join(' or ')}`;
  return z
    .string()
    .refine((value) => {
      if (!URL.canParse(value)) return false;
      const parsed = new URL(value);
      return protocols.includes(parsed.protocol) && parsed.hostname !== '';
    }, message)
    .describe(`a URL of ${protocols.join(' or ')}`);
}

export const overrides = z
  .string()
  .transform((value, context) => {
    const pairs = value.split(',').map((pair) => {
      const sides = /^([a-z0-9._-]+)\/([^\s=]+)=([a-z0-9._-]+)\/([^\s=]+)$/.exec(pair.trim());
      const [, provider = '', model = '', toProvider = '', toModel = ''] = sides ?? [];
      return { from: { provider, model }, to: { provider: toProvider, model: toModel } };
    });
    const lefts = new Set(pairs.map(({ from }) => `${from.provider}/${from.model}`));
    if (lefts.size < pairs.length || pairs.some(({ to }) => to.model === '' || to.model === '*')) {
      const message = 'must be provider/model=provider/model with commas between, each left side once';
      context.addIssue({ code: 'custom', message });
    }
    return pairs;
  })
  .describe('provider/model=provider/model');

/** Goes into a header as it is. */
export const apiKey = z
  .string()
  .regex(/^[\x21-\x7e]{1,512}$/, 'must be one word of printable ASCII')
  .describe('one word');
export const postgresUrl = url(['postgres:', 'postgresql:']);

/** One of a few words. */
export const oneOf = <const T extends readonly string[]>(values: T): z.ZodType<T[number], string> =>
  z
    .string()
    .transform((value, context): T[number] => {
      if (values.includes(value)) return value;
      context.addIssue({ code: 'custom', message: `must be one of ${values.join(', ')}` });
      return z.NEVER;
    })
    .describe(values.join(', '));

export const yesOrNo = oneOf(['yes', 'no'])
  .transform((value) => value === 'yes')
  .describe('yes, no');

/** Where a process listens; `off`: nowhere, which is `null`. */
export const listener = z
  .string()
  .transform((value, context) => {
    if (value === 'off') return null;
    const parsed = hostAndPort.safeParse(value);
    if (parsed.success) {
      const colon = value.lastIndexOf(':');
      const port = Number(value.slice(colon + 1));
      return Object.freeze({ host: value.slice(0, colon).replace(/^\[|\]$/g, ''), port });
    }
    context.addIssue({ code: 'custom', message: 'must be host:port, like 127.0.0.1:9464, or off' });
    return z.NEVER;
  })
  .describe('host:port, off');

/** Who acts. */
export const actorName = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._@+:/-]{0,127}$/, 'must be a name of A-Z, a-z, 0-9 and ._@+:/-')
  .describe('a name of A-Z, a-z, 0-9 and ._@+:/-');
