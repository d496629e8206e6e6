import type { CanonicalEntry } from '../domain/audit-chain.js';
import { canonicalEntry, ENTRY_COLUMNS, type EntryRow, type Link } from './audit-row.js';
import type { Catalog } from './connect.js';
import { withClient, type Queryable } from './pool-client.js';

/** A link as it is stored, with its entry; without one when the row is gone. */
export interface StoredLink {
  link: Link;
  entry: CanonicalEntry | undefined;
}

/** What the entries look like beside the chain. */
export interface EntryCounts {
  entries: number;
  /** Entries with a link. */
  linked: number;
  /** Entries that wait to be linked. */
  pending: number;
  /** The first entry that is neither linked nor waiting: it came in by force, or lost its link. */
  stray: string | undefined;
  /** The first entry that waited and is gone. */
  lost: string | undefined;
}

/** The audit trail at one moment, however long its reading takes. */
export interface AuditSnapshot {
  /** Links in the order of their numbers, in pages; also those with numbers that we never give. */
  links(pageSize: number): AsyncGenerator<StoredLink[]>;
  count(): Promise<EntryCounts>;
}

/** Rows per statement of a count: far within the bound on the time of one. */
const COUNT_PAGE = 50_000;
const LEAST_BIGINT = '-9223372036854775808';

/** Lets `work` read the trail. Blocks no writer. @throws XynFault `db_unavailable` */
export function readAuditSnapshot<T>(
  catalog: Pick<Catalog, 'pool'>,
  work: (snapshot: AuditSnapshot) => Promise<T>,
): Promise<T> {
  return withClient(catalog, 'BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY', (client) =>
    work({ links: (pageSize) => links(client, pageSize), count: () => countEntries(client) }),
  );
}

type LinkRow = (EntryRow | { entry_id: null }) & { seq: string; link_id: string; prev_hash: string; hash: string };

async function* links(db: Queryable, pageSize: number): AsyncGenerator<StoredLink[]> {
  let next = linkRows(db, '>=', LEAST_BIGINT, pageSize);
  try {
    for (;;) {
      const rows = await next;
      const last = rows.at(-1);
      // The server reads the next page while this one is computed.
      const more = last !== undefined && rows.length === pageSize;
      if (more) {
        next = linkRows(db, '>', last.seq, pageSize);
        next.catch(() => undefined);
      }
      if (rows.length > 0) yield rows.map(storedLink);
      if (!more) return;
    }
  } finally {
    // One statement at a time: the reader may have stopped before the page that is under way.
    await next.catch(() => undefined);
  }
}

async function linkRows(db: Queryable, above: '>' | '>=', seq: string, limit: number): Promise<LinkRow[]> {
  const { rows } = await db.query<LinkRow>(
    `SELECT c.seq, c.audit_id::text AS link_id, c.prev_hash, c.hash, ${ENTRY_COLUMNS}
     FROM (SELECT * FROM audit_chain WHERE seq ${above} $1::bigint ORDER BY seq LIMIT $2) c
     LEFT JOIN audit_log a USING (audit_id) ORDER BY c.seq`,
    [seq, limit],
  );
  return rows;
}

function storedLink(row: LinkRow): StoredLink {
  return {
    link: { seq: Number(row.seq), audit_id: row.link_id, prev_hash: row.prev_hash, hash: row.hash },
    entry: row.entry_id === null ? undefined : canonicalEntry(row),
  };
}

async function countEntries(db: Queryable): Promise<EntryCounts> {
  const counts: EntryCounts = { entries: 0, linked: 0, pending: 0, stray: undefined, lost: undefined };
  let [above, after]: ['>' | '>=', string] = ['>=', LEAST_BIGINT];
  for (;;) {
    const upTo = await lastOfPage(db, above, after);
    if (upTo === null) break;
    const { rows } = await db.query<{
      entries: string;
      linked: string;
      pending: string;
      stray: string | null;
    }>(
      `SELECT count(DISTINCT a.audit_id) AS entries, count(DISTINCT c.audit_id) AS linked,
         count(p.audit_id) FILTER (WHERE c.audit_id IS NULL) AS pending,
         min(a.audit_id) FILTER (WHERE c.audit_id IS NULL AND p.audit_id IS NULL)::text AS stray
       FROM (SELECT audit_id FROM audit_log WHERE audit_id ${above} $1::bigint AND audit_id <= $2::bigint) a
       LEFT JOIN (SELECT audit_id FROM audit_chain WHERE audit_id ${above} $1::bigint AND audit_id <= $2::bigint) c
         USING (audit_id)
       LEFT JOIN audit_pending p USING (audit_id)`,
      [after, upTo],
    );
    const [row] = rows;
    counts.entries += Number(row?.entries ?? 0);
    counts.linked += Number(row?.linked ?? 0);
    counts.pending += Number(row?.pending ?? 0);
    counts.stray ??= row?.stray ?? undefined;
    [above, after] = ['>', upTo];
  }
  const { rows } = await db.query<{ lost: string | null }>(
    `SELECT min(audit_id)::text AS lost FROM audit_pending p
     WHERE NOT EXISTS (SELECT 1 FROM audit_log a WHERE a.audit_id = p.audit_id)`,
  );
  counts.lost = rows[0]?.lost ?? undefined;
  return counts;
}

/** Ids have gaps, so the bounds of a page are looked up rather than counted. */
async function lastOfPage(db: Queryable, above: '>' | '>=', after: string): Promise<string | null> {
  const { rows } = await db.query<{ last: string | null }>(
    `SELECT max(audit_id)::text AS last FROM
       (SELECT audit_id FROM audit_log WHERE audit_id ${above} $1::bigint ORDER BY audit_id LIMIT $2) page`,
    [after, COUNT_PAGE],
  );
  return rows[0]?.last ?? null;
}
