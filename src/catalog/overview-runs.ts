import type { RunDto } from '../domain/dtos.js';
import type { RunStatus } from '../domain/engine/state.js';
import { Prisma } from './generated/client.js';
import type { runModel } from './generated/models/run.js';
import type { Catalog } from './connect.js';
import { runDto, type RunCursor } from './run-store.js';

/** What a listing of runs can be narrowed to; each part that is given must hold. */
export interface RunSearch {
  status?: readonly RunStatus[];
  /** With an open gate. */
  isWaiting?: boolean;
  blueprint?: string;
  actor?: string;
  trigger?: string;
  /** Created at most that long ago. */
  sinceMs?: number;
  /** Part of the name; looked for in the newest 10 000 runs. */
  name?: string;
}

/** A full scan of names would take seconds with a million runs. */
const NAME_WINDOW = 10_000;

function conditions({ status, isWaiting, blueprint, actor, trigger, sinceMs }: RunSearch): Prisma.Sql[] {
  return [
    ...(status === undefined ? [] : [Prisma.sql`status = ANY(${[...status]})`]),
    ...(isWaiting === true ? [Prisma.sql`run_id IN (SELECT run_id FROM gates WHERE status = 'open')`] : []),
    ...(blueprint === undefined ? [] : [Prisma.sql`blueprint_id = ${blueprint}`]),
    ...(actor === undefined ? [] : [Prisma.sql`actor = ${actor}`]),
    ...(trigger === undefined ? [] : [Prisma.sql`trigger = ${trigger}`]),
    ...(sinceMs === undefined ? [] : [Prisma.sql`created_at > now() - ${sinceMs} * interval '1 ms'`]),
  ];
}

/** Newest first; runs of one instant in order of their ids. */
export async function searchRuns(
  db: Catalog['prisma'],
  search: RunSearch,
  limit: number,
  cursor?: RunCursor,
): Promise<RunDto[]> {
  const after =
    cursor === undefined
      ? []
      : [
          Prisma.sql`created_at <= ${cursor.created_at}::timestamptz`,
          Prisma.sql`(created_at < ${cursor.created_at}::timestamptz OR run_id > ${cursor.run_id}::uuid)`,
        ];
  const where = [Prisma.sql`true`, ...conditions(search), ...after];
  const pattern = `%${(search.name ?? '').replace(/[\\%_]/g, '\\$&')}%`;
  const from =
    search.name === undefined
      ? Prisma.sql`runs WHERE ${Prisma.join(where, ' AND ')}`
      : Prisma.sql`(SELECT * FROM runs WHERE ${Prisma.join(where, ' AND ')}
          ORDER BY created_at DESC, run_id LIMIT ${NAME_WINDOW}) AS newest WHERE name ILIKE ${pattern}`;
  const rows = await db.$queryRaw<runModel[]>`
    SELECT * FROM ${from} ORDER BY created_at DESC, run_id LIMIT ${limit}`;
  return rows.map(runDto);
}
