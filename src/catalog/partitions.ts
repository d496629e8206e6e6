import pg from 'pg';
import { catalogFault, sqlStateOf } from './faults.js';

const CONNECTION_TIMEOUT_MS = 5_000;
/** A new month locks the table for a moment; writers must not queue behind one that waits for long. */
const LOCK_TIMEOUT_MS = 2_000;
/** One at a time, whoever asks. */
const PARTITIONS_LOCK = 72707371;
/** Postgres refuses a new month whose rows already lie in the default partition. */
const CHECK_VIOLATION = '23514';

/**
 * Makes the partitions of four months, the first being that of 31 days before a day; those that exist stay.
 * @param ownerUrl of the role that owns the tables.
 * @returns false when a month could not be made, since its rows lie in the default partition already; harmless.
 * @throws XynFault `db_unavailable`, also when others hold the table for longer than two seconds.
 */
export async function ensurePartitions(ownerUrl: string, day: Date): Promise<boolean> {
  const client = new pg.Client({
    connectionString: ownerUrl,
    application_name: 'xyn-partitions',
    connectionTimeoutMillis: CONNECTION_TIMEOUT_MS,
    lock_timeout: LOCK_TIMEOUT_MS,
  });
  client.on('error', () => undefined);
  try {
    await client.connect();
    await client.query('BEGIN');
    await client.query('SELECT pg_advisory_xact_lock($1)', [PARTITIONS_LOCK]);
    const ready = await makePartitions(client, day);
    await client.query('COMMIT');
    return ready;
  } catch (error) {
    throw catalogFault(error);
  } finally {
    await client.end().catch(() => undefined);
  }
}

/** The same inside the caller's transaction. */
export async function makePartitions(client: pg.Client, day: Date): Promise<boolean> {
  await client.query('SAVEPOINT partitions');
  try {
    await client.query('SELECT xyn_ensure_partitions($1::date - 31, 3)', [day.toISOString()]);
    return true;
  } catch (error) {
    if (sqlStateOf(error) !== CHECK_VIOLATION) throw error;
    await client.query('ROLLBACK TO SAVEPOINT partitions');
    return false;
  }
}
