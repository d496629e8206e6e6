import type { AuditChain } from '../catalog/audit-chain.js';
import type { AuditSnapshot, EntryCounts, StoredLink } from '../catalog/audit-proof.js';
import { GENESIS, type CanonicalEntry } from '../domain/audit-chain.js';
import { linkHash } from './audit-hash.js';
import type { AuditHead, HeadsReader, HeadsRead } from './audit-heads.js';

export type AuditProblemKind =
  /** The content of an entry is not what was linked. */
  | 'edited'
  /** An entry is gone. */
  | 'missing'
  /** Links or entries changed places. */
  | 'reordered'
  /** A link is gone. */
  | 'gap'
  /** An entry or a link came in past the chain, or an entry lost its link. */
  | 'inserted'
  /** A signed head lies beyond the end of the chain: links were removed, or an older copy of the tables was put back. */
  | 'tail_cut'
  /** A line of the heads is not signed with our key, or no head. */
  | 'head_signature'
  /** There are links, but nobody signed one. */
  | 'heads_missing'
  /** A signed head names another hash: the chain was computed anew after a change. */
  | 'chain_rewritten';

/** The first thing that does not fit. */
export interface AuditProblem {
  kind: AuditProblemKind;
  seq?: number;
  audit_id?: string;
  /** The hash that must stand at that place, and the one that was found or computed; where the problem is one of hashes. */
  expected_hash?: string;
  found_hash?: string;
  message: string;
}

export interface AuditReport {
  ok: boolean;
  entries: number;
  /** Links that were verified: with a problem, those before it. */
  linked: number;
  /** Entries committed within the last moments: they are linked within a second. */
  unlinked_tail: number;
  /** Signed heads that were compared with the chain. */
  heads: number;
  first_problem?: AuditProblem;
}

export interface VerifyAuditOptions {
  chain: AuditChain;
  heads: HeadsReader;
  /** Links verified so far. */
  onProgress?: (linked: number) => void;
}

const PAGE = 5_000;

/**
 * Computes the whole chain again and compares it with the table and with the signed heads that are kept outside of the
 * database. Finds edited, removed, inserted and reordered entries, a chain that was cut or rewritten, and forged heads.
 * What it cannot find: a change before the entry was linked, one after the last head that was followed by computing the
 * chain anew, and a forgery by someone who also has the key. Reads one moment of the trail; blocks no writer.
 * @throws XynFault `db_unavailable`
 */
export async function verifyAudit({ chain, heads, onProgress }: VerifyAuditOptions): Promise<AuditReport> {
  // Before the snapshot: every head that was read then speaks of links that the snapshot has.
  const read = await heads.read();
  const genuine = read.heads.filter((head) => heads.isGenuine(head));
  const { verified, counts } = await chain.snapshot(async (snapshot) => ({
    verified: await verifyChain(snapshot, genuine, onProgress),
    counts: await snapshot.count(),
  }));
  const problem =
    verified.problem ??
    beyondChain(genuine, verified.linked) ??
    strayProblem(counts, verified.linked) ??
    headsProblem(read, genuine, verified.linked);
  return {
    ok: problem === undefined,
    entries: counts.entries,
    linked: verified.linked,
    unlinked_tail: counts.pending,
    heads: genuine.length,
    ...(problem === undefined ? {} : { first_problem: problem }),
  };
}

async function verifyChain(
  snapshot: AuditSnapshot,
  genuine: readonly AuditHead[],
  onProgress: ((linked: number) => void) | undefined,
): Promise<{ linked: number; problem?: AuditProblem }> {
  const bySeq = groupBySeq(genuine);
  let previous = GENESIS;
  let linked = 0;
  for await (const page of snapshot.links(PAGE)) {
    for (const stored of page) {
      const problem =
        problemOf(stored, { previous, seq: linked + 1, page }) ?? headProblem(bySeq.get(stored.link.seq), stored);
      if (problem) return { linked, problem };
      previous = stored.link.hash;
      linked = stored.link.seq;
    }
    onProgress?.(linked);
  }
  return { linked };
}

function groupBySeq(heads: readonly AuditHead[]): Map<number, AuditHead[]> {
  const groups = new Map<number, AuditHead[]>();
  for (const head of heads) {
    const group = groups.get(head.seq);
    if (group) group.push(head);
    else groups.set(head.seq, [head]);
  }
  return groups;
}

interface Expected {
  previous: string;
  seq: number;
  page: readonly StoredLink[];
}

function problemOf({ link, entry }: StoredLink, expected: Expected): AuditProblem | undefined {
  const place = { seq: link.seq, audit_id: link.audit_id };
  if (link.seq > expected.seq) {
    return { kind: 'gap', ...place, seq: expected.seq, message: `Link ${expected.seq} is missing.` };
  }
  if (link.seq < expected.seq) {
    return { kind: 'inserted', ...place, message: `Link ${link.seq} has a number that is never given.` };
  }
  if (link.prev_hash !== expected.previous) {
    const hashes = { expected_hash: expected.previous, found_hash: link.prev_hash };
    return { kind: 'reordered', ...place, ...hashes, message: `Link ${link.seq} does not follow the one before it.` };
  }
  if (!entry) return { kind: 'missing', ...place, message: `Entry ${link.audit_id} was removed.` };
  const found = linkHash(expected.previous, entry);
  if (found === link.hash) return undefined;
  const hashes = { expected_hash: link.hash, found_hash: found };
  const other = expected.page.find((one) => one.entry && fits(one.entry, link, expected.previous));
  if (other) {
    const message = `Link ${link.seq} belongs to what is now entry ${other.entry?.audit_id ?? ''}: entries changed places.`;
    return { kind: 'reordered', ...place, ...hashes, message };
  }
  return { kind: 'edited', ...place, ...hashes, message: `Entry ${link.audit_id} was changed after it was linked.` };
}

/** Whether an entry is the one that a link was made for, under its own id or under the link's. */
function fits(entry: CanonicalEntry, link: StoredLink['link'], previous: string): boolean {
  return [entry, { ...entry, audit_id: link.audit_id }].some((one) => linkHash(previous, one) === link.hash);
}

/** All heads of a link count: one that was signed for a rewritten chain does not hide the one before it. */
function headProblem(heads: readonly AuditHead[] | undefined, { link }: StoredLink): AuditProblem | undefined {
  const head = heads?.find((one) => one.hash !== link.hash || one.audit_id !== link.audit_id);
  if (!head) return undefined;
  const message = `The chain was written anew: at ${head.at} link ${link.seq} had another hash.`;
  const hashes = { expected_hash: head.hash, found_hash: link.hash };
  return { kind: 'chain_rewritten', seq: link.seq, audit_id: link.audit_id, ...hashes, message };
}

function beyondChain(genuine: readonly AuditHead[], linked: number): AuditProblem | undefined {
  const head = genuine.find((one) => one.seq > linked);
  if (!head) return undefined;
  const message = `At ${head.at} the chain had ${head.seq} links, now it has ${linked}: its end was cut off.`;
  return { kind: 'tail_cut', seq: head.seq, message };
}

function strayProblem({ stray, lost, linked }: EntryCounts, links: number): AuditProblem | undefined {
  if (stray !== undefined) {
    return { kind: 'inserted', audit_id: stray, message: `Entry ${stray} has no link and does not wait for one.` };
  }
  if (lost !== undefined) {
    return { kind: 'missing', audit_id: lost, message: `Entry ${lost} was removed before it was linked.` };
  }
  if (linked === links) return undefined;
  return { kind: 'inserted', message: `There are ${links} links for ${linked} entries: an entry is linked twice.` };
}

function headsProblem(
  { heads, unreadable }: HeadsRead,
  genuine: readonly AuditHead[],
  linked: number,
): AuditProblem | undefined {
  if (unreadable > 0) {
    return { kind: 'head_signature', message: `${unreadable} lines of the signed heads cannot be read.` };
  }
  const known = new Set(genuine);
  const forged = heads.find((head) => !known.has(head));
  if (forged) {
    return { kind: 'head_signature', seq: forged.seq, message: `The head of ${forged.at} is not signed with our key.` };
  }
  if (linked === 0 || heads.length > 0) return undefined;
  return {
    kind: 'heads_missing',
    message: `There are ${linked} links, but no signed head: the file of heads is gone.`,
  };
}
