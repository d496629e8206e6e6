import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { nextFreePort } from './free-port.js';
import { completeLibraries } from './postgres-binaries.js';
import { startPostgres, type PostgresServer, type StartPostgresOptions } from './postgres.js';
import { argumentsOf, processRef } from './process-ref.js';
import type { ServerLog } from './reporting.js';

const run = promisify(execFile);
const asRoot = process.getuid?.() === 0;

let root: string;
let dir: string;
let logged: string;
let servers: PostgresServer[];

const log: ServerLog = {
  info: (fields, message) => void (logged += `${message} ${JSON.stringify(fields)}\n`),
  warn: (fields, message) => void (logged += `${message} ${JSON.stringify(fields)}\n`),
};

beforeEach(async () => {
  root = await mkdtemp(path.join(os.tmpdir(), 'xyn-pg-'));
  await chmod(root, 0o755);
  dir = path.join(root, 'state', 'postgres');
  logged = '';
  servers = [];
});
afterEach(async () => {
  for (const server of servers) await server.stop();
  await rm(root, { recursive: true, force: true });
});

async function start(options: Partial<StartPostgresOptions> = {}): Promise<PostgresServer> {
  const server = await startPostgres({ dir, log, ...options });
  servers.push(server);
  return server;
}

async function query(url: string, sql: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => undefined);
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(sql)).rows;
  } finally {
    await client.end();
  }
}

const postmasterPid = async (): Promise<number> =>
  Number((await readFile(path.join(dir, 'data/postmaster.pid'), 'utf8')).split('\n')[0]);

/** A start by the built package in a process of its own; resolves with what it prints. */
function startElsewhere(): {
  said: Promise<{ port: number; reused: boolean }>;
  kill: () => Promise<void>;
} {
  const module = new URL('../../dist/src/servers/postgres.js', import.meta.url).href;
  const script = `
    import { startPostgres } from '${module}';
    const log = { info() {}, warn() {} };
    const { port, reused } = await startPostgres({ dir: process.argv[1], log });
    console.log(JSON.stringify({ port, reused }));
    setInterval(() => {}, 1000);`;
  const args = ['--input-type=module', '-e', script, dir];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const exited = once(child, 'exit');
  const said = Promise.race([
    once(child.stdout, 'data').then(([text]) => JSON.parse(String(text)) as { port: number; reused: boolean }),
    exited.then(() => {
      throw new Error('the starter ended without starting');
    }),
  ]);
  const kill = async (): Promise<void> => {
    child.kill('SIGKILL');
    await exited;
  };
  return { said, kill };
}

describe('the embedded Postgres', () => {
  it('is private, durable and reachable by the two roles only', async () => {
    const messages: string[] = [];
    const server = await start({ onProgress: ({ message }) => void messages.push(message) });
    expect(messages).toEqual(expect.arrayContaining(['creating the database', 'starting Postgres']));
    const names = ['listen_addresses', 'unix_socket_directories', 'data_checksums', 'fsync', 'synchronous_commit'];
    const settings = names.concat('max_connections', 'server_encoding', 'lc_collate', 'TimeZone');
    const rows = await query(
      server.ownerUrl,
      `SELECT name, setting FROM pg_settings WHERE name IN (${settings.map((name) => `'${name}'`).join()})`,
    );
    expect(Object.fromEntries(rows.map((row) => [row['name'], row['setting']]))).toEqual({
      listen_addresses: '127.0.0.1',
      unix_socket_directories: '',
      data_checksums: 'on',
      fsync: 'on',
      synchronous_commit: 'on',
      max_connections: '200',
      server_encoding: 'UTF8',
      lc_collate: 'C',
      TimeZone: 'UTC',
    });
    const roles =
      'SELECT rolsuper, rolcreatedb, rolcreaterole, rolbypassrls FROM pg_roles WHERE rolname = current_user';
    expect(await query(server.appUrl, roles)).toEqual([
      { rolsuper: false, rolcreatedb: false, rolcreaterole: false, rolbypassrls: false },
    ]);
    await expect(query(server.appUrl, 'CREATE TABLE t (a int)')).rejects.toThrow('permission denied');
    const wrong = server.appUrl.replace(/:[^:@]+@/, ':wrong-password@');
    await expect(query(wrong, 'SELECT 1')).rejects.toThrow('password authentication failed');
    const owner = 'SELECT pg_get_userbyid(datdba) AS owner FROM pg_database WHERE datname = current_database()';
    expect(await query(server.ownerUrl, owner)).toEqual([{ owner: 'xyn_owner' }]);
    // In a process group of its own, so that Ctrl-C in the terminal does not reach it.
    const pid = await postmasterPid();
    expect(Number((await run('ps', ['-o', 'pgid=', '-p', String(pid)])).stdout)).toBe(pid);
  });

  it('keeps its passwords out of logs and arguments, and readable by nobody else', async () => {
    const server = await start();
    const file = path.join(dir, 'credentials.json');
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    const { owner_password, app_password } = JSON.parse(await readFile(file, 'utf8')) as Record<string, string>;
    const seen = [logged, await readFile(path.join(dir, 'postgres.log'), 'utf8')];
    seen.push((await argumentsOf(await postmasterPid())).join(' '));
    for (const text of seen) {
      expect(text).not.toContain(owner_password);
      expect(text).not.toContain(app_password);
    }
    expect(server.appUrl).toContain(app_password);
    await expect(stat(path.join(dir, '.initdb-password'))).rejects.toThrow('ENOENT');
  });

  it('never runs as root: root gives way to another account', async () => {
    await start();
    const { stdout } = await run('ps', ['-o', 'uid=', '-p', String(await postmasterPid())]);
    expect(Number(stdout)).toBeGreaterThan(0);
    if (!asRoot) expect(Number(stdout)).toBe(process.getuid?.());
    expect((await stat(path.join(dir, 'credentials.json'))).uid).toBe(process.getuid?.());
  });

  it('says what to do when the account that root gives way to cannot reach the folder', async () => {
    // Anybody else reaches what he may write.
    if (!asRoot) return;
    await chmod(root, 0o700);
    const fault = expect.objectContaining({
      code: 'data_dir_unusable',
      message: expect.stringContaining(`chmod o+x ${root}`),
    });
    await expect(start()).rejects.toEqual(fault);
    await chmod(root, 0o755);
    await start();
    await chmod(root, 0o700);
    expect((await startPostgres({ dir, log }).catch((error: unknown) => error)) as Error).toEqual(fault);
    await chmod(root, 0o755);
  });

  it('keeps data and port over a stop and a start', async () => {
    const first = await start();
    await query(first.ownerUrl, 'CREATE TABLE kept AS SELECT 1 AS a');
    await first.stop();
    await first.stop();
    await expect(query(first.ownerUrl, 'SELECT 1')).rejects.toThrow();
    const second = await start();
    expect(second).toMatchObject({ port: first.port, reused: false });
    expect(await query(second.ownerUrl, 'SELECT a FROM kept')).toEqual([{ a: 1 }]);
  });

  it('is found again after its starter was killed', async () => {
    const elsewhere = startElsewhere();
    const said = await elsewhere.said;
    expect(said.reused).toBe(false);
    const pid = await postmasterPid();
    await elsewhere.kill();
    const server = await start();
    expect(server).toMatchObject({ port: said.port, reused: true });
    expect(await postmasterPid()).toBe(pid);
  });

  it('starts once when several processes start it at the same time', async () => {
    const elsewhere = [startElsewhere(), startElsewhere()];
    const [here, ...there] = await Promise.all([start(), ...elsewhere.map((each) => each.said)]);
    expect(new Set([here.port, ...there.map((each) => each.port)])).toEqual(new Set([here.port]));
    expect([here.reused, ...there.map((each) => each.reused)].sort()).toEqual([false, true, true]);
    await Promise.all(elsewhere.map((each) => each.kill()));
  });

  it('recovers every committed row when it is killed, also while clients are connected', async () => {
    const first = await start();
    await query(first.ownerUrl, 'CREATE TABLE kept (a int)');
    const client = new pg.Client({ connectionString: first.ownerUrl });
    client.on('error', () => undefined);
    await client.connect();
    await client.query('INSERT INTO kept SELECT generate_series(1, 1000)');
    process.kill(await postmasterPid(), 'SIGKILL');
    const second = await start();
    expect(second).toMatchObject({ port: first.port, reused: false });
    expect(await query(second.ownerUrl, 'SELECT count(*)::int AS n FROM kept')).toEqual([{ n: 1000 }]);
    await client.end().catch(() => undefined);
  });

  it('does not believe a lock whose number another program bears now', async () => {
    const first = await start();
    await first.stop();
    await writeFile(path.join(dir, 'data/postmaster.pid'), `${process.pid}\n${dir}/data\n1\n${first.port}\n\n\n0 0\n`);
    expect((await processRef(process.pid))?.pid).toBe(process.pid);
    expect(await start()).toMatchObject({ reused: false });
  });

  it('goes on after an interrupted creation', async () => {
    await mkdir(path.join(dir, 'data.new/base'), { recursive: true });
    await writeFile(path.join(dir, 'data.new/PG_VERSION'), '15\n');
    expect(await start()).toMatchObject({ reused: false });
  });

  it('refuses a port that was asked for and is taken, and otherwise takes the next', async () => {
    const blocker = createServer().listen(await nextFreePort(21_000), '127.0.0.1');
    await once(blocker, 'listening');
    const { port } = blocker.address() as AddressInfo;
    await expect(start({ port })).rejects.toMatchObject({ code: 'port_taken', details: { port } });
    const asked = await nextFreePort(port);
    const server = await start({ port: asked });
    expect(server.port).toBe(asked);
    await server.stop();
    const second = createServer().listen(asked, '127.0.0.1');
    await once(second, 'listening');
    const moved = await start();
    expect(moved.port).not.toBe(asked);
    expect(await query(moved.appUrl, 'SELECT 1 AS a')).toEqual([{ a: 1 }]);
    blocker.close();
    second.close();
  });

  it('says so when its folder cannot be written', async () => {
    await writeFile(path.join(root, 'state'), 'a file, not a folder');
    await expect(start()).rejects.toMatchObject({ code: 'data_dir_unusable' });
  });

  it('says so when the folder is read-only', async () => {
    await mkdir(dir, { recursive: true });
    if (asRoot) {
      const mounted = await run('mount', ['-t', 'tmpfs', '-o', 'ro', 'none', dir]).then(
        () => true,
        () => false,
      );
      // A container without that right cannot show a read-only folder to root.
      if (!mounted) return;
    } else {
      await chmod(path.dirname(dir), 0o555);
      await chmod(dir, 0o555);
    }
    try {
      const fault = (await start().catch((error: unknown) => error)) as Error;
      expect(fault).toMatchObject({ code: 'data_dir_unusable' });
      expect(fault.message).toContain(dir);
    } finally {
      if (asRoot) await run('umount', [dir]);
      else await chmod(path.dirname(dir), 0o755);
    }
  });

  it('says so when the passwords or the format of a database are lost', async () => {
    const server = await start();
    await server.stop();
    const file = path.join(dir, 'credentials.json');
    await rename(file, `${file}.away`);
    await expect(start()).rejects.toMatchObject({ code: 'data_dir_unusable', details: { file } });
    await rename(`${file}.away`, file);
    await writeFile(path.join(dir, 'data/PG_VERSION'), '14\n');
    await expect(start()).rejects.toMatchObject({ details: { found: '14', expected: '15' } });
  });
});

describe('the folder of the programs', () => {
  it('is completed once, and a missing link that cannot be made is named', async () => {
    await mkdir(path.join(root, 'native/lib'), { recursive: true });
    const list = path.join(root, 'native/pg-symlinks.json');
    const link = { source: 'native/lib/libx.so.1.2', target: 'native/lib/libx.so.1' };
    await writeFile(path.join(root, link.source), 'library');
    await writeFile(list, JSON.stringify([link]));
    await Promise.all([completeLibraries(root), completeLibraries(root)]);
    expect(await readFile(path.join(root, link.target), 'utf8')).toBe('library');
    await writeFile(
      list,
      JSON.stringify([link, { source: 'native/lib/libx.so.1.2', target: 'native/absent/libx.so' }]),
    );
    await expect(completeLibraries(root)).rejects.toMatchObject({ code: 'server_missing' });
  });
});
