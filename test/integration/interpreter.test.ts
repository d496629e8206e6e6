import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { Client, Connection, WorkflowFailedError } from '@temporalio/client';
import { NativeConnection, Worker } from '@temporalio/worker';
import { randomUUID } from 'node:crypto';
import { createActivities } from '../../activities/index.js';
import { workflowIdOf } from '../../src/domain/ids.js';
import { defineAction, ActionFailure } from '../../src/domain/action.js';
import type { Transition } from '../../src/domain/engine/state.js';
import type { JsonObject } from '../../src/domain/json.js';
import { DEFAULT_BACKOFF, type Plan } from '../../src/domain/plan.js';
import type { AttemptEnd, AttemptStart } from '../../src/domain/records.js';
import { ActionRegistry } from '../../src/registry/registry.js';
import type { DecideGate, DecideGateAnswer, RunResult } from '../../workflows/contract.js';
import { readHistory } from '../../src/temporal/run-history.js';
import { describeWith } from '../support/parts.js';
import { until } from '../support/until.js';
import { action, agent, forEach, gate, parallel, planOf, transform, treeOf } from '../support/plans.js';
import { testTemporal } from '../support/temporal.js';
import { workflowBundle } from '../support/worker.js';
import { z } from 'zod';

/** Keeps what workers record, so that these tests look at the interpreter alone. */
class MemoryRecords {
  readonly transitions = new Map<string, Transition[]>();
  readonly begins: AttemptStart[] = [];
  readonly ends: AttemptEnd[] = [];
  /** How many records of a run are refused yet. */
  readonly broken = new Map<string, number>();

  async begin(start: AttemptStart, transitions: readonly Transition[]): Promise<void> {
    this.begins.push(start);
    await this.record(start.run_id, transitions);
  }
  running(): void {
    // Only ends matter here.
  }
  end(end: AttemptEnd): void {
    this.ends.push(end);
  }
  record(runId: string, transitions: readonly Transition[]): Promise<void> {
    const broken = this.broken.get(runId) ?? 0;
    if (broken > 0) {
      this.broken.set(runId, broken - 1);
      return Promise.reject(new Error('the catalog is away'));
    }
    const known = this.transitions.get(runId) ?? [];
    for (const one of transitions) if (!known.some((other) => other.seq === one.seq)) known.push(one);
    this.transitions.set(runId, known);
    return Promise.resolve();
  }
  flush(): Promise<void> {
    return Promise.resolve();
  }
}

const calls: { name: string; key: string; attempt: number; run: string }[] = [];
const any = z.record(z.string(), z.json());
const fake = (
  name: string,
  execute: (input: JsonObject, attempt: number, signal: AbortSignal) => Promise<JsonObject>,
) =>
  defineAction<JsonObject, JsonObject>({
    name,
    summary: name,
    input: any,
    output: any,
    traits: { effect: 'write', idempotency: 'keyed' },
    errors: {},
    execute: (input, context) => {
      calls.push({ name, key: context.key, attempt: context.attempt, run: context.runId });
      return execute(input, context.attempt, context.signal);
    },
  });
const hang = (signal: AbortSignal): Promise<JsonObject> =>
  new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)));
const registry = new ActionRegistry([
  {
    name: 'test',
    version: '1.0.0',
    actions: [
      fake('t.echo', (input) => Promise.resolve(input)),
      fake('t.flaky', (input, attempt) =>
        attempt < 3
          ? Promise.reject(new ActionFailure({ code: 'busy', message: 'busy', retryable: true }))
          : Promise.resolve(input),
      ),
      fake('t.progress', (_input, attempt) =>
        Promise.resolve({
          status: attempt < 3 ? 'busy' : 'ready',
          hosts: Array.from({ length: 5_000 }, (_, n) => `host-${n}`),
        }),
      ),
      fake('t.broken', () =>
        Promise.reject(new ActionFailure({ code: 'http_status', message: 'no', retryable: false, status: 500 })),
      ),
      fake('t.hang', (_input, _attempt, signal) => hang(signal)),
      fake('t.hang_at_50', (input, _attempt, signal) => (input['n'] === 50 ? hang(signal) : Promise.resolve(input))),
    ],
  },
]);
const lock = Object.fromEntries(
  registry.names().map((name) => [name, { pack: 'test@1.0.0', contract: registry.find(name)?.contract ?? '' }]),
);
const plan = (nodes: Parameters<typeof planOf>[0], more: Parameters<typeof planOf>[1] = {}): Plan =>
  planOf(nodes, { actions: lock, ...more });

const treePlan = (nodes: Parameters<typeof treeOf>[0], more: Parameters<typeof treeOf>[1] = {}): Plan =>
  treeOf(nodes, { actions: lock, ...more });
const outputsOf = (id: string) => ({ $: ['.', ['.', ['v', 'steps'], id], 'outputs'] as never });

const taskQueue = `interpreter-${randomUUID()}`;
const records = new MemoryRecords();
let client: Client;
let worker: Worker;
let running: Promise<void>;
let connection: Connection;
let native: NativeConnection;
type Launched = Awaited<ReturnType<typeof launch>>;
/** Many steps one after the other take their time, so they run beside all others. */
let long: Launched;
/** Its first records are refused, and the next try comes seconds later. */
let unheard: Launched;

beforeAll(async () => {
  const { address } = await testTemporal();
  connection = await Connection.connect({ address });
  client = new Client({ connection });
  native = await NativeConnection.connect({ address });
  worker = await Worker.create({
    connection: native,
    taskQueue,
    workflowBundle: await workflowBundle(),
    maxHeartbeatThrottleInterval: 2_000,
    activities: createActivities({
      records,
      approvals: { check: () => Promise.resolve(undefined) },
      actions: registry,
      agents: {
        ask: () =>
          Promise.resolve({
            outputs: { text: 'because' },
            footprints: [{ metric: 'tokens_in', quantity: 3, unit: 'token' }],
          }),
      },
      pausedMs: () => Promise.resolve(0),
      worker: 'test',
    }),
  });
  running = worker.run();
  const steps = Array.from({ length: 490 }, (_, ix) => action(`s${ix}`, { action: 't.echo' }));
  long = await launch(plan(steps, { limits: { steps: 1_000 } }));
  const id = randomUUID();
  records.broken.set(id, 2);
  unheard = await launch(plan([transform('t', [['x', 1]])]), {}, { id });
});

afterAll(async () => {
  (worker as Worker | undefined)?.shutdown();
  await running;
  await (native as NativeConnection | undefined)?.close();
  await (connection as Connection | undefined)?.close();
});

async function launch(
  runPlan: Plan,
  inputs: JsonObject = {},
  {
    handOverAfter,
    id = randomUUID(),
    queue = taskQueue,
  }: { handOverAfter?: number | undefined; id?: string; queue?: string } = {},
) {
  const run = {
    id,
    blueprint: runPlan.id,
    version: '1',
    digest: runPlan.digest,
    actor: 'ann',
    trigger: 'manual',
    started_at: new Date().toISOString(),
    correlation_id: id,
  };
  const handle = await client.workflow.start('runBlueprint', {
    workflowId: workflowIdOf(id),
    taskQueue: queue,
    args: [
      {
        plan: runPlan,
        start: { inputs, event: null, env: { id: 'local', name: 'local', stage: 'dev', vars: {} }, run },
        ...(handOverAfter === undefined ? {} : { handOverAfter }),
      },
    ],
  });
  return {
    id,
    handle,
    result: () => handle.result() as Promise<RunResult>,
    log: () => records.transitions.get(id) ?? [],
  };
}

const failureOf = async (result: Promise<unknown>) => {
  const error = await result.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(WorkflowFailedError);
  return (error as WorkflowFailedError).cause as unknown as { message: string; details: [{ code: string }] };
};

describeWith('temporal')('the interpreter on a Temporal server', () => {
  it('runs steps in order with six events each and one for all records', async () => {
    const steps = ['a', 'b', 'c'].map((id, ix) => action(id, { action: 't.echo', with: { n: ix } }));
    const run = await launch(
      plan([transform('t', [['x', 1]]), ...steps], {
        outputs: { n: { $: ['.', ['.', ['.', ['v', 'steps'], 'c'], 'outputs'], 'n'] } },
      }),
    );
    expect(await run.result()).toEqual({ status: 'completed', outputs: { n: 2 } });
    const { events } = await run.handle.fetchHistory();
    expect(events?.length).toBe(5 + 6 * 3 + 1);
    expect(run.log().map((one) => one.t)).toEqual(['run', 'step', 'end']);
  });

  it('repeats a reading step until its result is as asked, and keeps of a large one only its outputs', async () => {
    const run = await launch(
      plan(
        [
          action('poll', {
            action: 't.progress',
            effect: 'read',
            idempotency: 'safe',
            retry: {
              attempts: 5,
              backoff: { ...DEFAULT_BACKOFF, first_ms: 10 },
              until: ['==', ['.', ['v', 'result'], 'status'], ['.', ['v', 'inputs'], 'wanted']] as never,
            },
            outputs: { hosts: { $: ['c', 'size', ['.', ['v', 'result'], 'hosts']] as never }, unread: 1 },
            keep: [['hosts']],
          }),
        ],
        { outputs: { hosts: { $: ['.', outputsOf('poll').$, 'hosts'] as never } } },
      ),
      { wanted: 'ready' },
    );
    expect(await run.result()).toEqual({ status: 'completed', outputs: { hosts: 5_000 } });
    const ends = records.ends.filter(({ run_id }) => run_id === run.id);
    expect(ends.map(({ status, error }) => error?.code ?? status)).toEqual([
      'until_not_met',
      'until_not_met',
      'completed',
    ]);
    expect(ends.at(-1)?.outputs).toEqual({ hosts: 5_000, unread: 1 });
    const { events } = await run.handle.fetchHistory();
    // Polling costs no events, and nothing of the large result is in the history.
    expect(events?.length).toBe(5 + 6 + 1);
    expect(JSON.stringify(events)).not.toContain('host-4999');
  });

  it('runs short reading steps in the worker that decides: one event each, and a remote one in between', async () => {
    const local = { action: 't.echo', effect: 'read', idempotency: 'safe', mode: 'local', timeout_ms: 5_000 } as const;
    const steps = Array.from({ length: 60 }, (_, ix) =>
      action(`s${ix}`, { ...local, name: `Look ${ix}`, with: { n: ix } }),
    );
    const run = await launch(plan(steps, { outputs: { last: { $: ['.', outputsOf('s59').$, 'n'] as never } } }));
    expect(await run.result()).toEqual({ status: 'completed', outputs: { last: 59 } });
    const { events = [] } = await run.handle.fetchHistory();
    const markers = events?.filter((event) => event.markerRecordedEventAttributes) ?? [];
    // Every 51st is remote; the last marker is that of the records.
    expect(markers).toHaveLength(59 + 1);
    expect(events?.length).toBeLessThanOrEqual(1.2 * 60 + 6);
    expect(String(markers[3]?.userMetadata?.summary?.data)).toBe('"Look 3"');
    expect(records.ends.filter(({ run_id }) => run_id === run.id)).toHaveLength(60);
    const found = readHistory(run.id, await run.handle.fetchHistory()).attempts;
    expect(found).toHaveLength(60);
    expect(found[7]).toMatchObject({ path: 's7', name: 'Look 7', status: 'completed', outputs: { n: 7 }, attempt: 1 });
  });

  it('keeps steps side by side local: all wait for the remote one in between', async () => {
    const look = action('look', {
      ...{ action: 't.echo', effect: 'read', idempotency: 'safe', mode: 'local', timeout_ms: 5_000 },
      with: { n: { $: ['v', 'index'] as never } },
    } as const);
    const last = { $: ['.', outputsOf('f').$, 'last'] as never };
    const run = await launch(treePlan([forEach('f', 130, [look], { concurrency: 10 })], { outputs: { last } }));
    expect(await run.result()).toEqual({ status: 'completed', outputs: { last: { n: 129 } } });
    const { events = [] } = await run.handle.fetchHistory();
    expect(events?.filter((event) => event.activityTaskScheduledEventAttributes)).toHaveLength(2);
    // The 51st is remote and hangs; those that wait for it are cancelled with it, and never ran.
    const hanging = await launch(
      treePlan([forEach('f', 70, [{ ...look, action: 't.hang_at_50' }], { concurrency: 10 })]),
    );
    const began = (): number =>
      calls.filter(({ name, run: id }) => name === 't.hang_at_50' && id === hanging.id).length;
    await until('the remote one runs', () => began() === 51);
    await hanging.handle.signal('cancelRun', { by: 'ann', reason: 'enough' });
    expect(await hanging.result()).toMatchObject({ status: 'cancelled' });
    expect(began()).toBe(51);
    const end = hanging.log().find((one) => one.t === 'step' && one.path === 'f');
    expect(end).toMatchObject({ error: { code: 'cancelled' } });
  });

  it('repeats, fails and cancels local steps as remote ones', async () => {
    const local = { effect: 'read', idempotency: 'safe', mode: 'local', timeout_ms: 5_000 } as const;
    const retry = { attempts: 3, backoff: { ...DEFAULT_BACKOFF, first_ms: 10 } };
    const flaky = await launch(plan([action('a', { ...local, action: 't.flaky', retry })]));
    expect(await flaky.result()).toMatchObject({ status: 'completed' });
    const ends = records.ends.filter(({ run_id }) => run_id === flaky.id);
    expect(ends.map(({ attempt, status }) => `${attempt} ${status}`)).toEqual(['1 failed', '2 failed', '3 completed']);
    const broken = await launch(plan([action('a', { ...local, action: 't.broken', retry })]));
    expect((await failureOf(broken.result())).details[0]).toMatchObject({
      code: 'http_status',
      status: 500,
      path: 'a',
    });
    expect(readHistory(broken.id, (await broken.handle.fetchHistory()) as never).attempts).toMatchObject([
      { path: 'a', status: 'failed', error: { code: 'http_status' } },
    ]);
    const hanging = await launch(
      plan([action('a', { ...local, action: 't.hang', timeout_ms: 1_000, retry: { ...retry, attempts: 1 } })]),
    );
    expect((await failureOf(hanging.result())).details[0]).toMatchObject({ code: 'timeout' });
    const stopped = await launch(plan([action('a', { ...local, action: 't.hang', timeout_ms: 1_500 })]));
    await until('the local step runs', () => calls.some(({ name, run }) => name === 't.hang' && run === stopped.id));
    await stopped.handle.signal('cancelRun', { by: 'ann', reason: 'enough' });
    expect(await stopped.result()).toMatchObject({ status: 'cancelled' });
  });

  it('refuses one step more than the plan may run', async () => {
    const over = await launch(
      plan(
        ['a', 'b', 'c'].map((id) => action(id, { action: 't.echo' })),
        { limits: { steps: 2 } },
      ),
    );
    expect((await failureOf(over.result())).details[0]).toMatchObject({ code: 'limit_steps' });
  });

  it('runs holders: branches share a task, loops carry their records once', async () => {
    const branches = Object.fromEntries(
      Array.from({ length: 10 }, (_, ix) => [`b${ix}`, [action(`x${ix}`, { action: 't.echo', with: { n: ix } })]]),
    );
    const run = await launch(treePlan([parallel('p', branches)], { outputs: { p: outputsOf('p') } }));
    expect(await run.result()).toMatchObject({ outputs: { p: { b3: { n: 3 } } } });
    const { events } = await run.handle.fetchHistory();
    // Three a branch and the workflow tasks that completions share (design §8: at most 3.5 a branch).
    expect(((events?.length ?? 0) - 6) / 10).toBeLessThanOrEqual(5);
    const loop = await launch(
      treePlan([forEach('f', 4, [transform('t', [['i', { $: ['v', 'item'] }]]), action('y', { action: 't.echo' })])]),
    );
    await loop.result();
    const carried = (await loop.handle.fetchHistory()).events?.flatMap(
      ({ activityTaskScheduledEventAttributes: task }) => (task?.input?.payloads?.length === 2 ? [task] : []),
    );
    expect(carried).toHaveLength(4);
    expect(loop.log().filter((one) => one.t === 'step' && one.id === 't')).toHaveLength(4);
  });

  it('keeps a decision that is about an opening which the run has not seen yet', async () => {
    const run = await launch(plan([gate('g'), action('a', { action: 't.echo' })]));
    const decide = (seq: number): Promise<DecideGateAnswer> =>
      run.handle.executeUpdate<DecideGateAnswer, [DecideGate]>('decideGate', {
        args: [{ gate: 'h', seq, decision: 'approve', id: `d${seq}`, by: 'ann' }],
      });
    await expect(decide(1)).rejects.toThrow();
    expect(
      await run.handle.executeUpdate<DecideGateAnswer, [DecideGate]>('decideGate', {
        args: [{ gate: 'g', seq: 3, decision: 'approve', id: 'ok', by: 'ann' }],
      }),
    ).toMatchObject({ answer: 'applied' });
    await expect(
      run.handle.executeUpdate<DecideGateAnswer, [DecideGate]>('decideGate', {
        args: [{ gate: 'g', seq: 99, decision: 'approve', id: 'later', by: 'bob' }],
      }),
    ).rejects.toThrow();
    await run.result();
  });

  it('repeats a failed attempt with the same key, without events', async () => {
    const backoff = { first_ms: 20, factor: 1, max_ms: 20, jitter: 0 };
    const run = await launch(plan([action('a', { action: 't.flaky', retry: { attempts: 3, backoff } })]));
    await run.result();
    const mine = calls.filter((call) => call.run === run.id);
    expect(mine.map((call) => call.attempt)).toEqual([1, 2, 3]);
    expect(new Set(mine.map((call) => call.key)).size).toBe(1);
    expect((await run.handle.fetchHistory()).events?.length).toBe(5 + 6 + 1);
    expect(records.ends.filter((end) => end.run_id === run.id).map((end) => end.status)).toEqual([
      'failed',
      'failed',
      'completed',
    ]);
  });

  it('ends failed after the author’s number of attempts, with the error of the last', async () => {
    const backoff = { first_ms: 20, factor: 1, max_ms: 20, jitter: 0 };
    const run = await launch(plan([action('a', { action: 't.flaky', retry: { attempts: 2, backoff } })]));
    expect((await failureOf(run.result())).details[0]).toMatchObject({ code: 'busy', attempt: 2 });
  });

  it('fails typed, not as a workflow task', async () => {
    const run = await launch(plan([action('a', { action: 't.broken' })]));
    expect((await failureOf(run.result())).details[0]).toMatchObject({ code: 'http_status', status: 500, path: 'a' });
  });

  it('refuses an action whose contract changed', async () => {
    const run = await launch(
      plan([action('a', { action: 't.echo' })], { actions: { 't.echo': { pack: 'test', contract: 'sha256:old' } } }),
    );
    expect((await failureOf(run.result())).details[0]).toMatchObject({ code: 'action_contract_changed' });
  });

  it('takes a decision by update, once, and one by signal', async () => {
    const two = plan([agent('why'), gate('one'), gate('two'), action('act', { action: 't.echo' })]);
    const run = await launch(two);
    await until('the run has come that far', () => run.log().some((one) => one.t === 'gate'));
    expect(await run.handle.query('__stack_trace')).toBe('');
    const decide = (decision: string, id: string): Promise<DecideGateAnswer> =>
      run.handle.executeUpdate<DecideGateAnswer, [DecideGate]>('decideGate', {
        args: [{ gate: 'one', decision: decision as DecideGate['decision'], id, by: 'ann' }],
        updateId: id,
      });
    expect(await decide('approve', 'd1')).toEqual({ answer: 'applied', status: 'approved' });
    expect(await decide('approve', 'd1')).toEqual({ answer: 'applied', status: 'approved' });
    expect(await decide('reject', 'd2')).toMatchObject({ answer: 'refused', code: 'gate_closed' });
    await run.handle.signal('decideGate', { gate: 'two', decision: 'approve' });
    expect(await run.result()).toMatchObject({ status: 'completed' });
    expect(
      run
        .log()
        .filter((one) => one.t === 'decision')
        .map((one) => one.decision.by),
    ).toEqual(['ann', 'temporal-ui']);
  });

  it('keeps a decision by signal for the gate that opens in the same workflow task', async () => {
    // Two workers, so that the step can end while nobody decides: both then come with one workflow task.
    const queue = `interpreter-${randomUUID()}`;
    const held: { release?: () => void } = {};
    const acts = await Worker.create({
      connection: native,
      taskQueue: queue,
      activities: {
        runAction: () => new Promise((resolve) => (held.release = () => resolve({ o: {} }))),
      },
    });
    const bundle = await workflowBundle();
    const decider = (): Promise<Worker> =>
      Worker.create({
        connection: native,
        taskQueue: queue,
        workflowBundle: bundle,
        enableNonLocalActivities: false,
        maxCachedWorkflows: 0,
        activities: { recordProgress: () => Promise.resolve() },
      });
    const work = acts.run();
    let deciding = await decider();
    let ended = deciding.run();
    const run = await launch(plan([action('a', { action: 't.echo' }), gate('g')]), {}, { queue });
    await until('the step runs', () => held.release !== undefined);
    deciding.shutdown();
    await ended;
    await run.handle.signal('decideGate', { gate: 'g', decision: 'approve' });
    held.release?.();
    await until('the step has ended', async () =>
      ((await run.handle.fetchHistory()).events ?? []).some((event) => event.activityTaskCompletedEventAttributes),
    );
    deciding = await decider();
    ended = deciding.run();
    expect(await run.result()).toEqual({ status: 'completed', outputs: {} });
    deciding.shutdown();
    acts.shutdown();
    await Promise.all([ended, work]);
  });

  it('opens a gate that is the first step before an early decision arrives', async () => {
    const run = await launch(plan([gate('one')]));
    const answer = await run.handle.executeUpdate('decideGate', {
      args: [{ gate: 'one', decision: 'approve', id: 'd', by: 'ann' }],
    });
    expect(answer).toMatchObject({ answer: 'applied' });
    await run.result();
  });

  it('turns Cancel of Temporal’s UI into the engine’s cancel, which reaches the work', async () => {
    const run = await launch(plan([action('a', { action: 't.hang' }), action('b', { action: 't.echo' })]));
    await until('the run has come that far', () => calls.some((call) => call.name === 't.hang' && call.run === run.id));
    await run.handle.cancel();
    const error = (await run.result().catch((reason: unknown) => reason)) as WorkflowFailedError;
    expect(error.cause?.name).toBe('CancelledFailure');
    expect(run.log().at(-1)).toMatchObject({ t: 'end', status: 'cancelled', steps: { a: 'failed', b: 'skipped' } });
  });

  it('enforces the timeout of a step that hangs; what may have acted is asked about', async () => {
    const once = { attempts: 1, backoff: { first_ms: 1, factor: 1, max_ms: 1, jitter: 0 } };
    const keyed = await launch(plan([action('a', { action: 't.hang', timeout_ms: 200, retry: once })]));
    expect((await failureOf(keyed.result())).details[0]).toMatchObject({ code: 'timeout' });
    const none = await launch(
      plan([action('a', { action: 't.hang', timeout_ms: 200, retry: once, idempotency: 'none' })]),
    );
    await until('the run has come that far', () => none.log().some((one) => one.t === 'gate'));
    await none.handle.executeUpdate('decideGate', {
      args: [{ gate: 'a~recover', decision: 'done', id: 'r', by: 'ann', outputs: { ok: true } }],
    });
    expect(await none.result()).toMatchObject({ status: 'completed' });
  });

  it('never swallows records: the end waits until they are written', async () => {
    expect(await unheard.result()).toMatchObject({ status: 'completed' });
    expect(records.broken.get(unheard.id)).toBe(0);
    expect(unheard.log().map((one) => one.t)).toEqual(['run', 'step', 'end']);
  });

  it('gives the same transitions when handed over after every event', async () => {
    const steps = plan([
      transform('t', [['x', 1]]),
      action('a', { action: 't.echo', with: { x: { $: ['.', ['.', ['.', ['v', 'steps'], 't'], 'outputs'], 'x'] } } }),
      gate('ok'),
      action('b', { action: 't.echo' }),
    ]);
    const plain = await finished(steps);
    const handed = await finished(steps, 1);
    expect(handed).toEqual(plain);
  });

  it('completes 450 branches, and 490 steps where that many are allowed', async () => {
    const lists = Object.fromEntries(
      Array.from({ length: 450 }, (_, ix) => [`b${ix}`, [action(`x${ix}`, { action: 't.echo' })]]),
    );
    const wide = await launch(treePlan([parallel('p', lists)], { limits: { steps: 1_000 } }));
    for (const run of [wide, long]) expect(await run.result()).toMatchObject({ status: 'completed' });
  }, 240_000);
});

async function finished(runPlan: Plan, handOverAfter?: number): Promise<unknown[]> {
  const run = await launch(runPlan, {}, { handOverAfter });
  await until('the run has come that far', () => run.log().some((one) => one.t === 'gate'));
  const answer = await client.workflow
    .getHandle(workflowIdOf(run.id))
    .executeUpdate('decideGate', { args: [{ gate: 'ok', decision: 'approve', id: 'd', by: 'ann' }] });
  expect(answer).toMatchObject({ answer: 'applied' });
  await client.workflow.getHandle(workflowIdOf(run.id)).result();
  return run.log().map((one) => strip(one));
}

/** A transition without its times. */
function strip(transition: Transition): unknown {
  return JSON.parse(
    JSON.stringify(transition, (key, value: unknown) =>
      ['at', 'started_at', 'expires_at'].includes(key) ? undefined : value,
    ),
  );
}
