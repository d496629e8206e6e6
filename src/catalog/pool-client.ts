import type pg from 'pg';
import type { Catalog } from './connect.js';
import { catalogFault } from './faults.js';

/** What runs statements: the pool or one connection of it. */
export type Queryable = Pick<pg.Pool, 'query'>;

/**
 * Runs `work` on one connection, in the transaction that `begin` opens; commits it, or rolls back when `work` throws.
 * A connection that breaks meanwhile is thrown away.
 * @throws XynFault `db_unavailable`; `internal` for anything else that `work` failed with.
 */
export async function withClient<T>(
  { pool }: Pick<Catalog, 'pool'>,
  begin: string,
  work: (client: Queryable) => Promise<T>,
): Promise<T> {
  let client: pg.PoolClient;
  try {
    client = await pool.connect();
  } catch (error) {
    throw catalogFault(error);
  }
  // The pool listens on idle connections only; an error without a listener would end the process.
  const broken = (): void => undefined;
  client.on('error', broken);
  let unusable = false;
  try {
    await client.query(begin);
    const result = await work(client);
    await client.query('COMMIT');
    return result;
  } catch (error) {
    await client.query('ROLLBACK').catch(() => {
      unusable = true;
    });
    throw catalogFault(error);
  } finally {
    client.removeListener('error', broken);
    client.release(unusable);
  }
}
