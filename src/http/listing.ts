import type { z } from 'zod';
import type { Page } from '../domain/dtos.js';
import { XynFault } from '../domain/fault.js';
import { decodeCursor, encodeCursor } from './cursor.js';
import type { Services } from './services.js';

type Keys = Pick<Services, 'cursors'>;

interface PageQuery {
  limit: number;
  cursor?: string;
}

type Filter<Q extends PageQuery> = Omit<Q, keyof PageQuery>;

/** What a service is asked for one page of a listing. */
type ListQuery<Q extends PageQuery, C> = Filter<Q> & { limit: number; cursor?: C };

/** @throws XynFault `range_invalid` */
function requireOrder(filter: object): void {
  const { from, to, created_from: createdFrom, created_to: createdTo } = filter as Record<string, string | undefined>;
  for (const [start, end] of [
    [from, to],
    [createdFrom, createdTo],
  ]) {
    if (start !== undefined && end !== undefined && Date.parse(start) > Date.parse(end)) {
      throw new XynFault('range_invalid', 'The beginning of the range of times is after its end.');
    }
  }
}

/** One page of a listing that a service pages; the cursor is the service's position, made opaque. */
export async function listPage<Q extends PageQuery, C extends object, T>(
  { cursors }: Keys,
  name: string,
  { limit, cursor, ...filter }: Q,
  position: z.ZodType<C>,
  load: (query: ListQuery<Q, C>) => Promise<Page<T, C>>,
): Promise<{ body: object }> {
  requireOrder(filter);
  const listing = { name, filter };
  const after = cursor === undefined ? undefined : decodeCursor(await cursors.key(), listing, position, cursor);
  const { items, next } = await load({ ...filter, limit, ...(after === undefined ? {} : { cursor: after }) });
  return { body: { items, next_cursor: next === null ? null : encodeCursor(await cursors.key(), listing, next) } };
}

/** One page of a list that comes whole: it goes on after the item that the cursor names. */
export async function slicePage<C extends object, T>(
  { cursors }: Keys,
  name: string,
  { limit, cursor }: PageQuery,
  position: z.ZodType<C>,
  list: { items: readonly T[]; of: object; keyOf: (item: T) => C; isAt: (item: T, key: C) => boolean },
): Promise<{ body: object }> {
  const { items, of, keyOf, isAt } = list;
  const listing = { name, filter: of };
  let start = 0;
  if (cursor !== undefined) {
    const key = decodeCursor(await cursors.key(), listing, position, cursor);
    start = items.findIndex((item) => isAt(item, key)) + 1;
    if (start === 0) throw new XynFault('cursor_invalid', 'What the cursor points at is gone; start again without it.');
  }
  const shown = items.slice(start, start + limit);
  const last = start + limit < items.length ? shown.at(-1) : undefined;
  const next = last === undefined ? null : encodeCursor(await cursors.key(), listing, keyOf(last));
  return { body: { items: shown, next_cursor: next } };
}
