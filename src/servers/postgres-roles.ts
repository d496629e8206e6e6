import pg from 'pg';
import {
  appRole,
  appUrl,
  databaseName,
  ownerRole,
  ownerUrl,
  type PostgresCredentials,
} from './postgres-credentials.js';

const connectMs = 2_000;

/** Runs work on one connection and closes it. Connecting takes at most 2 s, a statement at most 30 s. */
async function withClient<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({
    connectionString: url,
    application_name: 'xyn-servers',
    connectionTimeoutMillis: connectMs,
    query_timeout: 30_000,
  });
  // The server may vanish between two statements; the statement's own error says so.
  client.on('error', () => undefined);
  try {
    await client.connect();
    return await work(client);
  } finally {
    await client.end().catch(() => undefined);
  }
}

/** The data folder of the server on this port; `undefined` when none answers to these passwords. */
export async function servedFolder(credentials: PostgresCredentials, port: number): Promise<string | undefined> {
  try {
    return await withClient(ownerUrl(credentials, port, 'postgres'), async (client) => {
      const { rows } = await client.query<{ data_directory: string }>('SHOW data_directory');
      return rows[0]?.data_directory;
    });
  } catch {
    return undefined;
  }
}

/** Makes the application's role and the database where they are missing, and lets the stored password in. Idempotent. */
export async function ensureRolesAndDatabase(credentials: PostgresCredentials, port: number): Promise<void> {
  await withClient(ownerUrl(credentials, port, 'postgres'), async (client) => {
    // A failing statement would be logged with its text, and here the text may hold a password.
    await client.query('SET log_min_error_statement = panic');
    const role = await client.query('SELECT 1 FROM pg_roles WHERE rolname = $1', [appRole]);
    const rights = 'LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS';
    const password = client.escapeLiteral(credentials.app_password);
    if (role.rowCount === 0) await client.query(`CREATE ROLE ${appRole} ${rights} PASSWORD ${password}`);
    const database = await client.query('SELECT 1 FROM pg_database WHERE datname = $1', [databaseName]);
    if (database.rowCount === 0) await client.query(`CREATE DATABASE ${databaseName} OWNER ${ownerRole}`);
    await client.query(`REVOKE ALL ON DATABASE ${databaseName} FROM PUBLIC`);
    await client.query(`GRANT CONNECT ON DATABASE ${databaseName} TO ${appRole}`);
    if (role.rowCount !== 0 && !(await canLogIn(appUrl(credentials, port)))) {
      await client.query(`ALTER ROLE ${appRole} ${rights} PASSWORD ${password}`);
    }
  });
}

async function canLogIn(url: string): Promise<boolean> {
  return withClient(url, async () => true).catch(() => false);
}
