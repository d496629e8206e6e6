import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
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
  return newDatabase('template1');
}

async function newDatabase(template: string): Promise<EmptyDatabase> {
  const { adminUrl, release } = await useServer();
  if (template !== 'template1') await makeTemplate(adminUrl, template);
  const suffix = randomBytes(6).toString('hex');
  const [database, role, password] = [`xyn_test_${suffix}`, `xyn_app_${suffix}`, randomBytes(16).toString('hex')];
  await asAdmin(adminUrl, [
    `CREATE DATABASE ${database} TEMPLATE ${template}`,
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

/** The name of the migrated database that others are copies of: another one when a migration is another. */
async function templateName(): Promise<string> {
  const files = (await readdir(migrationsDir, { recursive: true })).filter((name) => name.endsWith('.sql')).sort();
  const digest = createHash('sha256');
  for (const name of files) digest.update(`${name}\0${await readFile(join(migrationsDir, name), 'utf8')}\0`);
  return `xyn_template_${digest.digest('hex').slice(0, 12)}`;
}

/** Makes the migrated database unless it is there; it stays on the server. Any number of processes may ask at once. */
async function makeTemplate(adminUrl: string, name: string): Promise<void> {
  const client = new pg.Client({ connectionString: adminUrl, connectionTimeoutMillis: 30_000 });
  await client.connect();
  try {
    const isMade = async (): Promise<boolean> =>
      (await client.query('SELECT FROM pg_database WHERE datname = $1', [name])).rowCount === 1;
    if (await isMade()) return;
    await client.query('SELECT pg_advisory_lock(hashtext($1))', [name]);
    if (await isMade()) return;
    // It has its name when it is whole: what another process left half-way is made anew.
    const unfinished = `${name}_unfinished`;
    await client.query(`DROP DATABASE IF EXISTS ${unfinished} WITH (FORCE)`);
    await client.query(`CREATE DATABASE ${unfinished}`);
    await migrate({ ownerUrl: urlOf(adminUrl, { database: unfinished }), dir: migrationsDir });
    await client.query(`ALTER DATABASE ${unfinished} RENAME TO ${name}`);
  } finally {
    await client.end();
  }
}

/** Copies a migrated database and grants; about a tenth of a second. */
export async function freshDatabase(options: { poolSize?: number } = {}): Promise<TestDatabase> {
  const { role, ownerUrl, url, drop } = await newDatabase(await templateName());
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
