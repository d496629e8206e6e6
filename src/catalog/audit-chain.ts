import type { CanonicalEntry } from '../domain/audit-chain.js';
import type { Catalog } from './connect.js';
import { readAuditSnapshot, type AuditSnapshot } from './audit-proof.js';
import { canonicalEntry, ENTRY_COLUMNS, type EntryRow, type Link } from './audit-row.js';
import { catalogFault } from './faults.js';
import { withClient, type Queryable } from './pool-client.js';

/** What one pass of linking found. */
export interface Linked {
  made: number;
  /** More entries wait than the pass took. */
  more: boolean;
  /** The newest link, also when the pass made none. */
  head: Link | undefined;
}

/** How links are made. */
export interface ChainRule {
  genesis: string;
  hash: (previous: string, entry: CanonicalEntry) => string;
}

/** The chain over the audit log, as the chainer and the verification use it. All throw XynFault `db_unavailable`. */
export interface AuditChain {
  /**
   * Links up to `limit` pending entries in the order of their ids, in one transaction. Entries that committed out of
   * order come in a later batch: the order of the chain is that in which entries became visible.
   * @returns undefined when another process links just now.
   */
  linkPending(limit: number, rule: ChainRule): Promise<Linked | undefined>;
  /** The hash of a link, or undefined when the chain does not reach so far. */
  hashOf(seq: number): Promise<string | undefined>;
  /** Lets `work` read the trail as it is at one moment, however long that takes. Blocks no writer. */
  snapshot<T>(work: (snapshot: AuditSnapshot) => Promise<T>): Promise<T>;
}

/** The chain of a catalog. */
export function auditChain(catalog: Pick<Catalog, 'pool'>): AuditChain {
  return {
    linkPending: (limit, rule) => linkPending(catalog, limit, rule),
    hashOf: (seq) => hashOfLink(catalog, seq),
    snapshot: (work) => readAuditSnapshot(catalog, work),
  };
}

/** Only one process links at a time; the key is arbitrary and ours alone. */
const CHAINER_LOCK = 7_204_200_001;
/** A chainer that is frozen within its transaction loses it, and with it the lock, after that. Milliseconds. */
const FROZEN_MS = 5_000;

async function linkPending(
  catalog: Pick<Catalog, 'pool'>,
  limit: number,
  { hash, genesis }: ChainRule,
): Promise<Linked | undefined> {
  return withClient(catalog, `BEGIN; SET LOCAL idle_in_transaction_session_timeout = ${FROZEN_MS}`, async (client) => {
    const lock = await client.query<{ ok: boolean }>('SELECT pg_try_advisory_xact_lock($1) AS ok', [CHAINER_LOCK]);
    if (lock.rows[0]?.ok !== true) return undefined;
    const newest = await newestLink(client);
    const { entries, more } = await pendingEntries(client, limit);
    const links: Link[] = [];
    let head = newest;
    for (const row of entries) {
      if (row.linked) continue;
      const previous = head?.hash ?? genesis;
      head = {
        seq: (head?.seq ?? 0) + 1,
        audit_id: row.entry_id,
        prev_hash: previous,
        hash: hash(previous, canonicalEntry(row)),
      };
      links.push(head);
    }
    if (entries.length > 0) await storeLinks(client, links, entries);
    return { made: links.length, more, head };
  });
}

async function newestLink(db: Queryable): Promise<Link | undefined> {
  const { rows } = await db.query<Link & { seq: string }>(
    'SELECT seq, audit_id::text, prev_hash, hash FROM audit_chain ORDER BY seq DESC LIMIT 1',
  );
  return rows[0] && { ...rows[0], seq: Number(rows[0].seq) };
}

type PendingEntry = EntryRow & { linked: boolean };

/**
 * The first pending entries, and whether more may wait. A pending row whose entry was removed stays where it is, for
 * verification to report, and must not hold up the others.
 */
async function pendingEntries(db: Queryable, limit: number): Promise<{ entries: PendingEntry[]; more: boolean }> {
  let after = '0';
  for (;;) {
    const { rows: page } = await db.query<{ audit_id: string }>(
      'SELECT audit_id FROM audit_pending WHERE audit_id > $1 ORDER BY audit_id LIMIT $2',
      [after, limit],
    );
    const last = page.at(-1);
    if (last === undefined) return { entries: [], more: false };
    // Looked up by id: a join might read the whole log while statistics are old.
    const { rows: entries } = await db.query<PendingEntry>(
      `SELECT ${ENTRY_COLUMNS}, c.audit_id IS NOT NULL AS linked
       FROM (SELECT * FROM audit_log WHERE audit_id = ANY($1::bigint[])) a
       LEFT JOIN (SELECT audit_id FROM audit_chain WHERE audit_id = ANY($1::bigint[])) c USING (audit_id)
       ORDER BY a.audit_id`,
      [page.map((row) => row.audit_id)],
    );
    if (entries.length > 0) return { entries, more: page.length === limit };
    after = last.audit_id;
  }
}

async function storeLinks(db: Queryable, links: readonly Link[], done: readonly EntryRow[]): Promise<void> {
  await db.query(
    `WITH linked AS (
       INSERT INTO audit_chain (seq, audit_id, prev_hash, hash)
       SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::text[]))
     DELETE FROM audit_pending WHERE audit_id = ANY($5::bigint[])`,
    [
      links.map((link) => link.seq),
      links.map((link) => link.audit_id),
      links.map((link) => link.prev_hash),
      links.map((link) => link.hash),
      done.map((row) => row.entry_id),
    ],
  );
}

async function hashOfLink({ pool }: Pick<Catalog, 'pool'>, seq: number): Promise<string | undefined> {
  try {
    const { rows } = await pool.query<{ hash: string }>('SELECT hash FROM audit_chain WHERE seq = $1', [seq]);
    return rows[0]?.hash;
  } catch (error) {
    throw catalogFault(error);
  }
}
