import pg from 'pg';

const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 5_000;

/** Hears what Postgres notifies on one channel, on a connection of its own. */
export interface ChannelListener {
  /** Ends the connection and every further attempt to connect. */
  close(): Promise<void>;
}

export interface ListenOptions {
  /** As `catalog.pool.options`: where and as whom to connect. */
  connection: pg.PoolConfig;
  /** A plain lower-case name. */
  channel: string;
  /** Called for every notice, and after every connect, since notices of the time without one are lost. */
  onNotice: () => void;
}

/** Listens until closed; connects again by itself after 0.1 s, then longer, at most 5 s. Needs a poll beside it. */
export function listenTo({ connection, channel, onNotice }: ListenOptions): ChannelListener {
  let closed = false;
  let client: pg.Client | undefined;
  let timer: NodeJS.Timeout | undefined;
  let pauseMs = FIRST_PAUSE_MS;

  const retry = (failed: pg.Client): void => {
    if (closed || client !== failed) return;
    client = undefined;
    failed.removeAllListeners('notification');
    void failed.end().catch(() => undefined);
    timer = setTimeout(connect, pauseMs);
    timer.unref();
    pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS);
  };
  const connect = (): void => {
    // A listener waits for ever, so the pool's bounds on statements do not apply to it.
    const { statement_timeout: _statement, query_timeout: _query, ...rest } = connection;
    const next = new pg.Client({ ...rest, keepAlive: true });
    client = next;
    next.on('notification', onNotice);
    next.on('error', () => retry(next));
    next.on('end', () => retry(next));
    next
      .connect()
      .then(() => next.query(`LISTEN ${next.escapeIdentifier(channel)}`))
      .then(
        () => {
          pauseMs = FIRST_PAUSE_MS;
          onNotice();
        },
        () => retry(next),
      );
  };
  connect();
  return {
    async close() {
      closed = true;
      clearTimeout(timer);
      const last = client;
      client = undefined;
      await last?.end().catch(() => undefined);
    },
  };
}
