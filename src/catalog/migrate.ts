import { createHash, randomUUID } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { XynFault } from '../domain/fault.js';
import { catalogFault, classifyCatalogError } from './faults.js';

/** The advisory lock that `prisma migrate deploy` takes, so that both never run at once. */
const MIGRATION_LOCK = 72707369;
const LOCK_POLL_MS = 100;
const CONNECTION_TIMEOUT_MS = 5_000;

/** The table in which Prisma keeps what was applied. */
const HISTORY_TABLE = `CREATE TABLE IF NOT EXISTS _prisma_migrations (
  id VARCHAR(36) PRIMARY KEY NOT NULL,
  checksum VARCHAR(64) NOT NULL,
  finished_at TIMESTAMPTZ,
  migration_name VARCHAR(255) NOT NULL,
  logs TEXT,
  rolled_back_at TIMESTAMPTZ,
  started_at TIMESTAMPTZ NOT NULL DEFAULT now(),
  applied_steps_count INTEGER NOT NULL DEFAULT 0
)`;

export interface MigrateOptions {
  /** Of the owner; a direct connection, since the lock belongs to the session. */
  ownerUrl: string;
  /** The folder with one folder per migration. */
  dir: string;
  /** How long to wait for another process that migrates; default 60 000. */
  lockTimeoutMs?: number;
}

interface Migration {
  name: string;
  sql: string;
  /** SHA-256 of the file; and of the file with Unix line ends, as another checkout may have had it. */
  checksums: [string, string];
}

interface Applied {
  migration_name: string;
  checksum: string;
  finished_at: Date | null;
}

/**
 * Applies the migrations that the database does not have, each in one transaction, in the order of their names.
 * Compatible with `prisma migrate deploy` in both directions, and needs no engine and no download. Safe to call from any
 * number of processes at once.
 * @returns the names applied by this call.
 * @throws XynFault `db_migration_failed` when one fails (it left no trace), was edited after it was applied, failed in
 *   another tool, or when the database is newer than this code; `db_unavailable` when Postgres does not answer.
 */
export async function migrate({
  ownerUrl,
  dir,
  lockTimeoutMs = 60_000,
}: MigrateOptions): Promise<{ applied: string[] }> {
  const migrations = await readMigrations(dir);
  const client = new pg.Client({
    connectionString: ownerUrl,
    application_name: 'xyn-migrate',
    connectionTimeoutMillis: CONNECTION_TIMEOUT_MS,
  });
  client.on('error', () => undefined);
  try {
    await client.connect();
    await takeLock(client, lockTimeoutMs);
    await client.query(HISTORY_TABLE);
    const pending = await pendingOf(client, migrations);
    for (const migration of pending) await apply(client, migration);
    return { applied: pending.map(({ name }) => name) };
  } catch (error) {
    throw catalogFault(error);
  } finally {
    // Ending the session frees the lock, whatever happened before.
    await client.end().catch(() => undefined);
  }
}

async function readMigrations(dir: string): Promise<Migration[]> {
  const entries = await readdir(dir, { withFileTypes: true }).catch(() => []);
  const names = entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
  if (names.length === 0) throw failed(`No migrations are in ${dir}.`);
  return Promise.all(names.sort().map(async (name) => readMigration(dir, name)));
}

async function readMigration(dir: string, name: string): Promise<Migration> {
  const file = join(dir, name, 'migration.sql');
  const sql = await readFile(file, 'utf8').catch((cause: unknown) => {
    throw failed(`Migration ${name} has no readable file ${file}.`, { migration: name }, cause);
  });
  return { name, sql, checksums: [sha256(sql), sha256(sql.replaceAll('\r\n', '\n'))] };
}

/** Polled: sessions that block in `pg_advisory_lock` deadlock with `CREATE INDEX CONCURRENTLY` of the one that holds it. */
async function takeLock(client: pg.Client, timeoutMs: number): Promise<void> {
  const end = performance.now() + timeoutMs;
  for (;;) {
    const { rows } = await client.query<{ ok: boolean }>('SELECT pg_try_advisory_lock($1) AS ok', [MIGRATION_LOCK]);
    if (rows[0]?.ok === true) return;
    if (performance.now() >= end) {
      throw failed(`Another process has held the migration lock for ${timeoutMs} ms. Wait for it or end it.`);
    }
    await delay(LOCK_POLL_MS);
  }
}

async function pendingOf(client: pg.Client, migrations: readonly Migration[]): Promise<Migration[]> {
  const { rows } = await client.query<Applied>(
    'SELECT migration_name, checksum, finished_at FROM _prisma_migrations WHERE rolled_back_at IS NULL ORDER BY started_at',
  );
  const broken = rows.find((row) => row.finished_at === null);
  if (broken) {
    const message = `Migration ${broken.migration_name} failed half-way in another tool. Repair the database by hand.`;
    throw failed(message, { migration: broken.migration_name });
  }
  const known = new Map(migrations.map((migration) => [migration.name, migration]));
  for (const row of rows) {
    const migration = known.get(row.migration_name);
    const facts = { migration: row.migration_name };
    if (!migration) {
      throw failed(`The database is newer than this code: it has migration ${row.migration_name}. Update Xyn.`, facts);
    }
    if (!migration.checksums.includes(row.checksum)) {
      throw failed(`Migration ${row.migration_name} was edited after it was applied. Restore the file.`, facts);
    }
  }
  const done = new Set(rows.map((row) => row.migration_name));
  return migrations.filter((migration) => !done.has(migration.name));
}

async function apply(client: pg.Client, { name, sql, checksums }: Migration): Promise<void> {
  await client.query('BEGIN');
  try {
    await client.query(sql);
    await client.query(
      `INSERT INTO _prisma_migrations (id, checksum, migration_name, finished_at, applied_steps_count)
       VALUES ($1, $2, $3, clock_timestamp(), 1)`,
      [randomUUID(), checksums[0], name],
    );
    await client.query('COMMIT');
  } catch (error) {
    await client.query('ROLLBACK').catch(() => undefined);
    if (classifyCatalogError(error) === 'unavailable') throw error;
    // What the server says about a migration names objects of the schema, not values of users.
    const reason = error instanceof Error ? error.message : String(error);
    throw failed(`Migration ${name} failed and was rolled back: ${reason}`, { migration: name }, error);
  }
}

function failed(message: string, details?: Record<string, unknown>, cause?: unknown): XynFault {
  return new XynFault('db_migration_failed', message, { ...(details && { details }), cause });
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
