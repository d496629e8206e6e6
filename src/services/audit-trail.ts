import type { AuditFilter, AuditLog, AuditRow } from '../catalog/audit.js';
import type { Page } from '../domain/dtos.js';
import type { AuditReport } from './audit-verification.js';

/** Keyset of the listing: the last entry shown. */
export interface AuditCursor {
  audit_id: string;
}

/** The audit trail as it is read. */
export class AuditTrail {
  readonly #log: AuditLog;
  readonly #verify: () => Promise<AuditReport>;
  #verifying: Promise<AuditReport> | undefined;

  /** @param verify computes the whole chain again. */
  constructor(log: AuditLog, verify: () => Promise<AuditReport>) {
    this.#log = log;
    this.#verify = verify;
  }

  /**
   * Whether the trail is as it was written. Calls at the same time share one check, since it reads all of it.
   * @throws XynFault `db_unavailable`
   */
  async verify(): Promise<AuditReport> {
    this.#verifying ??= this.#verify().finally(() => (this.#verifying = undefined));
    return this.#verifying;
  }

  /** Newest first. @throws XynFault `db_unavailable` */
  async list(query: AuditFilter & { limit: number; cursor?: AuditCursor }): Promise<Page<AuditRow, AuditCursor>> {
    const { limit, cursor, ...filter } = query;
    const rows = await this.#log.list({
      ...filter,
      limit: limit + 1,
      ...(cursor === undefined ? {} : { beforeId: cursor.audit_id }),
    });
    const items = rows.slice(0, limit);
    const last = rows.length > limit ? items.at(-1) : undefined;
    return { items, next: last === undefined ? null : { audit_id: last.audit_id } };
  }
}
