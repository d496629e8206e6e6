import type { AuditChain, ChainItem } from '../catalog/audit-chain.js';
import { GENESIS, linkHash } from '../domain/audit-chain.js';
import type { AuditHead, AuditHeads } from './audit-heads.js';

export type AuditProblemKind =
  'edited' | 'missing' | 'reordered' | 'gap' | 'inserted' | 'tail_cut' | 'head_signature' | 'chain_rewritten';

/** The first thing that does not fit. */
export interface AuditProblem {
  kind: AuditProblemKind;
  seq?: number;
  audit_id?: string;
  message: string;
}

export interface AuditReport {
  ok: boolean;
  entries: number;
  linked: number;
  /** Entries committed within the last moments: they are linked within a second. */
  unlinked_tail: number;
  /** Signed heads that were compared with the chain. */
  heads: number;
  first_problem?: AuditProblem;
}

export interface VerifyAuditOptions {
  chain: AuditChain;
  heads: AuditHeads;
  /** Links verified so far. */
  onProgress?: (linked: number) => void;
}

const PAGE = 5_000;

/**
 * Computes the whole chain again and compares it with the table and with the signed heads that are kept outside of the
 * database. Finds edited, removed, inserted and reordered entries, a chain that was cut or rewritten, and forged heads.
 * What it cannot find: a change within the unlinked tail, and a forgery by someone who also has the key.
 */
export async function verifyAudit({ chain, heads, onProgress }: VerifyAuditOptions): Promise<AuditReport> {
  const { heads: signed, unreadable } = await heads.read();
  const counts = await chain.count();
  const verified = await verifyChain(chain, signed, onProgress);
  const problem =
    verified.problem ??
    strayProblem(counts.stray) ??
    forgedHead(heads, signed, unreadable) ??
    beyondChain(signed, verified.linked);
  return {
    ok: problem === undefined,
    entries: counts.entries,
    linked: verified.linked,
    unlinked_tail: counts.pending,
    heads: signed.length,
    ...(problem === undefined ? {} : { first_problem: problem }),
  };
}

async function verifyChain(
  chain: AuditChain,
  signed: readonly AuditHead[],
  onProgress: ((linked: number) => void) | undefined,
): Promise<{ linked: number; problem?: AuditProblem }> {
  const bySeq = new Map<number, AuditHead[]>();
  for (const head of signed) bySeq.set(head.seq, [...(bySeq.get(head.seq) ?? []), head]);
  let previous = GENESIS;
  let linked = 0;
  for (;;) {
    const page = await chain.read(linked, PAGE);
    for (const { link, entry } of page) {
      const problem =
        problemOf(link, entry, { previous, expectedSeq: linked + 1 }) ?? headProblem(bySeq.get(link.seq) ?? [], link);
      if (problem) return { linked, problem };
      previous = link.hash;
      linked = link.seq;
    }
    onProgress?.(linked);
    if (page.length < PAGE) return { linked };
  }
}

function problemOf(
  link: ChainItem['link'],
  entry: ChainItem['entry'],
  expected: { previous: string; expectedSeq: number },
): AuditProblem | undefined {
  const place = { seq: link.seq, audit_id: link.audit_id };
  if (link.seq !== expected.expectedSeq)
    return { kind: 'gap', ...place, message: `Link ${expected.expectedSeq} is missing.` };
  if (link.prev_hash !== expected.previous) {
    return { kind: 'reordered', ...place, message: `Link ${link.seq} does not follow the one before it.` };
  }
  if (!entry) return { kind: 'missing', ...place, message: `Entry ${link.audit_id} was removed.` };
  if (linkHash(expected.previous, entry) !== link.hash) {
    return { kind: 'edited', ...place, message: `Entry ${link.audit_id} was changed after it was written.` };
  }
  return undefined;
}

/** All heads of a link count: one that was signed for a rewritten chain does not hide the one before it. */
function headProblem(heads: readonly AuditHead[], link: ChainItem['link']): AuditProblem | undefined {
  const head = heads.find((one) => one.hash !== link.hash);
  if (!head) return undefined;
  const message = `The chain was written anew: at ${head.at} link ${link.seq} had another hash.`;
  return { kind: 'chain_rewritten', seq: link.seq, audit_id: link.audit_id, message };
}

function strayProblem(stray: readonly string[]): AuditProblem | undefined {
  const [first] = stray;
  if (first === undefined) return undefined;
  return { kind: 'inserted', audit_id: first, message: `Entry ${first} came in past the chain.` };
}

function forgedHead(heads: AuditHeads, signed: readonly AuditHead[], unreadable: number): AuditProblem | undefined {
  if (unreadable > 0)
    return { kind: 'head_signature', message: `${unreadable} lines of the signed heads cannot be read.` };
  const forged = signed.find((head) => !heads.isGenuine(head));
  if (!forged) return undefined;
  return { kind: 'head_signature', seq: forged.seq, message: `The head of ${forged.at} is not signed with our key.` };
}

function beyondChain(signed: readonly AuditHead[], linked: number): AuditProblem | undefined {
  const head = signed.find((one) => one.seq > linked);
  if (!head) return undefined;
  const message = `At ${head.at} the chain had ${head.seq} links, now it has ${linked}: its end was cut off.`;
  return { kind: 'tail_cut', seq: head.seq, message };
}
