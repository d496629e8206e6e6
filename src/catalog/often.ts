import { createHash } from 'node:crypto';
import { Prisma } from './generated/client.js';

const MARK = '/* often */';

/**
 * Begins a statement whose plan each connection keeps: it is read and planned once instead of each time, a fifth of what an
 * event costs. For statements whose plan does not depend on their values, and which name their columns: Postgres refuses a
 * kept `*` when a migration has added one.
 */
export const OFTEN = Prisma.raw(MARK);

const names = new Map<string, string>();

/** The name under which a connection keeps a statement; empty: it is planned each time. */
export function statementName({ sql }: { sql: string }): string {
  if (!sql.startsWith(MARK)) return '';
  const known = names.get(sql);
  if (known !== undefined) return known;
  // As many as there are such statements in the code: their texts do not depend on values.
  const name = `xyn-${createHash('sha256').update(sql).digest('hex').slice(0, 32)}`;
  names.set(sql, name);
  return name;
}
