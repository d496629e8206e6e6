import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { LocalArtifactStore } from '../../../src/artifacts/local-store.js';
import type { RunDto } from '../../../src/domain/dtos.js';
import type { Json } from '../../../src/domain/json.js';
import type { Val } from '../../../src/domain/plan.js';
import { ArtifactService } from '../../../src/services/artifacts.js';
import { StepArtifactKeeper } from '../../../src/services/step-artifacts.js';
import { freshDatabase, type TestDatabase } from '../../support/database.js';
import { caller, silentLog, testNode, type TestNode } from '../../support/node.js';
import { describeWith } from '../../support/parts.js';
import { action, forEach, transform, treeOf, type Nested } from '../../support/plans.js';
import { testTemporal } from '../../support/temporal.js';
import { until } from '../../support/until.js';
import { testLock, testWorker } from '../../support/worker.js';

let database: TestDatabase;
let node: TestNode;
let worker: Awaited<ReturnType<typeof testWorker>>;
let artifacts: ArtifactService;
let dir: string;

beforeAll(async () => {
  const { address } = await testTemporal();
  const taskQueue = `artifacts-${randomUUID()}`;
  database = await freshDatabase({ poolSize: 20 });
  dir = await mkdtemp(path.join(tmpdir(), 'xyn-step-artifacts-'));
  node = testNode({ catalog: database.catalog, address, taskQueue });
  const store = await LocalArtifactStore.open({ dir });
  const parts = { catalog: node.access, store, envId: 'local' };
  artifacts = new ArtifactService(parts);
  worker = await testWorker({
    catalog: database.catalog,
    address,
    taskQueue,
    artifacts: new StepArtifactKeeper({ ...parts, log: silentLog }),
  });
});

afterAll(async () => {
  await node.close();
  await worker.stop();
  await database.drop();
  await rm(dir, { recursive: true });
});

const read = (...keys: string[]): Val => ({
  $: keys.slice(1).reduce<never>((tree, key) => ['.', tree, key] as never, ['v', keys[0]] as never),
});

async function runOf(id: string, steps: Nested[]): Promise<RunDto> {
  await node.blueprints.savePlan(caller(), {
    plan: treeOf(steps, { id, actions: testLock }),
    source: `id: ${id}`,
    debug: {},
  });
  const { run_id: runId } = await node.runs.create(caller(), { blueprint_ref: id, inputs: {}, priority: 0 });
  return until('the run ended', async () => {
    const run = await node.runs.get(runId);
    return run.completed_at === null ? undefined : run;
  });
}

async function contentOf(artifactId: string): Promise<string> {
  const bytes = await (await artifacts.download(artifactId)).open();
  let text = '';
  for await (const chunk of bytes.setEncoding('utf8')) text += chunk as string;
  return text;
}

async function stepOf(runId: string, at: string) {
  return until(`the record of ${at}`, async () => {
    const step = (await node.runs.steps(runId, { limit: 500 })).items.find((one) => one.path === at);
    return step?.status === 'completed' || step?.status === 'failed' ? step : undefined;
  });
}

const LONG = 'é'.repeat(20 * 1024);

describeWith('temporal')('large results', () => {
  it('lie outside of the state, reach the next step whole, and cannot be looked into', async () => {
    const run = await runOf('bp.large', [
      action('big', { action: 't.echo', with: { text: LONG, note: 'small' } }),
      action('next', { action: 't.print', with: { text: read('steps', 'big', 'outputs', 'text') } }),
      transform('note', [['seen', read('steps', 'big', 'outputs', 'note')]]),
      transform('look', [['seen', read('steps', 'big', 'outputs', 'text', 'x')]]),
    ]);
    expect(run).toMatchObject({ status: 'failed', error: { code: 'value_offloaded', step: 'look' } });
    expect((await stepOf(run.run_id, 'next')).outputs).toEqual({ length: LONG.length });
    // The record of the step is whole, its input names the reference.
    expect((await stepOf(run.run_id, 'big')).outputs).toEqual({ text: LONG, note: 'small' });
    const { items } = await artifacts.list({ run_id: run.run_id, kind: 'result', limit: 10 });
    expect(items).toMatchObject([{ name: 'outputs_text.json', step_id: (await stepOf(run.run_id, 'big')).step_id }]);
    expect((await stepOf(run.run_id, 'next')).inputs).toMatchObject({
      text: { artifact: items[0]?.artifact_id, sha256: items[0]?.sha256, bytes: items[0]?.byte_length },
    });
    expect(JSON.parse(await contentOf(items[0]?.artifact_id ?? ''))).toBe(LONG);
    const { rows } = await database.catalog.pool.query(
      `SELECT quantity::int AS bytes FROM footprints WHERE run_id = $1 AND metric = 'artifact_bytes_written'
        AND step_id = $2`,
      [run.run_id, items[0]?.step_id],
    );
    expect(rows).toEqual([{ bytes: items[0]?.byte_length }]);
  });

  it.each([
    ['small', 1, 0],
    ['a field is moved', 40_000, 0],
    ['the whole is moved, since no field is large', 1, 60],
  ])('hold nothing that the action never records: %s', async (_what, length, fields) => {
    const session = { token: 'open-sesame-1', note: 'x'.repeat(length) };
    const many = Object.fromEntries(Array.from({ length: fields }, (_, i) => [`k${i}`, 'y'.repeat(900)]));
    const run = await runOf(`bp.login-${length}-${fields}`, [
      action('login', { action: 't.login', effect: 'read', idempotency: 'safe', with: { session, ...many } }),
      action('next', { action: 't.echo', with: { all: read('steps', 'login', 'outputs') } }),
    ]);
    expect(run).toMatchObject({ status: 'completed' });
    const seen = (await stepOf(run.run_id, 'next')).outputs;
    const { items } = await artifacts.list({ run_id: run.run_id, kind: 'result', limit: 10 });
    expect(items.length > 0).toBe(length > 1 || fields > 0);
    const contents = await Promise.all(items.map(({ artifact_id: id }) => contentOf(id)));
    const everything = [JSON.stringify(seen), JSON.stringify((await stepOf(run.run_id, 'login')).outputs), ...contents];
    expect(everything.join('')).not.toContain('open-sesame');
    expect(everything.join('')).toContain('[redacted]');
  });

  it('are gone over item by item, and results that are too many come back as one list', async () => {
    const hosts = Array.from({ length: 330 }, (_, ix) => ({ name: `host-${ix}`, note: 'n'.repeat(200) }));
    const run = await runOf('bp.fleet', [
      action('inventory', { action: 't.echo', with: { hosts } }),
      forEach('each', read('steps', 'inventory', 'outputs', 'hosts'), [transform('t', [['seen', read('item')]])], {
        concurrency: 8,
        max_items: 1_000,
        keep: [['results']],
      }),
      action('report', { action: 't.echo', with: { all: read('steps', 'each', 'outputs', 'results') } }),
    ]);
    expect(run).toMatchObject({ status: 'completed' });
    const { outputs } = await stepOf(run.run_id, 'each');
    expect(outputs).toMatchObject({ count: 330, completed: 330, results: { artifact: expect.any(String) } });
    const { artifact } = (outputs as { results: { artifact: string } }).results;
    const results = JSON.parse(await contentOf(artifact)) as { index: number; outputs: { seen: Json } }[];
    expect(results.map(({ index, outputs: { seen } }) => [index, seen])).toEqual(hosts.map((host, ix) => [ix, host]));
    // What reached the action is the list, not its reference.
    expect((await stepOf(run.run_id, 'report')).outputs).toMatchObject({ all: results });
    const left = async (): Promise<number> =>
      (await database.catalog.pool.query('SELECT FROM loop_chunks')).rowCount ?? 0;
    expect(await left()).toBeGreaterThan(1);
    await node.access.chunks.prune(1_000);
    expect(await left()).toBe(0);
  });

  it('end a loop that takes for a list what is none', async () => {
    const run = await runOf('bp.no_list', [
      action('inventory', { action: 't.echo', with: { hosts: LONG } }),
      forEach('each', read('steps', 'inventory', 'outputs', 'hosts'), [transform('t', [])]),
    ]);
    const error = { code: 'expression_error', detail: 'wrong_type', path: 'each' };
    expect(run).toMatchObject({ status: 'failed', error });
  });

  it('are not given to a run that merely names them', async () => {
    const first = await runOf('bp.owner', [action('big', { action: 't.echo', with: { text: LONG } })]);
    const { items } = await artifacts.list({ run_id: first.run_id, kind: 'result', limit: 1 });
    const [item] = items;
    const stolen = { artifact: item?.artifact_id, sha256: item?.sha256, bytes: item?.byte_length };
    const second = await runOf('bp.thief', [action('take', { action: 't.echo', with: { text: stolen as never } })]);
    expect((await stepOf(second.run_id, 'take')).outputs).toEqual({ text: stolen });
  });
});

describeWith('temporal')('the output of programs', () => {
  it('becomes the log of the step, line by line', async () => {
    const run = await runOf('bp.print', [action('say', { action: 't.print', with: { text: 'größer\nas\nlife' } })]);
    const step = await stepOf(run.run_id, 'say');
    const lines = (await contentOf(step.logs_artifact_id ?? '')).trim().split('\n');
    const said = lines.map((line) => JSON.parse(line) as { at: string; stream: string; text: string });
    expect(said.map(({ stream, text }) => [stream, text])).toEqual([
      ['stdout', 'größer'],
      ['stdout', 'as'],
      ['stdout', 'life'],
      ['stderr', 'no newline'],
    ]);
    expect(said.every(({ at }) => Number.isFinite(Date.parse(at)))).toBe(true);
  });
});
