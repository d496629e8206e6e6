import type { Printer } from '../printer.js';

/** Options of commands that list. */
export type PageOptions = Readonly<{ limit: string; cursor?: string }>;

/** Says how to go on when there is more. */
export function showNextPage(printer: Printer, nextCursor: string | null): void {
  if (nextCursor !== null) printer.note(`There are more: add --cursor ${nextCursor}`);
}
