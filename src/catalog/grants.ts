import pg from 'pg';
import type { Catalog } from './connect.js';
import { catalogFault } from './faults.js';
import { makePartitions } from './partitions.js';

/** Serializes processes that start at once: concurrent grants on one table fail in Postgres. */
const GRANTS_LOCK = 72707370;
const CONNECTION_TIMEOUT_MS = 5_000;

/** Append-only for the application: rows come in and are read, nothing else. */
const APPEND_ONLY = ['audit_log', 'audit_chain'];
/** Attempts change their status, but are never removed. */
const NEVER_DELETED = ['step_attempts'];

/** What the start-up of a catalog has to know about its roles. */
export interface GrantReport {
  /**
   * The application's role owns the tables (one URL for both, or a superuser): the triggers still refuse changes to the
   * audit trail, but that role could remove them. Preflight says so.
   */
  ownerCouldRemoveTriggers: boolean;
  /** False when a month could not be made, since its rows lie in the default partition already; harmless. */
  partitionsReady: boolean;
}

/**
 * Gives the application's role exactly the rights it needs, on the tables as they are now, and makes the partitions of
 * the months around today. Run it after every migration; repeating it changes nothing.
 * @param ownerUrl of the role that owns the tables.
 * @param role an existing role. When it is the owner itself, its rights stay as they are.
 * @throws XynFault `db_unavailable`.
 */
export async function grantAppRole(ownerUrl: string, role: string): Promise<GrantReport> {
  const client = new pg.Client({
    connectionString: ownerUrl,
    application_name: 'xyn-grants',
    connectionTimeoutMillis: CONNECTION_TIMEOUT_MS,
  });
  client.on('error', () => undefined);
  try {
    await client.connect();
    await client.query('BEGIN');
    await client.query('SELECT pg_advisory_xact_lock($1)', [GRANTS_LOCK]);
    const ownerCouldRemoveTriggers = await ownsTables(client, role);
    if (!ownerCouldRemoveTriggers) await grantTables(client, role);
    const partitionsReady = await makePartitions(client, new Date());
    await client.query('COMMIT');
    return { ownerCouldRemoveTriggers, partitionsReady };
  } catch (error) {
    throw catalogFault(error);
  } finally {
    await client.end().catch(() => undefined);
  }
}

/** Whether the role of these connections could remove the triggers that keep the audit trail append-only. */
export async function ownerCouldRemoveTriggers(catalog: Pick<Catalog, 'pool'>): Promise<boolean> {
  try {
    const { rows } = await catalog.pool.query<{ role: string }>('SELECT current_user AS role');
    return await ownsTables(catalog.pool, rows[0]?.role ?? '');
  } catch (error) {
    throw catalogFault(error);
  }
}

async function ownsTables(client: Pick<pg.Pool, 'query'>, role: string): Promise<boolean> {
  // `pg_has_role` is true of every superuser, and of members of the owner's role.
  const { rows } = await client.query<{ owns: boolean }>(
    `SELECT pg_has_role($1, relowner, 'MEMBER') AS owns FROM pg_class WHERE oid = 'audit_log'::regclass`,
    [role],
  );
  return rows[0]?.owns ?? false;
}

async function grantTables(client: pg.Client, role: string): Promise<void> {
  const grantee = pg.escapeIdentifier(role);
  // Partitions need no rights of their own: access goes through the parent.
  const { rows } = await client.query<{ name: string }>(
    `SELECT relname AS name FROM pg_class
     WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition
     ORDER BY relname`,
  );
  const statements = rows.flatMap(({ name }) => {
    const table = pg.escapeIdentifier(name);
    return [`REVOKE ALL ON ${table} FROM ${grantee}`, `GRANT ${rightsOn(name)} ON ${table} TO ${grantee}`];
  });
  const { rows: schemas } = await client.query<{ name: string }>('SELECT current_schema() AS name');
  const schema = pg.escapeIdentifier(schemas[0]?.name ?? 'public');
  statements.push(`GRANT USAGE ON SCHEMA ${schema} TO ${grantee}`);
  statements.push(`GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA ${schema} TO ${grantee}`);
  await client.query(statements.join(';\n'));
}

function rightsOn(table: string): string {
  if (table === '_prisma_migrations') return 'SELECT';
  if (APPEND_ONLY.includes(table)) return 'SELECT, INSERT';
  if (NEVER_DELETED.includes(table)) return 'SELECT, INSERT, UPDATE';
  return 'SELECT, INSERT, UPDATE, DELETE';
}
