import { sha256Hex } from './hash.js';
import { canonicalJson, type JsonObject } from './json.js';

/** An entry of the audit trail in the form that is hashed: times as RFC 3339 UTC with milliseconds, absent members left out. */
export type CanonicalEntry = JsonObject & { audit_id: string };

/** The hash before the first entry. */
export const GENESIS = '0'.repeat(64);

/** Hash of a link: SHA-256 over the hash before it and the RFC 8785 form of the entry, in lower-case hex. */
export function linkHash(previous: string, entry: CanonicalEntry): string {
  return sha256Hex(`${previous}\n${canonicalJson(entry)}`);
}
