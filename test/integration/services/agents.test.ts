import { afterAll, beforeAll, beforeEach, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createAgentRouter } from '../../../src/agents/router.js';
import { LocalArtifactStore } from '../../../src/artifacts/local-store.js';
import type { RunDto } from '../../../src/domain/dtos.js';
import type { AgentNode } from '../../../src/domain/plan.js';
import { ArtifactService } from '../../../src/services/artifacts.js';
import { StepArtifactKeeper } from '../../../src/services/step-artifacts.js';
import { freshDatabase, type TestDatabase } from '../../support/database.js';
import { ModelServer, type Wire } from '../../support/model-server.js';
import { caller, silentLog, testNode, type TestNode } from '../../support/node.js';
import { describeWith } from '../../support/parts.js';
import { agent, planOf } from '../../support/plans.js';
import { testTemporal } from '../../support/temporal.js';
import { until } from '../../support/until.js';
import { testWorker } from '../../support/worker.js';

const KEY = 'key-of-the-test-1234';
const OUTPUT = {
  type: 'object',
  properties: { cause: { type: 'string' } },
  required: ['cause'],
  additionalProperties: false,
};
const FAST = { first_ms: 1, factor: 1, max_ms: 1, jitter: 0 };

let model: ModelServer;
let database: TestDatabase;
let node: TestNode;
let worker: Awaited<ReturnType<typeof testWorker>>;
let artifacts: ArtifactService;
let dir: string;

beforeAll(async () => {
  const { address } = await testTemporal();
  const taskQueue = `agents-${randomUUID()}`;
  model = await new ModelServer().listen();
  database = await freshDatabase({ poolSize: 20 });
  dir = await mkdtemp(path.join(tmpdir(), 'xyn-agents-'));
  node = testNode({ catalog: database.catalog, address, taskQueue });
  const parts = { catalog: node.access, store: await LocalArtifactStore.open({ dir }), envId: 'local' };
  artifacts = new ArtifactService(parts);
  const keeper = new StepArtifactKeeper({ ...parts, log: silentLog });
  const agents = createAgentRouter({
    mode: 'providers',
    access: {
      openai: () => ({ apiKey: KEY, baseUrl: `${model.origin}/v1` }),
      anthropic: () => ({ apiKey: KEY, baseUrl: model.origin }),
    },
    overrides: [],
    secrets: () => [KEY],
    artifacts: keeper.agents(),
  });
  worker = await testWorker({ catalog: database.catalog, address, taskQueue, artifacts: keeper, agents });
});

afterAll(async () => {
  await node.close();
  await worker.stop();
  await model.close();
  await database.drop();
  await rm(dir, { recursive: true });
});

beforeEach(() => model.reset());

async function start(fields: Partial<AgentNode>): Promise<string> {
  const id = `bp.agent-${randomUUID()}`;
  await node.blueprints.savePlan(caller(), {
    plan: planOf([agent('why', { model: 'm-1', ...fields })], { id }),
    source: `id: ${id}`,
    debug: {},
  });
  const { run_id: runId } = await node.runs.create(caller(), { blueprint_ref: id, inputs: {}, priority: 0 });
  return runId;
}

function ended(runId: string): Promise<RunDto> {
  return until('the run ended', async () => {
    const run = await node.runs.get(runId);
    return run.completed_at === null ? undefined : run;
  });
}

async function run(fields: Partial<AgentNode>): Promise<RunDto> {
  return ended(await start(fields));
}

/** What the run used, by attempt. */
async function used(runId: string): Promise<unknown[]> {
  await worker.records.flush(30_000);
  const { rows } = await database.catalog.pool.query<{ attempt: number }>(
    `SELECT split_part(source_ref, '/', 2)::int AS attempt, dims_json AS dims,
       jsonb_object_agg(metric, quantity) AS used
     FROM footprints WHERE run_id = $1 AND metric IN ('tokens_in', 'tokens_out', 'request_count')
     GROUP BY source_ref, dims_json ORDER BY attempt`,
    [runId],
  );
  return rows;
}

async function attemptsOf(runId: string): Promise<unknown[]> {
  await worker.records.flush(30_000);
  const [step] = (await node.runs.steps(runId, { limit: 500 })).items;
  const { attempt_log: log } = await node.runs.step(runId, step?.step_id ?? '');
  return log.map(({ attempt, status, error }) => [attempt, status, error?.['code'] ?? null]);
}

async function keptOf(runId: string): Promise<Record<string, string>> {
  const { items } = await artifacts.list({ run_id: runId, kind: 'agent', limit: 20 });
  const entries = items.map(async ({ artifact_id: id, name }) => {
    const chunks: Buffer[] = [];
    for await (const chunk of await (await artifacts.download(id)).open()) chunks.push(chunk as Buffer);
    return [name, Buffer.concat(chunks).toString()] as const;
  });
  return Object.fromEntries(await Promise.all(entries));
}

const tokens = (requests: number, tokensIn = 11 * requests, tokensOut = 7 * requests) => ({
  tokens_in: tokensIn,
  tokens_out: tokensOut,
  request_count: requests,
});

describeWith('temporal')('an agent step', () => {
  it.each<[Wire, string, object]>([
    ['openai', 'a stream', {}],
    ['openai', 'one body', { whole: true }],
    ['anthropic', 'a stream', {}],
    ['anthropic', 'one body', { whole: true }],
  ])('asks %s and is answered by %s', async (provider, _what, more) => {
    model.next({ text: '{"cause":"disk"}', ...more });
    const done = await run({ provider, output: OUTPUT, prompt: `Why, with ${KEY}?`, system: 'Be brief.' });
    expect(done).toMatchObject({ status: 'completed' });
    const [step] = (await node.runs.steps(done.run_id, { limit: 500 })).items;
    expect(step?.outputs).toMatchObject({ cause: 'disk', summary: '{"cause":"disk"}' });
    expect(await used(done.run_id)).toEqual([{ attempt: 1, dims: { provider, model: 'm-1' }, used: tokens(1) }]);
    const kept = await keptOf(done.run_id);
    expect(Object.keys(kept).sort()).toEqual(['agent-1-answer.json', 'agent-1-prompt.json']);
    expect(kept['agent-1-prompt.json']).toContain('Why, with [redacted]?');
    expect(JSON.parse(kept['agent-1-answer.json'] ?? '')).toMatchObject({
      used: { provider, model: 'm-1' },
      replies: [{ text: '{"cause":"disk"}', tokens_in: 11, tokens_out: 7 }],
    });
    expect(model.calls[0]?.body).toMatchObject({ model: 'm-1', stream: true });
  });

  it('has an answer that does not fit repaired once, and fails with what both cost', async () => {
    model.next({ text: 'no JSON' }, { text: '{"cause":"disk"}' });
    const repaired = await run({ provider: 'openai', output: OUTPUT });
    expect(repaired.status).toBe('completed');
    expect(await used(repaired.run_id)).toMatchObject([{ attempt: 1, used: tokens(2) }]);
    model.next({ text: 'no JSON' }, { text: 'still none' });
    const failed = await run({ provider: 'anthropic', output: OUTPUT });
    expect(failed).toMatchObject({ status: 'failed', error: { code: 'output_invalid' } });
    expect(await used(failed.run_id)).toMatchObject([{ attempt: 1, used: tokens(2) }]);
    expect(JSON.parse((await keptOf(failed.run_id))['agent-1-answer.json'] ?? '')).toMatchObject({
      replies: [{ text: 'no JSON' }, { text: 'still none' }],
      error: { code: 'output_invalid' },
    });
  });

  it('waits as long as a 429 says, and goes on after a 503', async () => {
    model.next({ status: 429, headers: { 'retry-after': '1' } }, { status: 503 }, { text: 'because' });
    const runId = await start({ provider: 'openai', retry: { attempts: 3, backoff: FAST } });
    expect(await ended(runId)).toMatchObject({ status: 'completed' });
    const [first, second] = model.calls.map(({ at }) => at);
    expect((second ?? 0) - (first ?? 0)).toBeGreaterThanOrEqual(990);
    expect(await attemptsOf(runId)).toEqual([
      [1, 'failed', 'rate_limited'],
      [2, 'failed', 'provider_unavailable'],
      [3, 'completed', null],
    ]);
    expect(await used(runId)).toMatchObject([
      { attempt: 1, used: tokens(1, 0, 0) },
      { attempt: 2, used: tokens(1, 0, 0) },
      { attempt: 3, used: tokens(1) },
    ]);
  });

  it('is not repeated where that does not help', async () => {
    model.next({ status: 401 });
    const refused = await run({ provider: 'anthropic' });
    expect(refused).toMatchObject({ status: 'failed', error: { code: 'provider_auth_failed' } });
    expect(model.calls).toHaveLength(1);
  });

  it('ends the request at its timeout and keeps what it cost', async () => {
    model.next({ text: 'half of', fault: 'stall' });
    const done = await run({ provider: 'anthropic', timeout_ms: 4_000, retry: { attempts: 1, backoff: FAST } });
    expect(done).toMatchObject({ status: 'failed', error: { code: 'timeout' } });
    await model.calls[0]?.abandoned;
    expect(await used(done.run_id)).toMatchObject([{ attempt: 1, used: tokens(1, 11, 1) }]);
    expect(Object.keys(await keptOf(done.run_id))).toHaveLength(2);
  });

  it('ends the request when the run is cancelled and keeps what it cost', async () => {
    // The first answer does not fit and is paid for; the second never ends.
    model.next({ text: 'no JSON' }, { text: 'half of', fault: 'stall' });
    const runId = await start({ provider: 'anthropic', output: OUTPUT });
    await until('the second request', () => model.calls.length === 2);
    await node.runs.cancel(caller(), runId, 'no longer wanted');
    expect(await ended(runId)).toMatchObject({ status: 'cancelled' });
    await model.calls[1]?.abandoned;
    const [print] = (await used(runId)) as { used: Record<string, number> }[];
    expect(print?.used).toMatchObject({ request_count: 2 });
    expect(print?.used['tokens_in']).toBeGreaterThanOrEqual(11);
    expect(print?.used['tokens_out']).toBeGreaterThanOrEqual(7);
  });
});
