import type { RunDto } from '../domain/dtos.js';
import type { RunStatus } from '../domain/engine/state.js';
import { Prisma } from './generated/client.js';
import type { Catalog } from './connect.js';
import { poolRows } from './pool-rows.js';
import { RUN_FIELDS, runDto, type RunCursor, type RunFields } from './run-store.js';

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

const FIELDS = Prisma.raw(RUN_FIELDS.join(', '));

function conditions({ isWaiting, blueprint, actor, trigger, sinceMs }: RunSearch): Prisma.Sql[] {
  return [
    ...(isWaiting === true ? [Prisma.sql`run_id IN (SELECT run_id FROM gates WHERE status = 'open')`] : []),
    ...(blueprint === undefined ? [] : [Prisma.sql`blueprint_id = ${blueprint}`]),
    ...(actor === undefined ? [] : [Prisma.sql`actor = ${actor}`]),
    ...(trigger === undefined ? [] : [Prisma.sql`trigger = ${trigger}`]),
    ...(sinceMs === undefined ? [] : [Prisma.sql`created_at > now() - ${sinceMs} * interval '1 ms'`]),
  ];
}

/** Newest first; runs of one instant in order of their ids. @throws XynFault `db_unavailable` */
export async function searchRuns(
  catalog: Catalog,
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
  const others = [...conditions(search), ...after];
  const pattern = `%${(search.name ?? '').replace(/[\\%_]/g, '\\$&')}%`;
  const window = newest(search.status, others, search.name === undefined ? limit : NAME_WINDOW);
  const name = search.name === undefined ? Prisma.sql`true` : Prisma.sql`name ILIKE ${pattern}`;
  // Without conditions one plan is right for all values: an index says which runs are the newest, of all or of a status.
  const isPlain = others.length === 0 && search.name === undefined;
  const rows = await poolRows<RunFields>(
    catalog,
    Prisma.sql`SELECT * FROM ${window} AS newest WHERE ${name} ORDER BY created_at DESC, run_id LIMIT ${limit}`,
    isPlain ? `overview_runs_${search.status?.length ?? 0}` : undefined,
  );
  return rows.map(runDto);
}

/** The newest runs with one of the statuses; each status by itself, since an index orders the runs of one only. */
function newest(statuses: RunSearch['status'], others: readonly Prisma.Sql[], limit: number): Prisma.Sql {
  const of = (own: readonly Prisma.Sql[], first: Prisma.Sql): Prisma.Sql =>
    Prisma.sql`(SELECT ${FIELDS} FROM runs WHERE ${Prisma.join([Prisma.sql`true`, ...own, ...others], ' AND ')}
      ORDER BY ${first} created_at DESC, run_id LIMIT ${limit})`;
  if (statuses === undefined || statuses.length === 0) return of([], Prisma.empty);
  // Alone it leads the order: see `byOwnIndex`.
  const all = statuses.map((status) =>
    others.length === 0
      ? of([Prisma.sql`status >= ${status} AND status <= ${status}`], Prisma.sql`status,`)
      : of([Prisma.sql`status = ${status}`], Prisma.empty),
  );
  return Prisma.sql`(${Prisma.join(all, ' UNION ALL ')})`;
}
