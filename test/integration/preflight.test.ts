import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { Connection } from '@temporalio/client';
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { PreflightCheck } from '../../src/cli/actions.js';
import { loadConfig } from '../../src/config/config.js';
import { preflight } from '../../src/main/preflight.js';
import { findTemporalBinary } from '../../src/servers/temporal-binary.js';
import { asAdmin, emptyDatabase, freshDatabase, type TestDatabase } from '../support/database.js';
import { freePort } from '../support/free-port.js';
import { describeWith } from '../support/parts.js';
import { testTemporal } from '../support/temporal.js';
import { until } from '../support/until.js';

const goModule = fileURLToPath(new URL('../../tools/temporal-cli', import.meta.url));

let database: TestDatabase;
let stateDir: string;

beforeAll(async () => {
  database = await freshDatabase();
  stateDir = await mkdtemp(join(tmpdir(), 'xyn-preflight-'));
});

afterAll(async () => {
  await (database as TestDatabase | undefined)?.drop();
  await rm(stateDir, { recursive: true, force: true });
});

async function check(name: string, env: NodeJS.ProcessEnv): Promise<PreflightCheck | undefined> {
  const all = { XYN_STATE_DIR: stateDir, XYN_PORT: '0', ...env };
  return (await preflight(loadConfig(all), all)).find((one) => one.name === name);
}

it('wants a provider of models, unless agents are off', async () => {
  expect(await check('agents', {})).toMatchObject({
    status: 'failed',
    next: expect.stringContaining('XYN_AGENTS=off') as unknown,
  });
  expect(await check('agents', { XYN_AGENTS: 'off' })).toMatchObject({ status: 'ok' });
  const found = await check('agents', { ANTHROPIC_API_KEY: 'hunter22hunter22' });
  expect(found).toEqual({ name: 'agents', status: 'ok', message: 'providers: anthropic' });
});

it('names misspelt variables, and an inventory that cannot be read', async () => {
  expect(await check('settings', { XYN_PROT: '1' })).toMatchObject({
    status: 'warning',
    message: 'no settings of Xyn: XYN_PROT (XYN_PORT?)',
  });
  expect(await check('targets', { XYN_TARGETS_FILE: join(stateDir, 'none.yaml') })).toMatchObject({ status: 'failed' });
});

it('looks at rights and triggers of the audit trail', async () => {
  expect(await check('Postgres', { DATABASE_URL: database.url })).toMatchObject({ status: 'ok' });
  expect(await check('Postgres', { DATABASE_URL: database.ownerUrl })).toMatchObject({
    status: 'warning',
    next: expect.stringContaining('DATABASE_OWNER_URL') as unknown,
  });
  await asAdmin(database.ownerUrl, ['ALTER TABLE audit_log DISABLE TRIGGER audit_log_append_only']);
  expect(await check('Postgres', { DATABASE_URL: database.url })).toMatchObject({ status: 'failed' });
  await asAdmin(database.ownerUrl, ['ALTER TABLE audit_log ENABLE TRIGGER audit_log_append_only']);
});

it('takes a database without tables, and tells of one that is not there without its password', async () => {
  const empty = await emptyDatabase();
  try {
    expect(await check('Postgres', { DATABASE_URL: empty.url })).toMatchObject({
      status: 'ok',
      message: expect.stringContaining('the API makes the tables') as unknown,
    });
  } finally {
    await empty.drop();
  }
  const missing = await check('Postgres', { DATABASE_URL: 'postgres://a:hunter22@127.0.0.1:1/x' });
  expect(missing).toMatchObject({ status: 'failed', next: 'Start it, or correct DATABASE_URL.' });
  expect(JSON.stringify(missing)).not.toContain('hunter22');
});

describeWith('temporal')('with a Temporal server', () => {
  it('looks at address, namespace and search attributes', async () => {
    const { address } = await testTemporal();
    expect(await check('Temporal', { TEMPORAL_ADDRESS: address })).toMatchObject({ status: 'ok' });
    expect(await check('Temporal', { TEMPORAL_ADDRESS: address, TEMPORAL_NAMESPACE: 'nowhere' })).toMatchObject({
      status: 'failed',
      next: expect.stringContaining('TEMPORAL_NAMESPACE') as unknown,
    });
    expect(await check('Temporal', { TEMPORAL_ADDRESS: '127.0.0.1:1' })).toMatchObject({ status: 'failed' });
  });

  it('leaves no workflow behind', async () => {
    const { address } = await testTemporal();
    await check('Temporal', { TEMPORAL_ADDRESS: address });
    const connection = await Connection.connect({ address });
    try {
      await until('the workflow of preflight is gone', async () => {
        const { executions } = await connection.workflowService.listWorkflowExecutions({
          namespace: 'default',
          query: `WorkflowType = 'xynPreflight'`,
        });
        return executions.length === 0;
      });
    } finally {
      await connection.close();
    }
  });

  it('says when activities are not handed out eagerly', async () => {
    const address = `127.0.0.1:${await freePort()}`;
    const binary = await findTemporalBinary({ stateDir, env: process.env, goModule });
    const attributes = ['XynBlueprint', 'XynVersion', 'XynEnv', 'XynCorrelationId'];
    const server = spawn(
      binary.path,
      [
        ...[
          'server',
          'start-dev',
          '--headless',
          '--ip',
          '127.0.0.1',
          '--port',
          address.slice(10),
          '--log-level',
          'never',
        ],
        ...attributes.flatMap((name) => ['--search-attribute', `${name}=Keyword`]),
      ],
      { stdio: 'ignore' },
    );
    try {
      const seen = await until('the server takes work', async () => {
        const one = await check('Temporal', { TEMPORAL_ADDRESS: address });
        return one?.message.includes('eagerly') === true ? one : undefined;
      });
      expect(seen).toMatchObject({ status: 'warning', next: expect.stringContaining('operations.md') as unknown });
    } finally {
      const gone = new Promise((resolve) => server.once('exit', resolve));
      if (server.exitCode === null && server.kill('SIGKILL')) await gone;
    }
  });
});
