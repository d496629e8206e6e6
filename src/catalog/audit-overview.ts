import type { Catalog } from './connect.js';
import { poolRows } from './pool-rows.js';

/** Counts stop here: one more is read, so that the reader can say "10 000+". */
const COUNT_LIMIT = 10_001;

/** The link of an entry. */
export interface EntryLink {
  audit_id: string;
  seq: number;
  hash: string;
}

/** Some links that follow each other, for a look at the chain. */
const SHOWN_LINKS = 24;
/** No link has a larger number. */
const LAST_SEQ = Number.MAX_SAFE_INTEGER;

/** The ends of the trail, without reading what lies between. */
export interface AuditEnds {
  /** The newest link; null while there is none. */
  head: { seq: number; hash: string; linked_at: Date } | null;
  /** When the oldest entry was written. */
  since: Date | null;
  /** Entries that wait for their link, counted up to 10 001. */
  pending: number;
  /** 24 links that stand one after the other, smallest number first: the newest ones, or those around the place asked for. */
  shown: { seq: number; hash: string }[];
}

/** What a page about the trail asks beside its entries; every query starts from an index and is bounded. */
export class AuditOverviewStore {
  readonly #catalog: Pick<Catalog, 'pool'>;

  constructor(catalog: Pick<Catalog, 'pool'>) {
    this.#catalog = catalog;
  }

  /** Links of these entries; those that are not linked yet are left out. @throws XynFault `db_unavailable` */
  async links(auditIds: readonly string[]): Promise<EntryLink[]> {
    if (auditIds.length === 0) return [];
    return this.#rows<EntryLink>(
      'SELECT audit_id::text, seq::float8, hash FROM audit_chain WHERE audit_id = ANY($1::bigint[])',
      [auditIds],
      'audit_links',
    );
  }

  /** @param around a link that `shown` has in its last half, which is all that a phone draws; null: the newest at its end. @throws XynFault `db_unavailable` */
  async ends(around: number | null): Promise<AuditEnds> {
    const [row] = await this.#rows<{
      seq: number | null;
      hash: string | null;
      linked_at: Date | null;
      since: Date | null;
      pending: number;
      shown: { seq: number; hash: string }[] | null;
    }>(
      `SELECT h.seq::float8, h.hash, h.linked_at, (SELECT at FROM audit_log ORDER BY audit_id LIMIT 1) AS since,
         (SELECT count(*)::int FROM (SELECT 1 FROM audit_pending LIMIT ${COUNT_LIMIT}) p) AS pending,
         (SELECT jsonb_agg(jsonb_build_object('seq', seq, 'hash', hash) ORDER BY seq) FROM
           (SELECT seq, hash FROM audit_chain WHERE seq <= $1 ORDER BY seq DESC LIMIT ${SHOWN_LINKS}) part) AS shown
       FROM (VALUES (1)) one LEFT JOIN (SELECT * FROM audit_chain ORDER BY seq DESC LIMIT 1) h ON true`,
      [around === null ? LAST_SEQ : around + SHOWN_LINKS / 4],
      'audit_ends',
    );
    const { seq = null, hash = null, linked_at: linkedAt = null, since = null, pending = 0, shown } = row ?? {};
    const head = seq === null || hash === null || linkedAt === null ? null : { seq, hash, linked_at: linkedAt };
    return { head, since, pending, shown: shown ?? [] };
  }

  /** Entries of each of these actions, counted up to 10 001. @throws XynFault `db_unavailable` */
  async counts(actions: readonly string[]): Promise<{ action: string; n: number }[]> {
    return this.#rows<{ action: string; n: number }>(
      `SELECT wanted.action, c.n FROM unnest($1::text[]) AS wanted(action) CROSS JOIN LATERAL (
         SELECT count(*)::int AS n FROM (SELECT 1 FROM audit_log a WHERE a.action = wanted.action LIMIT ${COUNT_LIMIT}) x) c`,
      [actions],
      'audit_counts',
    );
  }

  #rows<T extends object>(text: string, values: unknown[], name: string): Promise<T[]> {
    return poolRows<T>(this.#catalog, { text, values }, name);
  }
}
