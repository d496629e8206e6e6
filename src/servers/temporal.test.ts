import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Client, Connection } from '@temporalio/client';
import { defineSearchAttributeKey } from '@temporalio/common';
import { nextFreePort } from './free-port.js';
import { argumentsOf, endProcess, isAlive, processRef, type ProcessRef } from './process-ref.js';
import type { ServerLog } from './reporting.js';
import { findTemporalBinary, type TemporalBinary } from './temporal-binary.js';
import { searchAttributes } from './temporal-namespace.js';
import { startTemporal, type StartTemporalOptions, type TemporalServer } from './temporal.js';
import { waitUntil } from './wait-until.js';

const run = promisify(execFile);
const goModule = fileURLToPath(new URL('../../tools/temporal-cli', import.meta.url));
const binary: TemporalBinary = await findTemporalBinary({
  stateDir: fileURLToPath(new URL('../../.xyn', import.meta.url)),
  env: process.env,
  goModule,
  onlyInstalled: true,
});

let dir: string;
let warnings: string[];
let processes: ProcessRef[];
const log: ServerLog = { info: () => undefined, warn: (_, message) => void warnings.push(message) };

beforeEach(async () => {
  dir = await mkdtemp(path.join(os.tmpdir(), 'xyn-temporal-'));
  warnings = [];
  processes = [];
});
afterEach(async () => {
  // Nobody needs what they hold, and an orderly end takes a second each.
  await Promise.all(processes.map((process) => endProcess(process, 0)));
  await rm(dir, { recursive: true, force: true });
});

async function start(options: Partial<StartTemporalOptions> = {}): Promise<TemporalServer> {
  const server = await startTemporal({ dir, log, binary, ...options });
  const process = await processRef(server.pid);
  if (process !== undefined) processes.push(process);
  return server;
}

async function connected<T>(server: TemporalServer, work: (client: Client) => Promise<T>): Promise<T> {
  const connection = await Connection.connect({ address: server.address });
  try {
    return await work(new Client({ connection }));
  } finally {
    await connection.close();
  }
}

const key = defineSearchAttributeKey('XynBlueprint', 'KEYWORD');
const startRun = (server: TemporalServer, workflowId: string): Promise<unknown> =>
  connected(server, (client) =>
    client.workflow.start('runBlueprint', {
      workflowId,
      taskQueue: 'none',
      typedSearchAttributes: [{ key, value: 'alert' }],
    }),
  );

async function kill(pid: number): Promise<void> {
  const ref = await processRef(pid);
  process.kill(pid, 'SIGKILL');
  await waitUntil(async () => ref === undefined || !(await isAlive(ref)), { timeoutMs: 30_000 });
}

describe('the embedded Temporal server', () => {
  it('listens on loopback, with its web interface, long retention and the search attributes', async () => {
    const server = await start();
    expect(server.reused).toBe(false);
    expect(server.address).toMatch(/^127\.0\.0\.1:\d+$/);
    expect((await fetch(server.uiUrl)).status).toBe(200);
    await connected(server, async ({ connection }) => {
      const { config } = await connection.workflowService.describeNamespace({ namespace: 'default' });
      expect(Number(config?.workflowExecutionRetentionTtl?.seconds)).toBe(720 * 3_600);
      const { customAttributes } = await (connection as Connection).operatorService.listSearchAttributes({
        namespace: 'default',
      });
      expect(customAttributes).toMatchObject(Object.fromEntries(searchAttributes.map((name) => [name, 2])));
    });
    const words = await argumentsOf(server.pid);
    for (const wanted of ['system.enableActivityEagerExecution=true', 'history.transferProcessorMaxPollRPS=1000']) {
      expect(words).toContain(wanted);
    }
    expect(words).toContain('history.timerProcessorMaxPollRPS=1000');
    // In a process group of its own, so that Ctrl-C in the terminal does not reach it.
    expect(Number((await run('ps', ['-o', 'pgid=', '-p', String(server.pid)])).stdout)).toBe(server.pid);
    expect(warnings).toEqual([]);
  });

  it('is taken over while it runs, and starts again with its data after a stop', async () => {
    const first = await start();
    await startRun(first, 'run/1');
    const second = await start();
    expect(second).toMatchObject({ reused: true, pid: first.pid, address: first.address, uiUrl: first.uiUrl });
    await first.stop();
    await second.stop();
    expect(await processRef(first.pid)).toBeUndefined();
    const third = await start();
    expect(third).toMatchObject({ reused: false, address: first.address, uiUrl: first.uiUrl });
    const description = await connected(third, (client) => client.workflow.getHandle('run/1').describe());
    expect(description.typedSearchAttributes.get(key)).toBe('alert');
  });

  it('keeps every acknowledged run when it is killed', async () => {
    const first = await start();
    for (let index = 0; index < 20; index += 1) await startRun(first, `run/${index}`);
    await kill(first.pid);
    const second = await start();
    expect(second.reused).toBe(false);
    await connected(second, async (client) => {
      for (let index = 0; index < 20; index += 1) {
        expect((await client.workflow.getHandle(`run/${index}`).describe()).status.name).toBe('RUNNING');
      }
    });
  });

  it('registers attributes and retention in a file that was made without them', async () => {
    await mkdir(path.join(dir, 'x'));
    const file = path.join(dir, `temporal-${binary.serverVersion}.db`);
    const port = await nextFreePort(22_000);
    const args = [
      'server',
      'start-dev',
      '--headless',
      '--db-filename',
      file,
      '--ip',
      '127.0.0.1',
      '--port',
      String(port),
    ];
    const plain = spawn(binary.path, args, { stdio: 'ignore' });
    const listening = await waitUntil(
      async () => {
        const connection = await Connection.connect({ address: `127.0.0.1:${port}`, connectTimeout: 500 }).catch(
          () => undefined,
        );
        await connection?.close();
        return connection !== undefined;
      },
      { timeoutMs: 60_000 },
    );
    expect(listening).toBe(true);
    // Nobody wrote down that it runs, and it is not ours to keep: it is ended, since it uses our file.
    const server = await start();
    expect(warnings).toEqual(['ended a Temporal server of an earlier start']);
    expect(
      plain.exitCode !== null || plain.signalCode !== null || (await processRef(plain.pid ?? 0)) === undefined,
    ).toBe(true);
    await connected(server, async ({ connection }) => {
      const { config } = await connection.workflowService.describeNamespace({ namespace: 'default' });
      expect(Number(config?.workflowExecutionRetentionTtl?.seconds)).toBe(720 * 3_600);
    });
    const usable = await waitUntil(
      () =>
        startRun(server, 'run/1').then(
          () => true,
          () => undefined,
        ),
      { timeoutMs: 60_000 },
    );
    expect(usable).toBe(true);
  });

  it('neither uses nor ends what only bears the number or the port it wrote down', async () => {
    const bystander = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' });
    await once(bystander, 'spawn');
    const foreign = await start({ dir: path.join(dir, 'foreign') });
    const first = await start();
    await first.stop();
    const file = path.join(dir, 'temporal.json');
    const state = JSON.parse(await readFile(file, 'utf8')) as Record<string, unknown>;
    const port = Number(foreign.address.split(':')[1]);
    await writeFile(file, JSON.stringify({ ...state, port, process: await processRef(bystander.pid ?? 0) }));
    const second = await start();
    expect(second.reused).toBe(false);
    expect(second.address).not.toBe(foreign.address);
    expect(await processRef(foreign.pid)).toBeDefined();
    expect(await processRef(bystander.pid ?? 0)).toBeDefined();
    const exited = once(bystander, 'exit');
    bystander.kill('SIGKILL');
    await exited;
  });

  it('starts once for two who ask at the same time', async () => {
    const both = await Promise.all([start(), start()]);
    expect(new Set(both.map((server) => server.pid)).size).toBe(1);
    expect(both.map((server) => server.reused).sort()).toEqual([false, true]);
  });

  it('refuses ports that were asked for and are taken, and otherwise takes the next', async () => {
    const taken = await nextFreePort(23_000);
    const blocker = createServer().listen(taken, '127.0.0.1');
    await once(blocker, 'listening');
    await expect(start({ port: taken })).rejects.toMatchObject({ code: 'port_taken', details: { port: taken } });
    await expect(start({ uiPort: taken })).rejects.toMatchObject({ code: 'port_taken', details: { port: taken } });
    const port = await nextFreePort(taken);
    expect(await start({ port })).toMatchObject({ address: `127.0.0.1:${port}` });
    blocker.close();
  });

  it('says why a program does not start', async () => {
    const file = path.join(dir, 'temporal');
    await writeFile(file, '#!/bin/sh\necho this one is broken >&2\nexit 1\n', { mode: 0o755 });
    const broken: TemporalBinary = { path: file, serverVersion: '1.0.0', source: 'path' };
    const fault = (await start({ binary: broken }).catch((error: unknown) => error)) as Error;
    expect(fault).toMatchObject({ code: 'server_start_failed' });
    expect(fault.message).toContain('this one is broken');
    const absent: TemporalBinary = { ...broken, path: `${file}-absent` };
    await expect(start({ binary: absent })).rejects.toMatchObject({ code: 'server_start_failed' });
  });

  it('says so when its folder cannot be written', async () => {
    await writeFile(path.join(dir, 'file'), '');
    await expect(start({ dir: path.join(dir, 'file', 'x') })).rejects.toMatchObject({ code: 'data_dir_unusable' });
  });
});
