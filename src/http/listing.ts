import type { z } from 'zod';
import type { Page } from '../domain/dtos.js';
import { XynFault } from '../domain/fault.js';
import { decodeCursor, encodeCursor } from './cursor.js';

interface PageQuery {
  limit: number;
  cursor?: string;
}

type Filter<Q extends PageQuery> = Omit<Q, keyof PageQuery>;

/** What a service is asked for one page of a listing. */
type ListQuery<Q extends PageQuery, C> = Filter<Q> & { limit: number; cursor?: C };

/** One page of a listing that a service pages; the cursor is the service's position, made opaque. */
export async function listPage<Q extends PageQuery, C extends object, T>(
  name: string,
  { limit, cursor, ...filter }: Q,
  position: z.ZodType<C>,
  load: (query: ListQuery<Q, C>) => Promise<Page<T, C>>,
): Promise<{ body: object }> {
  const after = cursor === undefined ? undefined : decodeCursor(name, filter, position, cursor);
  const page = await load({ ...filter, limit, ...(after === undefined ? {} : { cursor: after }) });
  return { body: { items: page.items, next_cursor: encodeCursor(name, filter, page.next) } };
}

/** One page of a list that comes whole: it goes on after the item that the cursor names. */
export function slicePage<C extends object, T>(
  name: string,
  { limit, cursor }: PageQuery,
  position: z.ZodType<C>,
  list: { items: readonly T[]; of: object; keyOf: (item: T) => C; isAt: (item: T, key: C) => boolean },
): { body: object } {
  const { items, of, keyOf, isAt } = list;
  let start = 0;
  if (cursor !== undefined) {
    const key = decodeCursor(name, of, position, cursor);
    start = items.findIndex((item) => isAt(item, key)) + 1;
    if (start === 0) throw new XynFault('cursor_invalid', 'What the cursor points at is gone; start again without it.');
  }
  const shown = items.slice(start, start + limit);
  const last = start + limit < items.length ? shown.at(-1) : undefined;
  return { body: { items: shown, next_cursor: encodeCursor(name, of, last === undefined ? null : keyOf(last)) } };
}
