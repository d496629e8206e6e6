import type { Command } from 'commander';
import { examples, type CommandBinder, type CommandContext } from '../context.js';

/** Options of every command that lists. */
export type PageOptions = Readonly<{ limit: string; cursor?: string }>;

/** A column: its head, and its cell for an item at a time in milliseconds since the epoch. */
type Column<T> = readonly [head: string, cell: (item: T, nowMs: number) => string];

/** A command that lists: what it asks for, and how a page looks. */
interface Listing<T, O> {
  description: string;
  /** `--limit` when it is not said. */
  limit: string;
  examples: readonly string[];
  fetch(
    context: CommandContext,
    options: O & PageOptions,
  ): Promise<{ items: readonly T[]; next_cursor: string | null }>;
  /** Another way to answer that an option asks for. */
  instead?: (options: O) => ((context: CommandContext) => Promise<void>) | undefined;
  columns: readonly Column<T>[];
  /** Said when nothing is there. */
  empty: string;
}

/** Adds a `list` command below `parent`; its own options may be added to what this returns. */
export function addListCommand<T, O extends object>(
  parent: Command,
  binder: CommandBinder,
  listing: Listing<T, O>,
): Command {
  const { description, limit, columns, empty } = listing;
  const show = async (context: CommandContext, _args: readonly [], options: O & PageOptions): Promise<void> => {
    const other = listing.instead?.(options);
    if (other !== undefined) return other(context);
    const { printer, io } = context;
    const page = await listing.fetch(context, options);
    printer.result(page, () => {
      const rows = page.items.map((item) => columns.map(([, cell]) => cell(item, io.clock())));
      if (rows.length === 0) printer.note(empty);
      else
        printer.table(
          columns.map(([head]) => head),
          rows,
        );
      if (page.next_cursor !== null) printer.note(`There are more: add --cursor ${page.next_cursor}`);
    });
  };
  return parent
    .command('list')
    .description(description)
    .option('--limit <number>', 'at most so many', limit)
    .option('--cursor <cursor>', 'the page after an earlier one')
    .addHelpText('after', examples(...listing.examples))
    .action(binder.bind(show));
}
