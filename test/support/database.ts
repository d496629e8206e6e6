import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { connectCatalog, type Catalog } from '../../src/catalog/connect.js';
import { grantAppRole } from '../../src/catalog/grants.js';
import { migrate } from '../../src/catalog/migrate.js';
import { startPostgres, type PostgresServer } from '../../src/servers/postgres.js';

/** The migrations of this checkout. */
export const migrationsDir = fileURLToPath(
  new URL(
    import.meta.url.includes('/dist/test/') ? '../../../prisma/migrations' : '../../prisma/migrations',
    import.meta.url,
  ),
);

/** A migrated database that nobody else uses. */
export interface TestDatabase {
  /** As the application's role. */
  url: string;
  /** As the owner of the tables, a superuser. */
  ownerUrl: string;
  /** Connected as the application's role. */
  catalog: Catalog;
  /** Closes the catalog and removes database and role. */
  drop(): Promise<void>;
}

/** An empty database with an application role that has no rights yet. */
export type EmptyDatabase = Omit<TestDatabase, 'catalog'> & { role: string };

/** A server that this process started, as long as somebody uses it. */
let own: { server: Promise<{ postgres: PostgresServer; dir: string }>; users: number } | undefined;

/**
 * A server for tests: that of `XYN_TEST_POSTGRES_URL` (of a superuser), else a throw-away one of our own that stops when
 * its last database is dropped.
 */
async function useServer(): Promise<{ adminUrl: string; release: () => Promise<void> }> {
  const given = process.env['XYN_TEST_POSTGRES_URL'];
  if (given) return { adminUrl: given, release: async () => Promise.resolve() };
  own ??= { server: startThrowAway(), users: 0 };
  const used = own;
  used.users += 1;
  const { postgres, dir } = await used.server;
  return {
    adminUrl: postgres.ownerUrl,
    async release() {
      used.users -= 1;
      if (used.users > 0) return;
      if (own === used) own = undefined;
      await postgres.stop();
      await rm(dir, { recursive: true, force: true });
    },
  };
}

async function startThrowAway(): Promise<{ postgres: PostgresServer; dir: string }> {
  const dir = await mkdtemp(join(tmpdir(), 'xyn-test-postgres-'));
  const log = { info: () => undefined, warn: () => undefined };
  return { postgres: await startPostgres({ dir, log }), dir };
}

/** Creates a database of random name and a role, without tables. */
export async function emptyDatabase(): Promise<EmptyDatabase> {
  const { adminUrl, release } = await useServer();
  const suffix = randomBytes(6).toString('hex');
  const [database, role, password] = [`xyn_test_${suffix}`, `xyn_app_${suffix}`, randomBytes(16).toString('hex')];
  await asAdmin(adminUrl, [
    `CREATE DATABASE ${database}`,
    `CREATE ROLE ${role} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE PASSWORD '${password}'`,
  ]);
  return {
    role,
    ownerUrl: urlOf(adminUrl, { database }),
    url: urlOf(adminUrl, { database, user: role, password }),
    async drop() {
      await asAdmin(adminUrl, [`DROP DATABASE IF EXISTS ${database} WITH (FORCE)`, `DROP ROLE IF EXISTS ${role}`]);
      await release();
    },
  };
}

/** Creates, migrates and grants; about a tenth of a second. */
export async function freshDatabase(options: { poolSize?: number } = {}): Promise<TestDatabase> {
  const { role, ownerUrl, url, drop } = await emptyDatabase();
  await migrate({ ownerUrl, dir: migrationsDir });
  await grantAppRole(ownerUrl, role);
  const catalog = connectCatalog({ url, applicationName: 'xyn-test', ...options });
  return {
    url,
    ownerUrl,
    catalog,
    async drop() {
      await catalog.close();
      await drop();
    },
  };
}

/** Runs statements one by one on a connection of their own. */
export async function asAdmin(url: string, statements: readonly string[]): Promise<void> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 30_000 });
  await client.connect();
  try {
    for (const statement of statements) await client.query(statement);
  } finally {
    await client.end();
  }
}

function urlOf(base: string, parts: { database: string; user?: string; password?: string }): string {
  const url = new URL(base);
  url.pathname = `/${parts.database}`;
  if (parts.user !== undefined) url.username = parts.user;
  if (parts.password !== undefined) url.password = parts.password;
  return url.href;
}
