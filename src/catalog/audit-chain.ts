import type { CanonicalEntry } from '../domain/audit-chain.js';
import type { JsonObject } from '../domain/json.js';
import type { Catalog } from './connect.js';
import { catalogFault } from './faults.js';

/** A link of the chain. `seq` counts from 1 without gaps. */
export interface Link {
  seq: number;
  audit_id: string;
  prev_hash: string;
  hash: string;
}

/** The chain over the audit log, as the chainer and the verification use it. All throw XynFault `db_unavailable`. */
export interface AuditChain {
  /**
   * Links up to `limit` pending entries in the order of their ids, in one transaction. Entries that committed out of
   * order come in a later batch: the order of the chain is that in which entries became visible.
   * @returns the newest link and how many were made, or undefined when another process links just now.
   */
  linkPending(limit: number, rule: ChainRule): Promise<{ made: number; head: Link | undefined } | undefined>;
  /** A page of the chain after a link's number; the entry is absent when its row is gone. */
  read(after: number, limit: number): Promise<ChainItem[]>;
  /** Entries in all, those that wait to be linked, and up to ten that are neither: they came in by force. */
  count(): Promise<{ entries: number; pending: number; stray: string[] }>;
}

/** How links are made. */
export interface ChainRule {
  genesis: string;
  hash: (previous: string, entry: CanonicalEntry) => string;
}

/** A link with the entry that it stands for. */
export interface ChainItem {
  link: Link;
  entry: CanonicalEntry | undefined;
}

/** The chain of a catalog. */
export function auditChain(catalog: Pick<Catalog, 'pool'>): AuditChain {
  return {
    linkPending: (limit, rule) => linkPending(catalog, limit, rule),
    read: (after, limit) => readChain(catalog, after, limit),
    count: () => countEntries(catalog),
  };
}

/** Only one process links at a time; the key is arbitrary and ours alone. */
const CHAINER_LOCK = 7_204_200_001;

/** The columns that are hashed, as one JSON object without nulls. */
const CANONICAL = `jsonb_strip_nulls(jsonb_build_object(
  'audit_id', a.audit_id::text, 'key', a.key,
  'at', to_char(a.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
  'actor', a.actor, 'action', a.action, 'resource_type', a.resource_type, 'resource_id', a.resource_id,
  'reason', a.reason, 'run_id', a.run_id, 'step_id', a.step_id, 'correlation_id', a.correlation_id,
  'env_id', a.env_id, 'layer', a.layer, 'owner_org_id', a.owner_org_id)) AS facts, a.before, a.after`;

interface EntryRow {
  facts: JsonObject & { audit_id: string };
  before: JsonObject | null;
  after: JsonObject | null;
}

function canonical({ facts, before, after }: EntryRow): CanonicalEntry {
  return { ...facts, ...(before === null ? {} : { before }), ...(after === null ? {} : { after }) };
}

async function linkPending(
  { pool }: Pick<Catalog, 'pool'>,
  limit: number,
  { hash, genesis }: ChainRule,
): Promise<{ made: number; head: Link | undefined } | undefined> {
  const client = await pool.connect().catch((error: unknown) => {
    throw catalogFault(error);
  });
  try {
    await client.query('BEGIN');
    const lock = await client.query<{ ok: boolean }>('SELECT pg_try_advisory_xact_lock($1) AS ok', [CHAINER_LOCK]);
    if (lock.rows[0]?.ok !== true) {
      await client.query('ROLLBACK');
      return undefined;
    }
    const newest = await client.query<Link & { seq: string }>(
      'SELECT seq, audit_id::text, prev_hash, hash FROM audit_chain ORDER BY seq DESC LIMIT 1',
    );
    let head: Link | undefined = newest.rows[0] && { ...newest.rows[0], seq: Number(newest.rows[0].seq) };
    const pending = await client.query<EntryRow & { linked: boolean }>(
      `SELECT ${CANONICAL}, c.audit_id IS NOT NULL AS linked
       FROM (SELECT audit_id FROM audit_pending ORDER BY audit_id LIMIT $1) p
       JOIN audit_log a USING (audit_id) LEFT JOIN audit_chain c USING (audit_id) ORDER BY a.audit_id`,
      [limit],
    );
    const links: Link[] = [];
    for (const row of pending.rows) {
      if (row.linked) continue;
      const previous = head?.hash ?? genesis;
      const entry = canonical(row);
      head = { seq: (head?.seq ?? 0) + 1, audit_id: entry.audit_id, prev_hash: previous, hash: hash(previous, entry) };
      links.push(head);
    }
    await client.query(
      `WITH linked AS (
         INSERT INTO audit_chain (seq, audit_id, prev_hash, hash)
         SELECT seq, audit_id, prev_hash, hash
         FROM jsonb_to_recordset($1::jsonb) AS l(seq bigint, audit_id bigint, prev_hash text, hash text))
       DELETE FROM audit_pending WHERE audit_id = ANY($2::bigint[])`,
      [JSON.stringify(links), pending.rows.map((row) => row.facts.audit_id)],
    );
    await client.query('COMMIT');
    return { made: links.length, head };
  } catch (error) {
    await client.query('ROLLBACK').catch(() => undefined);
    throw catalogFault(error);
  } finally {
    client.release();
  }
}

async function readChain({ pool }: Pick<Catalog, 'pool'>, after: number, limit: number): Promise<ChainItem[]> {
  const { rows } = await pool.query<
    EntryRow & { seq: string; audit_id: string; prev_hash: string; hash: string; there: boolean }
  >(
    `SELECT c.seq, c.audit_id::text, c.prev_hash, c.hash, a.audit_id IS NOT NULL AS there, ${CANONICAL}
     FROM audit_chain c LEFT JOIN audit_log a USING (audit_id) WHERE c.seq > $1 ORDER BY c.seq LIMIT $2`,
    [after, limit],
  );
  return rows.map((row) => ({
    link: { seq: Number(row.seq), audit_id: row.audit_id, prev_hash: row.prev_hash, hash: row.hash },
    entry: row.there ? canonical(row) : undefined,
  }));
}

async function countEntries({
  pool,
}: Pick<Catalog, 'pool'>): Promise<{ entries: number; pending: number; stray: string[] }> {
  const { rows } = await pool.query<{ entries: string; pending: string; stray: string[] | null }>(
    `SELECT (SELECT count(*) FROM audit_log) AS entries, (SELECT count(*) FROM audit_pending) AS pending,
       (SELECT array_agg(audit_id::text) FROM (
          SELECT a.audit_id FROM audit_log a LEFT JOIN audit_chain c USING (audit_id) LEFT JOIN audit_pending p USING (audit_id)
          WHERE c.audit_id IS NULL AND p.audit_id IS NULL ORDER BY a.audit_id LIMIT 10) s) AS stray`,
  );
  const row = rows[0];
  return { entries: Number(row?.entries ?? 0), pending: Number(row?.pending ?? 0), stray: row?.stray ?? [] };
}
