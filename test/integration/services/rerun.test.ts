import { afterAll, beforeAll, beforeEach, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { z } from 'zod';
import { LocalArtifactStore } from '../../../src/artifacts/local-store.js';
import { ActionFailure, defineAction } from '../../../src/domain/action.js';
import type { GateDto, RunDto, StepDto } from '../../../src/domain/dtos.js';
import type { JsonObject } from '../../../src/domain/json.js';
import type { Plan } from '../../../src/domain/plan.js';
import { ActionRegistry } from '../../../src/registry/registry.js';
import { StepArtifactKeeper } from '../../../src/services/step-artifacts.js';
import { freshDatabase, type TestDatabase } from '../../support/database.js';
import { ref } from '../../support/engine-rig.js';
import { caller, silentLog, testNode, type TestNode } from '../../support/node.js';
import { describeWith } from '../../support/parts.js';
import { action, block, forEach, gate, handling, treeOf } from '../../support/plans.js';
import { Sink } from '../../support/sink.js';
import { testTemporal } from '../../support/temporal.js';
import { until } from '../../support/until.js';
import { testWorker } from '../../support/worker.js';

let database: TestDatabase;
let node: TestNode;
let worker: Awaited<ReturnType<typeof testWorker>>;
let sink: Sink;
let dir: string;
/** Targets that refuse. */
const broken = new Set<string>();

const any = z.record(z.string(), z.json());
const actions = new ActionRegistry([
  {
    name: 'target',
    version: '1.0.0',
    actions: [
      defineAction<JsonObject, JsonObject>({
        name: 'target.do',
        summary: 'does something to the target, once per key',
        input: any,
        output: any,
        traits: { effect: 'write', idempotency: 'keyed' },
        errors: {},
        execute: async (input, { key }) => {
          const to = input['to'] as string;
          if (broken.has(to)) throw new ActionFailure({ code: 'http_status', message: 'refused', retryable: false });
          await fetch(sink.url(`/${to}`), { method: 'POST', headers: { 'idempotency-key': key }, body: '{}' });
          return { did: to, ...input };
        },
      }),
    ],
  },
]);
const lock = { 'target.do': { pack: 'target@1.0.0', contract: actions.find('target.do')?.contract ?? '' } };

beforeAll(async () => {
  const { address } = await testTemporal();
  database = await freshDatabase({ poolSize: 20 });
  dir = await mkdtemp(path.join(tmpdir(), 'xyn-rerun-'));
  sink = await Sink.start();
  const store = await LocalArtifactStore.open({ dir });
  const place = { catalog: database.catalog, address, taskQueue: `rerun-${randomUUID()}` };
  node = testNode({ ...place, store });
  const artifacts = new StepArtifactKeeper({ catalog: node.access, store, envId: 'local', log: silentLog });
  worker = await testWorker({ ...place, actions, artifacts });
});

afterAll(async () => {
  await node.close();
  await worker.stop();
  await database.drop();
  await sink.close();
  await rm(dir, { recursive: true });
});

beforeEach(() => {
  broken.clear();
  sink.calls.length = 0;
});

type Steps = Parameters<typeof treeOf>[0];
const does = (id: string, more: Parameters<typeof action>[1] = {}) =>
  action(id, { action: 'target.do', with: { to: id }, ...more });

async function save(id: string, steps: Steps, more: Partial<Plan> = {}): Promise<void> {
  const plan = treeOf(steps, { id, actions: lock, ...more });
  await node.blueprints.savePlan(caller(), { plan, source: `id: ${id}`, debug: {} });
}

/** The run after its end, with records of all its steps. */
async function ended(runId: string): Promise<RunDto> {
  return until('the run and its steps end', async () => {
    const run = await node.runs.get(runId);
    const steps = Object.values(await stepsOf(runId));
    const isOpen = steps.some(({ status }) => status === 'running' || status === 'created');
    return run.completed_at === null || isOpen ? undefined : run;
  });
}

async function start(blueprint: string, inputs: JsonObject = {}): Promise<RunDto> {
  return ended((await node.runs.create(caller(), { blueprint_ref: blueprint, inputs })).run_id);
}

async function rerun(runId: string, request: Parameters<TestNode['reruns']['rerun']>[2] = {}) {
  const answer = await node.reruns.rerun(caller(), runId, request);
  return { answer, run: await ended(answer.run?.run_id ?? '') };
}

/** The gate that a run waits at, when it is open. */
function openGate(runId: string): Promise<GateDto> {
  return until('the gate opens', async () => {
    const { items } = await node.gates.list({ run_id: runId, status: 'open', limit: 1 });
    return items[0];
  });
}

async function stepsOf(runId: string): Promise<Record<string, StepDto>> {
  const { items } = await node.runs.steps(runId, { limit: 500 });
  return Object.fromEntries(items.map((step) => [step.path, step]));
}

/** What the target did, in order, each with its key. */
const done = (): string[] => sink.calls.map(({ path: at }) => at.slice(1));
const code = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => 'none',
    (error: unknown) => (error as { code?: string }).code,
  );

describeWith('temporal')('a rerun', () => {
  it('goes on at the step that failed and repeats no earlier effect', async () => {
    await save('bp.line', [
      does('a'),
      does('b', {
        with: { to: 'b', from: ref('steps', 'a', 'outputs', 'did') },
        outputs: { short: ref('result', 'did') },
      }),
      does('c', { with: { to: 'c', got: ref('steps', 'b', 'outputs', 'short') } }),
      does('d'),
    ]);
    broken.add('c');
    const first = await start('bp.line');
    expect(first).toMatchObject({ status: 'failed', rerun_of: null });
    const keys = sink.calls.map(({ key }) => key);
    broken.clear();
    const { answer, run } = await rerun(first.run_id);
    expect(answer).toMatchObject({
      reused: ['a', 'b'],
      anew: [
        { path: 'c', reason: 'failed' },
        { path: 'd', reason: 'after' },
      ],
    });
    expect(run).toMatchObject({ status: 'completed', rerun_of: first.run_id, rerun_from: 'c', inputs: first.inputs });
    expect(done()).toEqual(['a', 'b', 'c', 'd']);
    expect(new Set([...keys, ...sink.calls.map(({ key }) => key)]).size).toBe(4);
    const [before, now] = [await stepsOf(first.run_id), await stepsOf(run.run_id)];
    expect(now['a']).toMatchObject({
      status: 'completed',
      attempts: 0,
      reused_from_run: first.run_id,
      inputs: before['a']?.inputs,
      outputs: before['a']?.outputs,
    });
    expect(now['b']).toMatchObject({ reused_from_run: first.run_id, outputs: { short: 'b' } });
    expect(now['c']).toMatchObject({ attempts: 1, reused_from_run: null, inputs: { to: 'c', got: 'b' } });
    // Nothing of the run before has changed, and what was taken over has no attempt and no use of its own.
    expect(await node.runs.get(first.run_id)).toEqual({ ...first, waiting_on: [] });
    expect((await node.runs.step(run.run_id, now['a']?.step_id ?? '')).attempt_log).toEqual([]);
    const { rows } = await database.catalog.pool.query<{ n: number }>(
      `SELECT sum(quantity)::int AS n FROM footprints WHERE run_id = $1 AND metric = 'step.count'`,
      [run.run_id],
    );
    expect(rows).toEqual([{ n: 2 }]);
  });

  it('shows who repeated what in the audit trail, in events and in lists', async () => {
    await save('bp.seen', [does('a'), does('b')]);
    broken.add('b');
    const first = await start('bp.seen');
    broken.clear();
    const { run } = await rerun(first.run_id);
    const { rows } = await database.catalog.pool.query(
      `SELECT action, run_id, after FROM audit_log WHERE resource_type = 'run' AND resource_id = ANY($1::text[])
        AND action IN ('run.rerun', 'run.create') ORDER BY audit_id`,
      [[first.run_id, run.run_id]],
    );
    expect(rows).toMatchObject([
      { action: 'run.create', run_id: first.run_id },
      { action: 'run.rerun', run_id: first.run_id, after: { new_run_id: run.run_id, from: 'b', reused: 1 } },
      { action: 'run.create', run_id: run.run_id, after: { rerun_of: first.run_id } },
    ]);
    expect((await node.runs.list({ rerun_of: first.run_id, limit: 10 })).items).toMatchObject([{ run_id: run.run_id }]);
  });

  it('of a rerun takes over what was taken over', async () => {
    await save('bp.chain', [does('a'), does('b'), does('c')]);
    broken.add('b');
    const first = await start('bp.chain');
    broken.clear();
    broken.add('c');
    const second = (await rerun(first.run_id)).run;
    expect(second.status).toBe('failed');
    broken.clear();
    const third = (await rerun(second.run_id)).run;
    expect(third).toMatchObject({ status: 'completed', rerun_of: second.run_id, rerun_from: 'c' });
    expect(done()).toEqual(['a', 'b', 'c']);
    expect(await stepsOf(third.run_id)).toMatchObject({
      a: { reused_from_run: second.run_id, outputs: { did: 'a', to: 'a' } },
      b: { reused_from_run: second.run_id },
    });
  });

  it('repeats a run that completed as a whole, or from a step on', async () => {
    await save('bp.again', [does('a'), does('b')]);
    const first = await start('bp.again');
    const whole = await rerun(first.run_id);
    expect(whole.answer.anew[0]).toEqual({ path: 'a', reason: 'run_completed' });
    expect(whole.run).toMatchObject({ status: 'completed', rerun_from: null });
    const part = await rerun(first.run_id, { from: 'b' });
    expect(part.run.rerun_from).toBe('b');
    expect(done()).toEqual(['a', 'b', 'a', 'b', 'b']);
  });

  it('keeps each item of a loop that was done, and a failure that was handled', async () => {
    await save('bp.items', [
      handling(does('try'), { do: [does('tell')] }),
      forEach('l', ['x', 'y', 'z'], [block('k', [does('one', { with: { to: ref('item') } }), does('two')])], {
        mode: 'collect',
        tolerate: 0,
        concurrency: 3,
      }),
    ]);
    broken.add('try').add('y');
    const first = await start('bp.items');
    expect(done().sort()).toEqual(['tell', 'two', 'two', 'x', 'z']);
    sink.calls.length = 0;
    broken.clear();
    const { run } = await rerun(first.run_id);
    expect(run.status).toBe('completed');
    expect(done()).toEqual(['y', 'two']);
    const steps = await stepsOf(run.run_id);
    expect(steps['try']).toMatchObject({ status: 'failed', handled: true, reused_from_run: first.run_id });
    expect(steps['l[2].k.one']).toMatchObject({ outputs: { did: 'z' }, reused_from_run: first.run_id });
    expect(await node.access.reruns.source(run.run_id, { lock: false })).toMatchObject({ needs_repair: false });
  });

  it('asks people again', async () => {
    await save('bp.gate', [gate('g'), does('a'), does('b')]);
    broken.add('b');
    const approve = async (runId: string): Promise<void> => {
      const open = await openGate(runId);
      await node.gates.decide(caller(), open.gate_id, { decision: 'approve' });
    };
    const { run_id: runId } = await node.runs.create(caller(), { blueprint_ref: 'bp.gate' });
    await approve(runId);
    await ended(runId);
    broken.clear();
    const { run } = await node.reruns.rerun(caller(), runId, {});
    await approve(run?.run_id ?? '');
    expect(await ended(run?.run_id ?? '')).toMatchObject({ status: 'completed' });
    expect(done()).toEqual(['a', 'b']);
  });

  it('does anew what reads an input that was changed', async () => {
    const inputs = { type: 'object', properties: { host: {}, size: {} }, additionalProperties: false };
    const to = { with: { to: ref('inputs', 'host') } };
    await save('bp.inputs', [does('a'), does('b', to), does('c'), does('d')], { inputs });
    broken.add('d');
    const first = await start('bp.inputs', { host: 'web-1', size: 1 });
    broken.clear();
    const same = await node.reruns.preview(first.run_id, { inputs: { size: 2 } });
    expect(same.reused).toEqual(['a', 'b', 'c']);
    const { answer, run } = await rerun(first.run_id, { inputs: { host: 'web-2' } });
    expect(answer.anew[0]).toEqual({ path: 'b', reason: 'inputs_changed' });
    expect(run).toMatchObject({ status: 'completed', inputs: { host: 'web-2', size: 1 } });
    expect(done()).toEqual(['a', 'web-1', 'c', 'web-2', 'c', 'd']);
    expect(await code(node.reruns.preview(first.run_id, { inputs: { nope: 1 } }))).toBe('input_unknown');
  });

  it('takes nothing over across a changed step or contract', async () => {
    await save('bp.versions', [does('a'), does('b'), does('c')]);
    broken.add('c');
    const first = await start('bp.versions');
    await save('bp.versions', [does('a'), does('b', { with: { to: 'b2' } }), does('c')]);
    const own = await node.reruns.preview(first.run_id, {});
    expect(own).toMatchObject({ run: null, blueprint_version: 1, reused: ['a', 'b'] });
    broken.clear();
    const { answer, run } = await rerun(first.run_id, { latest: true });
    expect(answer).toMatchObject({
      blueprint_version: 2,
      reused: ['a'],
      anew: [{ path: 'b', reason: 'rerun_contract_changed' }, { path: 'c' }],
    });
    expect(run).toMatchObject({ status: 'completed', blueprint_version: 2 });
    expect(done()).toEqual(['a', 'b', 'b2', 'c']);
    const changed = { 'target.do': { pack: 'target@2.0.0', contract: 'sha256:other' } };
    await save('bp.versions', [does('a'), does('b'), does('c')], { actions: changed });
    const none = await node.reruns.preview(first.run_id, { latest: true });
    expect(none).toMatchObject({ reused: [], anew: [{ path: 'a', reason: 'rerun_contract_changed' }, {}, {}] });
  });

  it('passes large results on that lie outside of the state', async () => {
    const text = 'é'.repeat(20 * 1024);
    await save('bp.large', [
      does('big', { with: { to: 'big', text, note: 'small' } }),
      does('next', { with: { to: 'next', text: ref('steps', 'big', 'outputs', 'text') } }),
    ]);
    broken.add('next');
    const first = await start('bp.large');
    broken.clear();
    const { run } = await rerun(first.run_id);
    expect(run.status).toBe('completed');
    expect(done()).toEqual(['big', 'next']);
    expect(await stepsOf(run.run_id)).toMatchObject({ next: { outputs: { text: expect.anything() } } });
    const { rows } = await database.catalog.pool.query<{ text: string }>(
      `SELECT outputs ->> 'text' AS text FROM steps WHERE run_id = $1 AND path = 'next'`,
      [run.run_id],
    );
    expect(rows[0]?.text === text).toBe(true);
  });

  it('is made once for a key, and not while the run or another rerun of it is open', async () => {
    await save('bp.once', [does('a'), gate('g')]);
    const { run_id: open } = await node.runs.create(caller(), { blueprint_ref: 'bp.once' });
    expect(await code(node.reruns.preview(open, {}))).toBe('run_open');
    await openGate(open);
    await node.runs.cancel(caller(), open, '');
    await ended(open);
    const same = { idempotencyKey: randomUUID() };
    const [one, two] = await Promise.all([
      node.reruns.rerun(caller(), open, same),
      node.reruns.rerun(caller(), open, same),
    ]);
    expect(one).toMatchObject({ run: { run_id: two.run?.run_id }, reused: ['a'] });
    expect(await code(node.reruns.rerun(caller(), open, { ...same, from: 'a' }))).toBe('idempotency_mismatch');
    expect(await code(node.reruns.rerun(caller(), open, {}))).toBe('rerun_open');
    const runId = one.run?.run_id ?? '';
    await node.runs.cancel(caller(), runId, '');
    await ended(runId);
    expect(await code(node.reruns.rerun(caller(), open, { from: 'nope' }))).toBe('step_not_found');
    expect(await code(node.reruns.rerun(caller(), randomUUID(), {}))).toBe('run_not_found');
    expect(done()).toEqual(['a']);
  });

  it('refuses to carry more than a workflow takes', async () => {
    const text = 'x'.repeat(30_000);
    const many = Array.from({ length: 20 }, (_, i) => does(`s${i}`, { with: { to: 's', text } }));
    await save('bp.heavy', [...many, does('last')]);
    broken.add('last');
    const first = await start('bp.heavy');
    expect(await code(node.reruns.preview(first.run_id, {}))).toBe('rerun_too_large');
    expect((await node.reruns.preview(first.run_id, { from: 's5' })).reused_count).toBe(5);
  });
});
