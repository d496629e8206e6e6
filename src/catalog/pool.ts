import pg from 'pg';

/** A statement of the application that runs longer is stopped by the server. */
const STATEMENT_TIMEOUT_MS = 5_000;
/** Above the server's bound: it only fires when the server or the network is gone without a word. */
const QUERY_TIMEOUT_MS = 7_000;
/** As long as a statement may take: a busy machine lets a rush of connections in one after the other. */
const CONNECTION_TIMEOUT_MS = 5_000;
const IDLE_TIMEOUT_MS = 30_000;
/** These stay open while nothing happens: the first event after a quiet hour would pay for new ones, and for their plans. */
const KEPT_CONNECTIONS = 2;
/** From then on the system asks whether the other side is there, so that nothing on the way forgets a quiet connection. */
const KEEP_ALIVE_AFTER_MS = 30_000;

/** Connections to Postgres for SQL. */
export interface CatalogPool {
  pool: pg.Pool;
  /** Ends all connections after their statements; calling it again changes nothing. */
  close(): Promise<void>;
}

export interface ConnectOptions {
  /** Of the application's role; never logged. */
  url: string;
  /** Connections at most; default 10. */
  poolSize?: number;
  /** Shown in `pg_stat_activity`. */
  applicationName: string;
}

/** Opens nothing yet: the first statement connects. Lost connections are replaced by the pool. */
export function connectPool({ url, poolSize = 10, applicationName }: ConnectOptions): CatalogPool {
  const pool = new pg.Pool({
    connectionString: url,
    max: poolSize,
    min: Math.min(KEPT_CONNECTIONS, poolSize),
    application_name: applicationName,
    statement_timeout: STATEMENT_TIMEOUT_MS,
    query_timeout: QUERY_TIMEOUT_MS,
    connectionTimeoutMillis: CONNECTION_TIMEOUT_MS,
    idleTimeoutMillis: IDLE_TIMEOUT_MS,
    keepAlive: true,
    keepAliveInitialDelayMillis: KEEP_ALIVE_AFTER_MS,
  });
  // An idle connection that breaks is dropped by the pool itself; without a listener it would end the process.
  pool.on('error', () => undefined);
  // Neither does the pool watch a connection that is in use: between two statements of a transaction nobody does.
  pool.on('connect', (client) => client.on('error', () => undefined));
  let closing: Promise<void> | undefined;
  return {
    pool,
    close() {
      closing ??= pool.end();
      return closing;
    },
  };
}
