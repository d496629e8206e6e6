import type { AuditFilter, AuditLog } from '../catalog/audit.js';
import type { AuditEnds, AuditOverviewStore, EntryLink } from '../catalog/audit-overview.js';
import type { AuditEntryDto, Page } from '../domain/dtos.js';
import type { AuditChain } from '../catalog/audit-chain.js';
import type { AuditHead, HeadsReader } from './audit-heads.js';
import { verifyAudit, type AuditProblemKind, type AuditReport } from './audit-verification.js';
import { cached } from './cached.js';

export type { AuditFilter };

/** Keyset of the listing: the last entry shown. */
export interface AuditCursor {
  audit_id: string;
}

/** A verification that this process has finished. */
export interface AuditCheck {
  report: AuditReport;
  /** When it ended. */
  at: string;
  tookMs: number;
}

/** The trail as a whole: its ends, and what is known about its being whole. */
export interface AuditState extends AuditEnds {
  /** The newest verification of this process; null: none yet. */
  last: AuditCheck | null;
  /** Since when one is under way; null: none is. */
  checkingSince: string | null;
  /** The newest heads that are signed with our key, at most 24, oldest first. */
  signed: Pick<AuditHead, 'seq' | 'hash' | 'at'>[];
  /** Entries by action, each counted up to 10 001; at most five seconds old. */
  counts: ReadonlyMap<string, number>;
}

/** Actions that the page about the trail counts. */
export const COUNTED_ACTIONS = ['gate.decide', 'step.effect', 'run.cancel', 'blueprint.activate'] as const;
const COUNTS_MS = 5_000;
/** Problems whose number is that of a link, or of one that is missing. */
const OF_LINKS: ReadonlySet<AuditProblemKind> = new Set([
  'edited',
  'missing',
  'reordered',
  'gap',
  'inserted',
  'chain_rewritten',
]);
/** One for each link that is shown. */
const NEWEST_HEADS = 24;

export interface AuditTrailDeps {
  log: AuditLog;
  store: Pick<AuditOverviewStore, 'links' | 'ends' | 'counts'>;
  chain: AuditChain;
  heads: HeadsReader;
  clock: () => number;
}

/** The audit trail as it is read. */
export class AuditTrail {
  readonly #deps: AuditTrailDeps;
  readonly #counts: () => Promise<{ action: string; n: number }[]>;
  #verifying: { done: Promise<AuditReport>; since: number } | undefined;
  #last: AuditCheck | null = null;

  constructor(deps: AuditTrailDeps) {
    this.#deps = deps;
    this.#counts = cached(COUNTS_MS, deps.clock, () => deps.store.counts(COUNTED_ACTIONS));
  }

  /**
   * Whether the trail is as it was written. Calls at the same time share one check, since it reads all of it.
   * @throws XynFault `db_unavailable`
   */
  async verify(): Promise<AuditReport> {
    this.#verifying ??= { done: this.#check(), since: this.#deps.clock() };
    return this.#verifying.done;
  }

  async #check(): Promise<AuditReport> {
    const { clock, chain, heads } = this.#deps;
    const from = clock();
    try {
      const report = await verifyAudit({ chain, heads });
      this.#last = { report, at: new Date(clock()).toISOString(), tookMs: clock() - from };
      return report;
    } finally {
      this.#verifying = undefined;
    }
  }

  /**
   * The trail as a whole, without reading all of it; around the place of a problem that the last verification found.
   * @throws XynFault `db_unavailable`
   */
  async state(): Promise<AuditState> {
    const { store, heads } = this.#deps;
    const problem = this.#last?.report.first_problem;
    const broken = problem !== undefined && OF_LINKS.has(problem.kind) ? (problem.seq ?? null) : null;
    const [ends, counts, signed] = await Promise.all([store.ends(broken), this.#counts(), heads.newest(NEWEST_HEADS)]);
    return {
      ...ends,
      signed,
      last: this.#last,
      checkingSince: this.#verifying === undefined ? null : new Date(this.#verifying.since).toISOString(),
      counts: new Map(counts.map(({ action, n }) => [action, n])),
    };
  }

  /** Links of these entries; those that wait for theirs are left out. @throws XynFault `db_unavailable` */
  async links(auditIds: readonly string[]): Promise<EntryLink[]> {
    return this.#deps.store.links(auditIds);
  }

  /** Newest first. @throws XynFault `db_unavailable` */
  async list(query: AuditFilter & { limit: number; cursor?: AuditCursor }): Promise<Page<AuditEntryDto, AuditCursor>> {
    const { limit, cursor, ...filter } = query;
    const rows = await this.#deps.log.list({
      ...filter,
      limit: limit + 1,
      ...(cursor === undefined ? {} : { beforeId: cursor.audit_id }),
    });
    const items = rows.slice(0, limit);
    const last = rows.length > limit ? items.at(-1) : undefined;
    return { items, next: last === undefined ? null : { audit_id: last.audit_id } };
  }
}
