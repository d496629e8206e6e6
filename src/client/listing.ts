import type { z } from 'zod';
import { MAX_LIMIT } from '../http/schemas/common.js';

/** What stands behind the `?` of an address. */
export type Query = Readonly<Record<string, string | number | undefined>>;
/** The filter of a listing; what is not given as the schema wants it is refused by the server. */
export type QueryOf<S extends z.ZodType> = { readonly [K in keyof z.output<S>]?: z.output<S>[K] | string | undefined };
/** One page of a listing. */
interface PageOf<T> {
  items: T[];
  next_cursor: string | null;
}

/**
 * Goes through all pages of a listing, each asked for when it is reached:
 * `for await (const run of allOf((page) => client.listRuns({ status: 'failed', ...page })))`.
 */
export async function* allOf<T>(
  list: (page: { limit: number; cursor?: string }) => Promise<PageOf<T>>,
): AsyncGenerator<T> {
  let cursor: string | null = null;
  do {
    const page: PageOf<T> = await list({ limit: MAX_LIMIT, ...(cursor === null ? {} : { cursor }) });
    yield* page.items;
    cursor = page.next_cursor;
  } while (cursor !== null);
}
