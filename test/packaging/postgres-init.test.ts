import { expect, it } from '@jest/globals';
import { execFile } from 'node:child_process';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import pg from 'pg';
import { grantAppRole } from '../../src/catalog/grants.js';
import { migrate } from '../../src/catalog/migrate.js';
import { startPostgres } from '../../src/servers/postgres.js';
import { asAdmin, migrationsDir } from '../support/database.js';
import { describeWith, noteProgram } from '../support/parts.js';

const run = promisify(execFile);
const script = fileURLToPath(new URL('../../docker/postgres-init.sh', import.meta.url));
await noteProgram('psql', 'postgresql-client');

const noop = (): void => undefined;

/** Takes the names away that the embedded server has given already. @returns the URL of a superuser. */
async function likeNew(ownerUrl: string): Promise<URL> {
  const admin = new URL(ownerUrl);
  [admin.username, admin.password, admin.pathname] = ['image_admin', 'of-the-image', '/postgres'];
  await asAdmin(ownerUrl, [`CREATE ROLE image_admin SUPERUSER LOGIN PASSWORD 'of-the-image'`]);
  await asAdmin(admin.href, [
    'ALTER DATABASE xyn RENAME TO embedded',
    'ALTER ROLE xyn_owner RENAME TO embedded_owner',
    'ALTER ROLE xyn_app RENAME TO embedded_app',
  ]);
  return admin;
}

describeWith('psql')('docker/postgres-init.sh', () => {
  it('makes an owner who can migrate, and an application that cannot', async () => {
    const dir = await mkdtemp(path.join(tmpdir(), 'xyn-init-'));
    // The server may run under another account: it has to pass through.
    await chmod(dir, 0o711);
    const server = await startPostgres({ dir: path.join(dir, 'postgres'), log: { info: noop, warn: noop } });
    try {
      const admin = await likeNew(server.ownerUrl);
      const urlOf = (role: string, password: string): string => {
        const url = new URL(server.ownerUrl);
        [url.username, url.password, url.pathname] = [role, encodeURIComponent(password), '/xyn'];
        return url.href;
      };
      await run('/bin/sh', [script], {
        env: {
          PATH: process.env['PATH'],
          PGHOST: admin.hostname,
          PGPORT: admin.port,
          PGPASSWORD: decodeURIComponent(admin.password),
          POSTGRES_USER: admin.username,
          XYN_DB_OWNER_PASSWORD: "owner's",
          XYN_DB_PASSWORD: 'app"s',
          TEMPORAL_DB_PASSWORD: 'temporal',
        },
      });
      const ownerUrl = urlOf('xyn_owner', "owner's");
      expect((await migrate({ ownerUrl, dir: migrationsDir })).applied.length).toBeGreaterThan(0);
      expect(await grantAppRole(ownerUrl, 'xyn_app')).toMatchObject({ ownerCouldRemoveTriggers: false });
      const app = new pg.Client({ connectionString: urlOf('xyn_app', 'app"s') });
      await app.connect();
      try {
        expect((await app.query('SELECT * FROM runs')).rows).toEqual([]);
        await expect(app.query('CREATE TABLE mine ()')).rejects.toThrow('permission denied');
      } finally {
        await app.end();
      }
    } finally {
      await server.stop();
      await rm(dir, { recursive: true, force: true });
    }
  });
});
