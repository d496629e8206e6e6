import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { chmod, lstat, mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { until } from '../support/until.js';

const run = promisify(execFile);
const root = fileURLToPath(new URL('../../', import.meta.url));
const MAX_INSTALL_MIB = 600;
const MAX_TARBALL_MIB = 3;
const MIB = 1_048_576;
const COMMAND_MS = 240_000;
const UP_MS = 120_000;
const STOP_MS = 40_000;

let dir: string;
let app: string;
let tarball: string;
let files: string[];

/** Bytes that a folder takes on the disk, as `du` counts them. */
async function sizeOf(folder: string): Promise<number> {
  const entries = await readdir(folder, { withFileTypes: true });
  const sizes = await Promise.all(
    entries.map(async (entry) => {
      const place = path.join(folder, entry.name);
      return entry.isDirectory() ? sizeOf(place) : (await lstat(place)).blocks * 512;
    }),
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}

const DOCUMENT = `
id: bp.packed
name: Packed
trigger: {event_type: packed.go}
inputs: [{name: url}]
plan:
  - kind: action_task
    id: look
    action: http.call
    with: {url: '{{inputs.url}}'}
`;

describe('the package', () => {
  beforeAll(async () => {
    dir = await mkdtemp(path.join(tmpdir(), 'xyn-package-'));
    // The database server may run under another account: it has to pass through.
    await chmod(dir, 0o711);
    app = path.join(dir, 'app');
    await mkdir(app, { mode: 0o755 });
    const options = { cwd: root, timeout: COMMAND_MS, maxBuffer: 16 * MIB };
    const { stdout } = await run('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', dir], options);
    const [packed] = JSON.parse(stdout) as [{ filename: string; files: { path: string }[] }];
    tarball = path.join(dir, packed.filename);
    files = packed.files.map((file) => file.path);
    await writeFile(path.join(app, 'package.json'), '{"private": true}');
    const flags = ['--prefer-offline', '--ignore-scripts', '--no-audit', '--no-fund'];
    await run('npm', ['install', ...flags, tarball], { ...options, cwd: app });
  }, 2 * COMMAND_MS);

  afterAll(() => rm(dir, { recursive: true, force: true }));

  it('holds what runs and nothing else', async () => {
    const needed = [
      ...['bin/xynctl.js', 'bin/xyn-api.js', 'bin/xyn-worker.js', 'dist/workflow-bundle.js', 'dist/src/main/api.js'],
      ...[
        'README.md',
        'LICENSE',
        'blueprints/demo-alert-remediation.yaml',
        'schemas/blueprint.schema.json',
        'tools/temporal-cli/go.sum',
      ],
    ];
    expect(files).toEqual(expect.arrayContaining(needed));
    expect(files.filter((file) => /^prisma\/migrations\/.*\.sql$/.test(file)).length).toBeGreaterThan(0);
    expect(files.filter((file) => /\.(ts|map|test\.js)$|^(test|dist\/test|src)\/|\/\./.test(file))).toEqual([]);
    expect((await lstat(tarball)).size).toBeLessThan(MAX_TARBALL_MIB * MIB);
  });

  it(`takes at most ${MAX_INSTALL_MIB} MiB with all that it needs`, async () => {
    const modules = path.join(app, 'node_modules');
    const mib = (await sizeOf(modules)) / MIB;
    process.stdout.write(`${JSON.stringify({ install_mib: Math.round(mib) })}\n`);
    expect(mib).toBeLessThan(MAX_INSTALL_MIB);
    expect(await readdir(modules)).not.toEqual(expect.arrayContaining(['typescript', 'jest', 'prisma', 'eslint']));
  });

  it('runs from an empty folder: servers, migrations, screens, an event', async () => {
    const env: NodeJS.ProcessEnv = { ...process.env, XYN_STATE_DIR: path.join(app, '.xyn'), XYN_PORT: '0' };
    for (const name of ['DATABASE_URL', 'TEMPORAL_ADDRESS', 'NODE_OPTIONS', 'XYN_URL']) delete env[name];
    const npx = async (...args: string[]): Promise<string> =>
      (await run('npx', ['--no-install', 'xynctl', ...args], { cwd: app, env, timeout: COMMAND_MS })).stdout;
    const { version } = JSON.parse(await readFile(path.join(root, 'package.json'), 'utf8')) as { version: string };
    expect((await npx('--version')).trim()).toBe(version);

    const up = spawn(path.join(app, 'node_modules/.bin/xynctl'), ['up'], {
      cwd: app,
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const exited = once(up, 'exit');
    let said = '';
    for (const stream of [up.stdout, up.stderr]) stream.on('data', (chunk: Buffer) => (said += chunk.toString()));
    try {
      const state = path.join(app, '.xyn/run/up.json');
      const ready = (): boolean => {
        if (up.exitCode !== null) throw new Error(`xynctl up ended with ${up.exitCode}`);
        return existsSync(state);
      };
      await until('everything is up', ready, UP_MS);
      const { api } = JSON.parse(await readFile(state, 'utf8')) as { api: { url: string } };
      const status = await until('a worker polls', () => npx('status', '--json').catch(() => undefined), UP_MS);
      expect(JSON.parse(status)).toMatchObject({ api: { ok: true, url: api.url }, worker: { ok: true }, version });
      const page = await fetch(api.url, { headers: { accept: 'text/html' } });
      expect([page.status, page.headers.get('content-type')]).toEqual([200, expect.stringContaining('text/html')]);

      await writeFile(path.join(app, 'packed.yaml'), DOCUMENT);
      await npx('blueprints', 'apply', 'packed.yaml');
      const data = JSON.stringify({ url: `${api.url}/api/v1/health` });
      await npx('events', 'emit', 'packed.go', '--data', data);
      const runs = await until(
        'the run has completed',
        async () => {
          const { items } = JSON.parse(await npx('runs', 'list', '--json')) as { items: { status: string }[] };
          return items[0]?.status === 'completed' && items;
        },
        60_000,
      );
      expect(runs).toHaveLength(1);
      up.kill('SIGINT');
      expect(await exited).toEqual([0, null]);
    } catch (error) {
      throw new Error(`${String(error)}\n${said}`, { cause: error });
    } finally {
      up.kill('SIGTERM');
      const late = setTimeout(() => up.kill('SIGKILL'), STOP_MS);
      if (up.exitCode === null && up.signalCode === null) await exited;
      clearTimeout(late);
    }
  });
});
