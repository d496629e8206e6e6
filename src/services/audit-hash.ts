import { createHash } from 'node:crypto';
import { linkText, type CanonicalEntry } from '../domain/audit-chain.js';

/** Hash of a link, in lower-case hex. The native SHA-256: verification computes it for every entry there is. */
export function linkHash(previous: string, entry: CanonicalEntry): string {
  return createHash('sha256').update(linkText(previous, entry)).digest('hex');
}
