import type { QueryResultRow } from 'pg';
import type { Catalog } from './connect.js';
import { catalogFault } from './faults.js';

/**
 * Rows of a read, straight from the pool: Prisma's way of raw SQL costs more CPU than most of these statements.
 * @param sql what `Prisma.sql` makes, or the same by hand.
 * @param name unique for the text; with it Postgres parses and plans the statement once for each connection: to plan some takes
 * ten times as long as to run them. Only where one plan is right for all values, and where the columns of the answer are
 * named: with `*` the statement would fail on open connections once a migration has added one.
 * @throws XynFault `db_unavailable`
 */
export async function poolRows<T extends QueryResultRow>(
  { pool }: Pick<Catalog, 'pool'>,
  { text, values }: { text: string; values: readonly unknown[] },
  name?: string,
): Promise<T[]> {
  try {
    return (await pool.query<T>({ text, values: [...values], ...(name === undefined ? {} : { name }) })).rows;
  } catch (error) {
    throw catalogFault(error);
  }
}
