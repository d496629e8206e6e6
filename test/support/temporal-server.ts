import { execFile, spawn } from 'node:child_process';
import { randomInt, randomUUID } from 'node:crypto';
import { mkdir, mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { Connection } from '@temporalio/client';
import { msToTs } from '@temporalio/common/lib/time.js';
import { nextFreePort } from '../../src/servers/free-port.js';
import { settleNamespace, takesWork } from '../../src/servers/temporal-namespace.js';
import { builtServer, hasGo } from './go-servers.js';
import { noteMissing } from './parts.js';
import { until } from './until.js';

const run = promisify(execFile);
const READY_MS = 60_000;
const STOP_MS = 10_000;
const DAY_MS = 86_400_000;
/** Whether a Temporal server can be built here; says aloud when not, so that `describeWith` skips and counts. */
export async function noteTemporalServer(): Promise<void> {
  if (await hasGo()) return;
  noteMissing('go', 'there is no Go to build a Temporal server with');
}

/** Folder with `server`, `sql` and `schema`; built once per version and kept in the cache folder of this user. */
export function builtTemporalServer(): Promise<string> {
  return builtServer({
    module: 'temporal-server',
    notice: 'building a Temporal server with Go, about 4 minutes',
    files: { package: 'go.temporal.io/server', folder: 'schema/postgresql/v12', name: 'schema' },
  });
}

/** A Temporal server of the kind that clusters are made of, with its data in Postgres. */
export interface PostgresTemporal {
  address: string;
  stop(): Promise<void>;
}

/**
 * Builds the server if need be, makes its two databases, and starts it with the namespace and the search attributes of Xyn.
 * @param adminUrl of a Postgres superuser.
 */
export async function startPostgresTemporal(adminUrl: string): Promise<PostgresTemporal> {
  const folder = await builtTemporalServer();
  const dir = await mkdtemp(path.join(tmpdir(), 'xyn-temporal-'));
  const postgres = new URL(adminUrl);
  const suffix = randomUUID().slice(0, 8);
  const databases = { temporal: `temporal_${suffix}`, visibility: `temporal_visibility_${suffix}` };
  for (const [schema, name] of Object.entries(databases)) await makeDatabase(folder, postgres, schema, name);
  const ports = await lowPorts(9);
  const address = `127.0.0.1:${ports[0]}`;
  await mkdir(path.join(dir, 'config'));
  await writeFile(path.join(dir, 'config/development.yaml'), JSON.stringify(configOf(postgres, databases, ports, dir)));
  await writeFile(path.join(dir, 'dynamic.yaml'), DYNAMIC);
  const log = await open(path.join(dir, 'log'), 'a');
  const args = ['--root', dir, '--config', 'config', '--env', 'development', '--allow-no-auth', 'start'];
  const server = spawn(path.join(folder, 'server'), args, { stdio: ['ignore', log.fd, log.fd] });
  await log.close();
  const stop = async (): Promise<void> => {
    const gone = new Promise((resolve) => server.once('exit', resolve));
    const late = setTimeout(() => server.kill('SIGKILL'), STOP_MS);
    if (server.exitCode === null && server.signalCode === null && server.kill()) await gone;
    clearTimeout(late);
    await rm(dir, { recursive: true, force: true });
  };
  try {
    await until(
      'the namespace is made',
      () => {
        if (server.exitCode !== null) throw new Error(`it ended with ${server.exitCode}`);
        return registerNamespace(address);
      },
      READY_MS,
    );
    await until('the server takes work', () => takesWork(address), READY_MS);
    if (!(await settleNamespace(address))) throw new Error('it did not take the search attributes');
  } catch (error) {
    const said = await readFile(path.join(dir, 'log'), 'utf8').catch(() => '');
    await stop();
    throw new Error(`no Temporal server on Postgres: ${String(error)}\n${said.slice(-1_500)}`, { cause: error });
  }
  return { address, stop };
}

/** The server keeps its ports in a `smallint` of Postgres, which pgx checks: none above 32767. */
async function lowPorts(count: number): Promise<number[]> {
  const ports: number[] = [];
  for (let first = randomInt(20_000, 31_000); ports.length < count;) ports.push(await nextFreePort(first, ports));
  return ports;
}

/** What design §3 asks of a cluster. */
const DYNAMIC = `
system.enableActivityEagerExecution: [{value: true}]
history.transferProcessorMaxPollRPS: [{value: 1000}]
history.timerProcessorMaxPollRPS: [{value: 1000}]
matching.numTaskqueueReadPartitions: [{value: 1}]
matching.numTaskqueueWritePartitions: [{value: 1}]
`;

async function makeDatabase(folder: string, postgres: URL, schema: string, name: string): Promise<void> {
  const common = [
    '--plugin',
    'postgres12_pgx',
    '--ep',
    postgres.hostname,
    '-p',
    postgres.port,
    '-u',
    postgres.username,
  ];
  const versioned = path.join(folder, 'schema', schema, 'versioned');
  const password = decodeURIComponent(postgres.password);
  const sql = (...args: string[]): Promise<unknown> =>
    run(path.join(folder, 'sql'), [...common, '--db', name, ...args], {
      env: { PATH: process.env['PATH'], SQL_PASSWORD: password },
      timeout: 60_000,
    });
  await sql('create');
  await sql('setup-schema', '-v', '0.0');
  await sql('update-schema', '-d', versioned);
}

async function registerNamespace(address: string): Promise<boolean> {
  const connection = await Connection.connect({ address, connectTimeout: 2_000 }).catch(() => undefined);
  if (connection === undefined) return false;
  try {
    const workflowExecutionRetentionPeriod = msToTs(DAY_MS);
    await connection.withDeadline(Date.now() + 5_000, () =>
      connection.workflowService.registerNamespace({ namespace: 'default', workflowExecutionRetentionPeriod }),
    );
    return true;
  } catch (error) {
    return /already (exists|registered)/i.test(String(error));
  } finally {
    await connection.close();
  }
}

function configOf(postgres: URL, databases: Record<string, string>, ports: readonly number[], dir: string): object {
  const store = (databaseName: string | undefined, maxConns: number): object => ({
    sql: {
      pluginName: 'postgres12_pgx',
      databaseName,
      connectAddr: postgres.host,
      connectProtocol: 'tcp',
      user: postgres.username,
      password: decodeURIComponent(postgres.password),
      maxConns,
      maxIdleConns: maxConns,
    },
  });
  const rpc = (at: number): object => ({ grpcPort: ports[at], membershipPort: ports[at + 1], bindOnIP: '127.0.0.1' });
  return {
    log: { stdout: true, level: 'warn' },
    persistence: {
      defaultStore: 'default',
      visibilityStore: 'visibility',
      numHistoryShards: 4,
      datastores: { default: store(databases['temporal'], 10), visibility: store(databases['visibility'], 4) },
    },
    global: { membership: { maxJoinDuration: '30s', broadcastAddress: '127.0.0.1' } },
    services: {
      frontend: { rpc: { ...rpc(0), httpPort: ports[8] } },
      matching: { rpc: rpc(2) },
      history: { rpc: rpc(4) },
      worker: { rpc: rpc(6) },
    },
    clusterMetadata: {
      enableGlobalNamespace: false,
      failoverVersionIncrement: 10,
      masterClusterName: 'active',
      currentClusterName: 'active',
      clusterInformation: {
        active: { enabled: true, initialFailoverVersion: 1, rpcName: 'frontend', rpcAddress: `127.0.0.1:${ports[0]}` },
      },
    },
    dcRedirectionPolicy: { policy: 'noop' },
    dynamicConfigClient: { filepath: path.join(dir, 'dynamic.yaml'), pollInterval: '60s' },
  };
}
