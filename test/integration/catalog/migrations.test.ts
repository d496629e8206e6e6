import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { connectCatalog } from '../../../src/catalog/connect.js';
import { grantAppRole, ownerCouldRemoveTriggers } from '../../../src/catalog/grants.js';
import { migrate } from '../../../src/catalog/migrate.js';
import {
  emptyDatabase,
  freshDatabase,
  migrationsDir,
  type EmptyDatabase,
  type TestDatabase,
} from '../../support/database.js';

const initial = '20261121000000_initial';

describe('migrate', () => {
  let db: EmptyDatabase;
  let dir: string;
  beforeEach(async () => {
    db = await emptyDatabase();
    dir = join(await mkdtemp(join(tmpdir(), 'xyn-migrations-')), 'migrations');
    await cp(migrationsDir, dir, { recursive: true });
  });
  afterEach(async () => {
    await db.drop();
    await rm(join(dir, '..'), { recursive: true });
  });

  it('makes a new database once, and finds nothing to do after that', async () => {
    expect((await migrate({ ownerUrl: db.ownerUrl, dir })).applied).toContain(initial);
    expect((await migrate({ ownerUrl: db.ownerUrl, dir })).applied).toEqual([]);
    const rows = await query(
      db.ownerUrl,
      'SELECT migration_name, finished_at, applied_steps_count FROM _prisma_migrations',
    );
    expect(rows[0]).toMatchObject({ migration_name: initial, applied_steps_count: 1, finished_at: expect.any(Date) });
  });

  it('lets one of four processes apply while the others wait', async () => {
    const all = await Promise.all([1, 2, 3, 4].map(async () => migrate({ ownerUrl: db.ownerUrl, dir })));
    expect(all.filter(({ applied }) => applied.length > 0)).toHaveLength(1);
  });

  it('gives up when the lock is not freed in time', async () => {
    const holder = new pg.Client(db.ownerUrl);
    await holder.connect();
    await holder.query('SELECT pg_advisory_lock(72707369)');
    const refused = migrate({ ownerUrl: db.ownerUrl, dir, lockTimeoutMs: 50 });
    await expect(refused).rejects.toMatchObject({ code: 'db_migration_failed', message: /migration lock/ });
    await holder.end();
  });

  it('refuses a file that was edited after it was applied', async () => {
    await migrate({ ownerUrl: db.ownerUrl, dir });
    const file = join(dir, initial, 'migration.sql');
    await writeFile(file, `${await readFile(file, 'utf8')}\n-- later thought\n`);
    const refused = migrate({ ownerUrl: db.ownerUrl, dir });
    await expect(refused).rejects.toMatchObject({ code: 'db_migration_failed', details: { migration: initial } });
    await expect(refused).rejects.toThrow(/edited/);
  });

  it('takes a file with other line ends for the same', async () => {
    await migrate({ ownerUrl: db.ownerUrl, dir });
    const file = join(dir, initial, 'migration.sql');
    await writeFile(file, (await readFile(file, 'utf8')).replaceAll('\n', '\r\n'));
    expect((await migrate({ ownerUrl: db.ownerUrl, dir })).applied).toEqual([]);
  });

  it('leaves no trace of one that fails, and applies it once it is right', async () => {
    await add('20990101000000_broken', 'CREATE TABLE half (id int); SELECT * FROM not_there;');
    const refused = migrate({ ownerUrl: db.ownerUrl, dir });
    await expect(refused).rejects.toMatchObject({ code: 'db_migration_failed' });
    await expect(refused).rejects.toThrow(/20990101000000_broken.*not_there/);
    expect(
      await query(db.ownerUrl, `SELECT to_regclass('half') AS half, to_regclass('events')::text AS events`),
    ).toEqual([{ half: null, events: 'events' }]);
    await add('20990101000000_broken', 'CREATE TABLE half (id int);');
    expect((await migrate({ ownerUrl: db.ownerUrl, dir })).applied).toEqual(['20990101000000_broken']);
  });

  it('applies a migration and notes it, or does neither', async () => {
    await migrate({ ownerUrl: db.ownerUrl, dir });
    const refusal = `ALTER TABLE _prisma_migrations ADD CONSTRAINT none_later CHECK (migration_name < '2098')`;
    await add('20990101000000_unnoted', `CREATE TABLE half (id int); ${refusal};`);
    await expect(migrate({ ownerUrl: db.ownerUrl, dir })).rejects.toMatchObject({ code: 'db_migration_failed' });
    expect(await query(db.ownerUrl, `SELECT to_regclass('half') AS half`)).toEqual([{ half: null }]);
  });

  it('refuses a database that another tool left half-way, and one that is newer than the code', async () => {
    await add('20990101000000_later', 'SELECT 1;');
    await migrate({ ownerUrl: db.ownerUrl, dir });
    await rm(join(dir, '20990101000000_later'), { recursive: true });
    await expect(migrate({ ownerUrl: db.ownerUrl, dir })).rejects.toThrow(/newer than this code/);
    await query(db.ownerUrl, `UPDATE _prisma_migrations SET finished_at = NULL WHERE migration_name LIKE '%later'`);
    await expect(migrate({ ownerUrl: db.ownerUrl, dir })).rejects.toThrow(/failed half-way/);
  });

  it('refuses a folder without migrations, and says when nobody answers', async () => {
    await expect(migrate({ ownerUrl: db.ownerUrl, dir: tmpdir() + '/no-such-folder' })).rejects.toThrow(
      /No migrations/,
    );
    const nobody = migrate({ ownerUrl: 'postgresql://nobody@127.0.0.1:1/none', dir });
    await expect(nobody).rejects.toMatchObject({ code: 'db_unavailable' });
  });

  async function add(name: string, sql: string): Promise<void> {
    await mkdir(join(dir, name), { recursive: true });
    await writeFile(join(dir, name, 'migration.sql'), sql);
  }
});

describe('the application role', () => {
  let db: TestDatabase;
  beforeAll(async () => {
    db = await freshDatabase();
    await query(
      db.url,
      `INSERT INTO audit_log (key, at, actor, action, resource_type, resource_id, env_id)
      VALUES ('k', now(), 'a', 'x', 'run', 'r', 'local')`,
    );
    await query(db.url, `INSERT INTO audit_chain (seq, audit_id, prev_hash, hash) VALUES (1, 1, '', 'h')`);
    await query(
      db.url,
      `INSERT INTO step_attempts (step_id, attempt, run_id, status, worker, started_at)
      VALUES (gen_random_uuid(), 1, gen_random_uuid(), 'running', 'w', now())`,
    );
  });
  afterAll(async () => db.drop());

  const forbidden = [
    `UPDATE audit_log SET actor = 'b'`,
    'DELETE FROM audit_log',
    'TRUNCATE audit_log',
    `UPDATE audit_chain SET hash = 'other'`,
    'DELETE FROM audit_chain',
    'TRUNCATE audit_chain',
    'DELETE FROM step_attempts',
    'TRUNCATE step_attempts',
    'ALTER TABLE audit_log DISABLE TRIGGER ALL',
    'DROP TABLE audit_log',
    'DELETE FROM _prisma_migrations',
    'CREATE TABLE own (id int)',
  ];
  it.each(forbidden)('may not %s', async (statement) => {
    await expect(query(db.url, statement)).rejects.toThrow(/permission denied|must be owner/);
  });

  it.each(forbidden.slice(0, 7))('is kept from %s by a trigger, too, when it is the owner', async (statement) => {
    await expect(query(db.ownerUrl, statement)).rejects.toThrow(/append-only/);
  });

  it('works with everything else, also after grants are repeated by several processes', async () => {
    const role = new URL(db.url).username;
    await Promise.all([1, 2, 3].map(async () => grantAppRole(db.ownerUrl, role)));
    await query(
      db.url,
      `INSERT INTO events (event_id, event_name, occurred_at, env_id, actor, correlation_id, data)
      VALUES (gen_random_uuid(), 'a.b', now(), 'local', 'a', 'c', '{}')`,
    );
    await query(db.url, 'UPDATE events SET dispatched_at = now()');
    expect(await query(db.url, 'DELETE FROM events RETURNING event_name')).toHaveLength(1);
    await expect(query(db.url, 'DELETE FROM audit_log')).rejects.toMatchObject({ code: '42501' });
  });

  it('has partitions for the months around today', async () => {
    const sql = `SELECT count(*)::int AS n FROM pg_inherits WHERE inhparent = 'footprints'::regclass`;
    expect(await query(db.url, sql)).toEqual([{ n: 5 }]);
  });

  it('goes on when rows of a month already lie in the default partition', async () => {
    const other = await freshDatabase();
    try {
      await query(
        other.ownerUrl,
        `DO $$ DECLARE t regclass; BEGIN FOR t IN SELECT inhrelid FROM pg_inherits
        WHERE inhparent = 'footprints'::regclass AND inhrelid <> 'footprints_default'::regclass
        LOOP EXECUTE format('DROP TABLE %s', t); END LOOP; END $$`,
      );
      await query(
        other.url,
        `INSERT INTO footprints (recorded_at, source_kind, source_ref, metric, run_id, quantity, unit)
        VALUES (now(), 'run', 'r', 'run.count', gen_random_uuid(), 1, 'count')`,
      );
      const report = await grantAppRole(other.ownerUrl, new URL(other.url).username);
      expect(report).toEqual({ ownerCouldRemoveTriggers: false, partitionsReady: false });
    } finally {
      await other.drop();
    }
  });

  it('is told apart from an owner that could remove the triggers', async () => {
    expect(await ownerCouldRemoveTriggers(db.catalog)).toBe(false);
    const owner = connectCatalog({ url: db.ownerUrl, applicationName: 'xyn-test' });
    expect(await ownerCouldRemoveTriggers(owner)).toBe(true);
    await owner.close();
    const report = await grantAppRole(db.ownerUrl, new URL(db.ownerUrl).username);
    expect(report.ownerCouldRemoveTriggers).toBe(true);
  });
});

async function query(url: string, sql: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(sql)).rows;
  } finally {
    await client.end();
  }
}
