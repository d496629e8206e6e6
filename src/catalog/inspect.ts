import pg from 'pg';

/** What a database says about itself, for preflight. */
export interface DatabaseFacts {
  version: string;
  /** Number of the release, like 150018. */
  versionNumber: number;
  role: string;
  /** Milliseconds that the database's clock is ahead of this machine's, within the time of the answer. */
  clockAheadMs: number;
  /** Absent: the tables are not there yet. */
  tables?: {
    /** The role could change audit entries, or remove the triggers that refuse it. */
    auditIsOpen: boolean;
    hasAuditTriggers: boolean;
  };
}

const CONNECT_MS = 3_000;

/**
 * Looks at a database without changing it.
 * @throws what the driver throws when it does not answer; its message holds no password.
 */
export async function inspectDatabase(url: string): Promise<DatabaseFacts> {
  const client = new pg.Client({
    connectionString: url,
    application_name: 'xyn-preflight',
    connectionTimeoutMillis: CONNECT_MS,
    query_timeout: CONNECT_MS,
  });
  client.on('error', () => undefined);
  try {
    await client.connect();
    const askedAt = Date.now();
    const { rows } = await client.query<{ version: string; number: string; role: string; now: Date; audit: boolean }>(
      `SELECT current_setting('server_version') AS version, current_setting('server_version_num') AS number,
         current_user AS role, clock_timestamp() AS now, to_regclass('audit_log') IS NOT NULL AS audit`,
    );
    const answeredAt = Date.now();
    const [row] = rows;
    if (row === undefined) throw new Error('the database gave no answer');
    return {
      version: row.version,
      versionNumber: Number(row.number),
      role: row.role,
      clockAheadMs: row.now.getTime() - (askedAt + answeredAt) / 2,
      ...(row.audit ? { tables: await inspectTables(client) } : {}),
    };
  } finally {
    await client.end().catch(() => undefined);
  }
}

async function inspectTables(client: pg.Client): Promise<NonNullable<DatabaseFacts['tables']>> {
  const { rows } = await client.query<{ open: boolean; triggers: boolean }>(
    `SELECT pg_has_role(current_user, relowner, 'MEMBER')
         OR has_table_privilege('audit_log', 'UPDATE') OR has_table_privilege('audit_log', 'DELETE') AS open,
       (SELECT count(*) FROM pg_trigger WHERE tgrelid = 'audit_log'::regclass AND tgenabled <> 'D'
         AND tgname IN ('audit_log_append_only', 'audit_log_no_truncate')) = 2 AS triggers
     FROM pg_class WHERE oid = 'audit_log'::regclass`,
  );
  return { auditIsOpen: rows[0]?.open ?? true, hasAuditTriggers: rows[0]?.triggers ?? false };
}
