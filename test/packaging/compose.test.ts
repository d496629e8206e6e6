import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { parse } from 'yaml';
import { makeBaseImage } from '../support/base-image.js';
import { makePostgresImage, makeTemporalImage, makeTemporalUiImage } from '../support/compose-images.js';
import { noteDocker, startDocker, type DockerDaemon } from '../support/docker.js';
import { freePort } from '../support/free-port.js';
import { describeWith, noteProgram } from '../support/parts.js';
import { noteTemporalServer } from '../support/temporal-server.js';
import { until } from '../support/until.js';

const run = promisify(execFile);
const root = fileURLToPath(new URL('../../', import.meta.url));
const BUILD_MS = 30 * 60_000;
const HEALTHY_MS = 4 * 60_000;
/** `up` waits for one service after the other. */
const UP_MS = 10 * 60_000;

noteDocker();
await noteProgram('docker-compose', 'docker-compose');
await noteProgram('psql', 'postgresql-client');
await noteTemporalServer();

interface ComposeFile {
  services: Record<string, { image: string; ports?: string[] }>;
}

describeWith('docker')('with Docker', () => {
  describeWith('docker-compose')('and Compose', () => {
    describeWith('go')('and Go', () => {
      describeWith('psql')('docker-compose.temporal.yml', () => {
        let daemon: DockerDaemon;
        let dir: string;
        let file: string;
        let services: ComposeFile['services'];

        beforeAll(async () => {
          dir = await mkdtemp(path.join(tmpdir(), 'xyn-compose-'));
          // The file as it is, but for the ports: those may be taken here.
          const text = await readFile(path.join(root, 'docker-compose.temporal.yml'), 'utf8');
          const compose = parse(text, { merge: true }) as ComposeFile;
          for (const service of Object.values(compose.services)) {
            const ports = (service.ports ?? []).map(
              async (port) => `127.0.0.1:${await freePort()}:${port.split(':')[2]}`,
            );
            if (service.ports !== undefined) service.ports = await Promise.all(ports);
          }
          services = compose.services;
          file = path.join(dir, 'docker-compose.yml');
          // As JSON, whose texts no reader takes for something else.
          await writeFile(file, JSON.stringify(compose));
          daemon = await startDocker();
          await makePostgresImage(daemon, imageOf('postgres'));
          await makeTemporalImage(daemon, imageOf('temporal'));
          await makeTemporalUiImage(daemon, imageOf('temporal-ui'));
          const bridge = createRequire(import.meta.url).resolve('@temporalio/core-bridge/package.json');
          const arch = process.arch === 'arm64' ? 'aarch64' : 'x86_64';
          const native = path.join(path.dirname(bridge), `releases/${arch}-unknown-linux-gnu/index.node`);
          await makeBaseImage(daemon, 'node:20-bookworm-slim', [native]);
          const registry = (await run('npm', ['config', 'get', 'registry'], { cwd: root })).stdout.trim();
          const args = ['--build-arg', `NPM_CONFIG_REGISTRY=${registry}`];
          await daemon.docker('build', '--network=host', '--tag', imageOf('xyn-api'), ...args, root);
        }, BUILD_MS);

        afterAll(async () => {
          await compose('down', '--volumes', '--timeout', '10').catch(() => undefined);
          await (daemon as DockerDaemon | undefined)?.stop();
          await rm(dir, { recursive: true, force: true });
        }, 120_000);

        const imageOf = (service: string): string => services[service]?.image ?? '';
        const urlOf = (service: string): string =>
          `http://${services[service]?.ports?.[0]?.split(':').slice(0, 2).join(':')}`;

        async function compose(...args: string[]): Promise<string> {
          const env = {
            PATH: process.env['PATH'],
            DOCKER_HOST: daemon.address,
            POSTGRES_PASSWORD: 'super1',
            XYN_DB_PASSWORD: 'app1',
            XYN_DB_OWNER_PASSWORD: 'owner1',
            TEMPORAL_DB_PASSWORD: 'temporal1',
          };
          const common = ['--file', file, '--project-directory', root, '--project-name', 'xyn'];
          const { stdout } = await run('docker-compose', [...common, ...args], { env, timeout: UP_MS });
          return stdout;
        }

        const healthOf = (service: string): Promise<string> =>
          daemon.docker(
            'inspect',
            '--format',
            '{{if .State.Health}}{{.State.Health.Status}}{{else}}{{.State.Status}}{{end}}',
            `xyn_${service}_1`,
          );

        async function ask(target: string, body?: object | string): Promise<ReturnType<typeof JSON.parse>> {
          const isText = typeof body === 'string';
          const answer = await fetch(`${urlOf('xyn-api')}/api/v1${target}`, {
            headers: { 'content-type': isText ? 'text/yaml' : 'application/json' },
            ...(body === undefined ? {} : { method: 'POST', body: isText ? body : JSON.stringify(body) }),
          });
          const text = await answer.text();
          if (!answer.ok) throw new Error(`${target} answered ${answer.status}: ${text}`);
          return JSON.parse(text);
        }

        it(
          'comes up healthy, completes a run across a gate, and goes down with its data kept',
          async () => {
            await compose('up', '--detach', '--no-build');
            for (const service of ['postgres', 'temporal', 'xyn-api', 'xyn-worker']) {
              await until(`${service} is healthy`, async () => (await healthOf(service)) === 'healthy', HEALTHY_MS);
            }
            expect(await healthOf('temporal-ui')).toBe('running');
            await until('the screens of Temporal answer', () =>
              fetch(`${urlOf('temporal-ui')}/api/v1/namespaces`).then(
                (answer) => answer.ok,
                () => false,
              ),
            );
            const document = `id: bp.composed\nname: Composed\ntrigger: {event_type: composed.begin}\nplan:\n  - {id: ok, kind: gate, mode: manual}\n`;
            await ask('/blueprints', document);
            const { verdicts } = await ask('/events', { event_name: 'composed.begin', data: {} });
            const runId = String(verdicts[0].run_id);
            const gate = await until('the gate is open, or the run ended', async () => {
              const { items } = await ask(`/gates?run_id=${runId}`);
              const { status, error } = await ask(`/runs/${runId}`);
              if (status === 'failed') throw new Error(JSON.stringify(error));
              return items[0]?.gate_id as string | undefined;
            });
            await ask(`/gates/${gate}/decide`, { decision: 'approve' });
            const ended = async (): Promise<boolean> => (await ask(`/runs/${runId}`)).status === 'completed';
            await until('the run has completed', ended);
            await compose('down', '--timeout', '40');
            expect(await daemon.docker('ps', '--all', '--quiet')).toBe('');
            await compose('up', '--detach', '--no-build');
            await until('it is there again', async () => (await healthOf('xyn-api')) === 'healthy', HEALTHY_MS);
            expect(await ended()).toBe(true);
          },
          15 * 60_000,
        );
      });
    });
  });
});
