import pg from 'pg';

/** Loaded before a process of the product: counts its statements, and tells their number to the parent that asks. */
let statements = 0;
// eslint-disable-next-line @typescript-eslint/unbound-method -- called with the client that it belongs to
const send = pg.Client.prototype.query as (this: pg.Client, ...args: unknown[]) => unknown;

function counted(this: pg.Client, ...args: unknown[]): unknown {
  const [query] = args as [string | { text?: string } | undefined];
  const text = typeof query === 'string' ? query : (query?.text ?? '');
  if (!/^(?:BEGIN|COMMIT|ROLLBACK)/i.test(text)) statements += 1;
  return send.apply(this, args);
}

pg.Client.prototype.query = counted as typeof pg.Client.prototype.query;
process.on('message', (message) => {
  if (message === 'statements') process.send?.(statements);
});
// Listening must not keep the process from ending.
process.channel?.unref();
