import { canonicalJson, type JsonObject } from './json.js';

/** An entry of the audit trail in the form that is hashed: times as RFC 3339 UTC with milliseconds, absent members left out. */
export type CanonicalEntry = { [Member in Exclude<AuditMember, 'audit_id'>]?: AuditValue<Member> } & {
  audit_id: string;
};

type AuditMember = (typeof MEMBERS)[number];
type AuditValue<Member> = Member extends 'before' | 'after' ? JsonObject : string;

/** All members that are hashed, in the order of RFC 8785. */
const MEMBERS = [
  'action',
  'actor',
  'after',
  'at',
  'audit_id',
  'before',
  'correlation_id',
  'env_id',
  'key',
  'layer',
  'owner_org_id',
  'reason',
  'resource_id',
  'resource_type',
  'run_id',
  'step_id',
] as const;

/** The hash before the first entry. */
export const GENESIS = '0'.repeat(64);

/** The text whose SHA-256 is the hash of a link: the hash before it, a line feed, the RFC 8785 form of the entry. */
export function linkText(previous: string, entry: CanonicalEntry): string {
  return `${previous}\n${canonicalEntryText(entry)}`;
}

/** What `canonicalJson` gives for an entry, in a third of the time: verification computes it for every entry there is. */
function canonicalEntryText(entry: CanonicalEntry): string {
  let text = '';
  for (const member of MEMBERS) {
    const value = entry[member];
    if (value === undefined) continue;
    const valueText = typeof value === 'string' ? JSON.stringify(value) : canonicalJson(value);
    text += `${text === '' ? '{' : ','}"${member}":${valueText}`;
  }
  return `${text}}`;
}
