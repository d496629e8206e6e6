import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { parse } from 'yaml';
import { makePostgresImage, makeTemporalImage, makeTemporalUiImage } from '../support/compose-images.js';
import { noteDocker, startDocker, type DockerDaemon } from '../support/docker.js';
import { freePort } from '../support/free-port.js';
import { describeWith, noteProgram } from '../support/parts.js';
import { noteTemporalServer } from '../support/temporal-server.js';
import { until } from '../support/until.js';
import { buildXynImage } from '../support/xyn-image.js';

const run = promisify(execFile);
const root = fileURLToPath(new URL('../../', import.meta.url));
const BUILD_MS = 30 * 60_000;
/** `up` waits for one service after the other. */
const UP_MS = 4 * 60_000;
const HEALTHY_MS = 60_000;
const DRAIN_MS = 30_000;
const PASSWORDS = {
  POSTGRES_PASSWORD: 'super7f2c9a',
  XYN_DB_PASSWORD: 'app7f2c9a',
  XYN_DB_OWNER_PASSWORD: 'owner7f2c9a',
  TEMPORAL_DB_PASSWORD: 'temporal7f2c9a',
};
const OWN = ['xyn-api', 'xyn-worker'];

noteDocker();
await noteProgram('docker-compose', 'docker-compose');
await noteProgram('psql', 'postgresql-client');
await noteTemporalServer();

interface Service {
  image: string;
  ports?: string[];
}

/** What a process in a container of ours may do, as it sees it. */
const RIGHTS = `const { readFileSync, writeFileSync } = require('node:fs');
const refusal = (file) => { try { writeFileSync(file, ''); return 'written'; } catch (error) { return error.code; } };
const status = readFileSync('/proc/1/status', 'utf8');
console.log(JSON.stringify({
  user: /Uid:\\s+(\\d+)/.exec(status)[1], capabilities: /CapBnd:\\s+(\\S+)/.exec(status)[1],
  code: refusal('/opt/xyn/dist/x'), system: refusal('/etc/x'), state: refusal('/var/lib/xyn/x'), tmp: refusal('/tmp/x'),
}));`;

const BLUEPRINT = `id: bp.composed
name: Composed
trigger: {event_type: composed.begin}
plan:
  - {id: ok, kind: gate, mode: manual}
  - id: keep
    kind: action_task
    action: drafts.save
    with: {draft_type: blueprint, name: composed, trigger_event_type: composed.next, definition: 'id: bp.next'}
`;

describeWith('docker')('with Docker', () => {
  describeWith('docker-compose')('and Compose', () => {
    describeWith('go')('and Go', () => {
      describeWith('psql')('docker-compose.temporal.yml', () => {
        let daemon: DockerDaemon;
        let dir: string;
        let services: Record<string, Service>;

        beforeAll(async () => {
          dir = await mkdtemp(path.join(tmpdir(), 'xyn-compose-'));
          services = await copyOfComposeFile(dir);
          daemon = await startDocker();
          await makePostgresImage(daemon, imageOf('postgres'));
          await makeTemporalImage(daemon, imageOf('temporal'));
          await makeTemporalUiImage(daemon, imageOf('temporal-ui'));
          await buildXynImage(daemon, imageOf('xyn-api'));
        }, BUILD_MS);

        afterAll(async () => {
          await (daemon as DockerDaemon | undefined)?.stop();
          await rm(dir, { recursive: true, force: true });
        }, 120_000);

        const imageOf = (service: string): string => services[service]?.image ?? '';
        const urlOf = (service: string): string =>
          `http://${services[service]?.ports?.[0]?.split(':').slice(0, 2).join(':')}`;
        const containerOf = (service: string): string => `xyn_${service}_1`;

        async function compose(args: readonly string[], given: Partial<typeof PASSWORDS> = PASSWORDS): Promise<string> {
          const env = { PATH: process.env['PATH'], DOCKER_HOST: daemon.address, HOME: dir, ...given };
          const file = ['--file', path.join(dir, 'docker-compose.yml'), '--project-directory', root];
          const { stdout } = await run('docker-compose', [...file, '--project-name', 'xyn', ...args], {
            env,
            cwd: dir,
            timeout: UP_MS,
            maxBuffer: 64 * 1_048_576,
          });
          return stdout;
        }

        async function healthOf(service: string): Promise<string> {
          const format = '{{.State.Status}}{{if .State.Health}} {{.State.Health.Status}}{{end}}';
          return daemon.docker('inspect', '--format', format, containerOf(service));
        }

        async function ask<T>(target: string, body?: object | string): Promise<T> {
          const isText = typeof body === 'string';
          const answer = await fetch(`${urlOf('xyn-api')}/api/v1${target}`, {
            headers: { 'content-type': isText ? 'text/yaml' : 'application/json' },
            ...(body === undefined ? {} : { method: 'POST', body: isText ? body : JSON.stringify(body) }),
          });
          const text = await answer.text();
          if (!answer.ok) throw new Error(`${target} answered ${answer.status}: ${text}`);
          return JSON.parse(text) as T;
        }

        it.each(Object.keys(PASSWORDS))('does not start without %s', async (name) => {
          const others = Object.fromEntries(Object.entries(PASSWORDS).filter(([other]) => other !== name));
          await expect(compose(['up', '--detach', '--no-build'], others)).rejects.toThrow(`set ${name}`);
          expect(await daemon.docker('ps', '--all', '--quiet')).toBe('');
        });

        it(
          'comes up, every part healthy',
          async () => {
            await compose(['up', '--detach', '--no-build']).catch(async (error: unknown) => {
              const logs = await compose(['logs', '--tail=25']).catch(String);
              throw new Error(`${String(error)}\n${logs}`, { cause: error });
            });
            for (const service of ['postgres', 'temporal', ...OWN]) {
              const isHealthy = async (): Promise<boolean> => (await healthOf(service)) === 'running healthy';
              await until(`${service} is healthy`, isHealthy, HEALTHY_MS);
            }
            await until('the screens of Temporal answer', () =>
              fetch(`${urlOf('temporal-ui')}/api/v1/namespaces`).then(
                (answer) => answer.ok,
                () => false,
              ),
            );
          },
          UP_MS,
        );

        it.each(OWN)('gives %s no rights and nothing to change but its state', async (service) => {
          const said = await daemon.docker('exec', containerOf(service), 'node', '-e', RIGHTS);
          expect(JSON.parse(said)).toEqual({
            user: '10001',
            capabilities: '0'.repeat(16),
            ...{ code: 'EROFS', system: 'EROFS', state: 'written', tmp: 'written' },
          });
        });

        it('completes a run across a gate, with an effect', async () => {
          await ask('/blueprints', BLUEPRINT);
          const begin = { event_name: 'composed.begin', data: {} };
          const { verdicts } = await ask<{ verdicts: { run_id: string }[] }>('/events', begin);
          const runId = verdicts[0]?.run_id ?? '';
          const gate = await until('the gate is open', async () => {
            const { items } = await ask<{ items: { gate_id: string }[] }>(`/gates?run_id=${runId}`);
            return items[0]?.gate_id;
          });
          await ask(`/gates/${gate}/decide`, { decision: 'approve' });
          const ended = await until('the run has ended', async () => {
            const seen = await ask<{ status: string }>(`/runs/${runId}`);
            return ['completed', 'failed'].includes(seen.status) && seen;
          });
          expect(ended).toMatchObject({ status: 'completed' });
          expect(await ask('/drafts')).toMatchObject({ items: [{ name: 'composed' }] });
        }, 60_000);

        it('keeps its passwords out of every log', async () => {
          const logs = await compose(['logs', '--no-color']);
          expect(logs).toContain('polling');
          for (const password of Object.values(PASSWORDS)) expect(logs).not.toContain(password);
        });

        it('drains within 30 s, and goes away without a trace', async () => {
          const began = Date.now();
          await compose(['stop', ...OWN]);
          expect(Date.now() - began).toBeLessThan(DRAIN_MS);
          const codes = OWN.map((service) =>
            daemon.docker('inspect', '--format={{.State.ExitCode}}', containerOf(service)),
          );
          expect(await Promise.all(codes)).toEqual(['0', '0']);
          await compose(['down', '--volumes']);
          expect(await daemon.docker('ps', '--all', '--quiet')).toBe('');
          expect(await daemon.docker('volume', 'ls', '--quiet')).toBe('');
          expect(await daemon.docker('network', 'ls', '--quiet', '--filter=driver=bridge')).toBe('');
        }, 180_000);
      });
    });
  });
});

/** The file as it is, but for the published ports: those may be taken here. */
async function copyOfComposeFile(dir: string): Promise<Record<string, Service>> {
  const text = await readFile(path.join(root, 'docker-compose.temporal.yml'), 'utf8');
  const file = parse(text, { merge: true }) as { services: Record<string, Service> };
  for (const service of Object.values(file.services)) {
    const ports = service.ports?.map(async (port) => `127.0.0.1:${await freePort()}:${port.split(':')[2]}`);
    if (ports !== undefined) service.ports = await Promise.all(ports);
  }
  // As JSON, whose texts no reader takes for something else.
  await writeFile(path.join(dir, 'docker-compose.yml'), JSON.stringify(file));
  return file.services;
}
