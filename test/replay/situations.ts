import type { WorkflowHandle } from '@temporalio/client';
import { z } from 'zod';
import { ActionFailure, defineAction } from '../../src/domain/action.js';
import type { Reused, Transition } from '../../src/domain/engine/state.js';
import type { JsonObject } from '../../src/domain/json.js';
import type { Limits, Plan, PlanNode, Retry, Val } from '../../src/domain/plan.js';
import { ActionRegistry } from '../../src/registry/registry.js';
import { CANCEL_RUN, DECIDE_GATE, type CancelRun, type DecideGate } from '../../workflows/contract.js';
import {
  action,
  agent,
  block,
  choice,
  forEach,
  gate,
  handling,
  parallel,
  planOf,
  transform,
  treeOf,
  wait,
  type Nested,
} from '../support/plans.js';

/** What a situation can do with its run while it is recorded. */
export interface Recording {
  handle: WorkflowHandle;
  /** What the run has recorded so far. */
  transitions(): readonly Transition[];
  /** Resolves when the run has recorded a transition of this kind about this path. */
  seen(kind: Transition['t'], path?: string): Promise<void>;
  /** Resolves when an attempt at the step runs. */
  works(path: string): Promise<void>;
}

/** One way a run can go. Its name is part of the file's name. */
export interface Situation {
  name: string;
  plan: Plan;
  inputs?: JsonObject;
  /** Results that the run takes over from one that it repeats. */
  reuse?: Readonly<Record<string, Reused>>;
  /** Engine events after which the run is handed over to a new execution; every execution becomes a file. */
  handOverAfter?: number;
  /** Times that the catalog refuses the run's records first. */
  refusals?: number;
  /** What people do meanwhile. */
  drive?: (run: Recording) => Promise<void>;
  /** The history is kept while the run is still open. */
  open?: true;
}

/** A step of this action looks like one whose worker was killed: nothing is heard of it any more. */
export const VANISHING = 'replay.vanish';

const any = z.record(z.string(), z.json());
type Execute = (input: JsonObject, context: { attempt: number; signal: AbortSignal }) => Promise<JsonObject>;
const aborted = (signal: AbortSignal): Promise<never> =>
  new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)));

function fake(name: string, effect: 'read' | 'write', execute: Execute) {
  return defineAction<JsonObject, JsonObject>({
    name,
    summary: name,
    input: any,
    output: any,
    traits: { effect, idempotency: effect === 'read' ? 'safe' : 'keyed' },
    errors: {},
    execute,
  });
}

const busy = new ActionFailure({ code: 'busy', message: 'busy', retryable: true });
const broken = new ActionFailure({ code: 'http_status', message: 'no', retryable: false, status: 500 });

/** The actions that the situations use. */
export const situationActions = new ActionRegistry([
  {
    name: 'replay',
    version: '1.0.0',
    actions: [
      fake('replay.echo', 'write', (input) => Promise.resolve(input)),
      fake('replay.look', 'read', (input) => Promise.resolve(input)),
      fake('replay.flaky', 'write', (input, { attempt }) =>
        attempt < 3 ? Promise.reject(busy) : Promise.resolve(input),
      ),
      fake('replay.progress', 'read', (input, { attempt }) => Promise.resolve({ ...input, n: attempt })),
      fake('replay.unreachable', 'read', () => Promise.reject(broken)),
      fake('replay.broken', 'write', () => Promise.reject(broken)),
      fake('replay.hang', 'write', (_, { signal }) => aborted(signal)),
      // The second round, which a recovery gate asks for, counts its attempts from a thousand.
      fake('replay.hang-once', 'write', (input, { attempt, signal }) =>
        attempt < 1_000 ? aborted(signal) : Promise.resolve(input),
      ),
      fake(VANISHING, 'write', (input) => Promise.resolve(input)),
    ],
  },
]);

const lock = Object.fromEntries(
  situationActions
    .names()
    .map((name) => [name, { pack: 'replay@1.0.0', contract: situationActions.find(name)?.contract ?? '' }]),
);

interface PlanExtras {
  limits?: Partial<Limits>;
  outputs?: Plan['outputs'];
}
const plan = (nodes: PlanNode[], more: PlanExtras = {}): Plan =>
  planOf(nodes, { id: 'replay.situation', actions: lock, ...more });

const tree = (nodes: Nested[], more: Parameters<typeof treeOf>[1] = {}): Plan =>
  treeOf(nodes, { id: 'replay.situation', actions: lock, ...more });

const once: Retry = { attempts: 1, backoff: { first_ms: 1, factor: 1, max_ms: 1, jitter: 0 } };
const thrice: Retry = { attempts: 3, backoff: { first_ms: 20, factor: 1, max_ms: 20, jitter: 0 } };
const output = (step: string, field: string) => ({ $: ['.', ['.', ['.', ['v', 'steps'], step], 'outputs'], field] });
const echo = (id: string, fields: Parameters<typeof action>[1] = {}) =>
  action(id, { action: 'replay.echo', ...fields });
const look = (id: string) =>
  action(id, { action: 'replay.look', effect: 'read', idempotency: 'safe', with: { of: id } });

const decide = ({ handle }: Recording, message: DecideGate): Promise<unknown> =>
  handle.executeUpdate(DECIDE_GATE, { args: [message] });
const tell = ({ handle }: Recording, message: DecideGate): Promise<void> => handle.signal(DECIDE_GATE, message);
const cancelBySignal = async ({ handle }: Recording): Promise<void> => {
  const [message]: [CancelRun] = [{ by: 'ann', reason: 'not needed any more' }];
  await handle.signal(CANCEL_RUN, message);
};

/** A step that may have acted, and what a person says about it. */
function recovery(decision: 'done' | 'retry' | 'fail', name: string): Situation {
  const effect = echo('act', { action: name, timeout_ms: 150, retry: once, idempotency: 'none' });
  return {
    name: `recovery-${decision}`,
    plan: plan([effect, echo('after')]),
    drive: async (run) => {
      await run.seen('gate', 'act~recover');
      const outputs = decision === 'done' ? { outputs: { ok: true } } : {};
      await decide(run, { gate: 'act~recover', decision, id: 'd1', by: 'ann', ...outputs });
    },
  };
}

const approval = (): PlanNode[] => [agent('why'), gate('ok', { message: 'Go on?' }), echo('act', { with: { n: 1 } })];
const atGate = (then: (run: Recording) => Promise<unknown>) => async (run: Recording) => {
  await run.seen('gate', 'ok');
  await then(run);
};

/** Results of a run that is repeated. */
const REPEATED = '6f1d3c1e-0000-4000-8000-00000000000b';
const did: Reused = { status: 'completed', outputs: { x: 1 }, run: REPEATED };
const failed: Reused = {
  status: 'failed',
  run: REPEATED,
  error: {
    code: 'http_status',
    message: 'no',
    step: 'x',
    path: 'x',
    attempt: 1,
    retryable: false,
    at: '2026-11-21T12:00:00.000Z',
  },
};

/** Expressions that cost so much that the interpreter lets other work in between. */
const heavy = { $: ['map', ['v', 'inputs'], 'x', ['l', ...Array.from({ length: 150 }, () => 1)]] } as Val;
const keys = Object.fromEntries(Array.from({ length: 250 }, (_, ix) => [`k${ix}`, ix]));

/** Results that are looked at by the worker, and steps that run in the worker that decides. */
function reading(): Situation[] {
  const read = { effect: 'read', idempotency: 'safe' } as const;
  const local = { ...read, mode: 'local', timeout_ms: 5_000 } as const;
  const until = ['==', ['.', ['v', 'result'], 'n'], 3] as never;
  const poll = { action: 'replay.progress', retry: { ...thrice, until } };
  const chain = Array.from({ length: 53 }, (_, ix) => action(`s${ix}`, { ...local, action: 'replay.look' }));
  return [
    {
      name: 'until',
      plan: plan([action('a', { ...read, ...poll, outputs: { n: { $: ['.', ['v', 'result'], 'n'] } } })], {
        outputs: { n: output('a', 'n') },
      }),
    },
    { name: 'until-local', plan: plan([action('a', { ...local, ...poll })]) },
    { name: 'local', plan: plan(chain) },
    { name: 'local-failed', plan: plan([action('a', { ...local, action: 'replay.unreachable' }), echo('b')]) },
    {
      name: 'local-loop',
      plan: tree([
        forEach('f', 62, [action('x', { ...local, action: 'replay.look' })], { concurrency: 5, keep: [] }),
        echo('after'),
      ]),
    },
    {
      name: 'local-parallel',
      plan: tree([
        parallel('p', {
          near: [action('x', { ...local, action: 'replay.look' }), action('y', { ...local, action: 'replay.look' })],
          far: [look('z')],
        }),
      ]),
    },
  ];
}

/** Steps that hold others, what follows failures, and waits. */
function holders(): Situation[] {
  const broken = (id: string) => echo(id, { action: 'replay.broken' });
  const hang = (id: string) => echo(id, { action: 'replay.hang', timeout_ms: 60_000 });
  const pause: Retry = { attempts: 2, backoff: { first_ms: 20, factor: 1, max_ms: 20, jitter: 0 } };
  const flaky = echo('x', { action: 'replay.flaky', retry: once });
  const more = ['==', ['v', 'prev'], null] as never;
  return [
    { name: 'block', plan: tree([block('b', [echo('a'), look('c')], { finally: [echo('z')] }), echo('after')]) },
    { name: 'block-retried', plan: tree([block('b', [echo('a'), flaky], { retry: pause })]) },
    {
      name: 'block-timeout',
      plan: tree([handling(block('b', [hang('a'), echo('c')], { timeout_ms: 300 }), { do: [echo('h')] })]),
    },
    {
      name: 'switch',
      plan: tree([
        choice('s', [
          ['one', false, [echo('a')]],
          ['two', true, [echo('c')]],
          ['default', undefined, [echo('d')]],
        ]),
      ]),
    },
    {
      name: 'parallel',
      plan: tree([parallel('p', { a: [echo('x'), look('y')], b: [echo('z')], c: [transform('t', [])] })]),
    },
    {
      name: 'parallel-concurrency',
      plan: tree([parallel('p', { a: [echo('x')], b: [echo('y')], c: [echo('z')] }, { concurrency: 2 })]),
    },
    { name: 'parallel-fail-fast', plan: tree([parallel('p', { a: [broken('x')], b: [hang('y')] }), echo('after')]) },
    {
      name: 'parallel-collect',
      plan: tree([parallel('p', { a: [broken('x')], b: [echo('y')] }, { mode: 'collect' })]),
    },
    {
      name: 'parallel-join',
      plan: tree([parallel('p', { a: [echo('x')], b: [hang('y')] }, { join: 1 }), echo('after')]),
    },
    {
      name: 'parallel-gates',
      plan: tree([parallel('p', { a: [gate('g'), echo('x')], b: [gate('h'), echo('y')] })]),
      drive: async (run) => {
        await run.seen('gate', 'p:b.h');
        await decide(run, { gate: 'p:b.h', decision: 'approve', id: 'd1', by: 'ann' });
        await decide(run, { gate: 'p:a.g', decision: 'approve', id: 'd2', by: 'bob' });
      },
    },
    {
      name: 'for-each',
      plan: tree(
        [forEach('f', ['p', 'q', 'r'], [echo('x', { with: { item: { $: ['v', 'item'] } } })], { concurrency: 2 })],
        {
          outputs: { last: { $: ['.', ['.', ['.', ['v', 'steps'], 'f'], 'outputs'], 'last'] } },
        },
      ),
    },
    {
      name: 'for-each-long-lists',
      plan: tree([
        forEach('many', 3, [transform('t', [['text', 'x'.repeat(17_000)]])], { keep: [['results']] }),
        forEach('f', { $: ['.', ['.', ['.', ['v', 'steps'], 'many'], 'outputs'], 'results'] }, [echo('x')], {
          keep: [],
        }),
      ]),
    },
    { name: 'for-each-while', plan: tree([forEach('f', 5, [echo('x')], { while: more })]) },
    { name: 'for-each-failed', plan: tree([forEach('f', 3, [broken('x')], {})]) },
    {
      name: 'handled',
      plan: tree([handling(broken('a'), { codes: ['http_*'], do: [echo('h')], outputs: { n: 1 } }), echo('b')]),
    },
    {
      name: 'handled-by-the-plan',
      plan: tree([broken('a')], { on_error: [{ do: [echo('h')] }], finally: [echo('z')] }),
    },
    {
      name: 'rerun',
      plan: tree([
        echo('a', { with: { x: 1 } }),
        handling(broken('x'), { do: [echo('h')] }),
        forEach('l', [1, 2, 3], [echo('i')], { concurrency: 3 }),
        echo('b', { with: { x: output('a', 'x') } }),
      ]),
      reuse: { a: did, x: failed, 'x!0.h': did, 'l[0].i': did, 'l[2].i': did },
    },
    {
      name: 'finally-after-cancel',
      plan: tree([block('b', [hang('a')], { finally: [echo('y')] })], { finally: [echo('z')] }),
      drive: async (run) => {
        await run.works('b.a');
        await cancelBySignal(run);
      },
    },
    { name: 'wait', plan: tree([wait('w', { for: '0.3s' }), wait('v', { until: '2020-01-01T00:00:00Z' }), echo('a')]) },
    {
      name: 'handed-over-holders',
      plan: tree([
        forEach('f', 2, [block('b', [echo('x'), gate('g')])]),
        parallel('p', { a: [echo('y')], c: [wait('w', { for: '0.1s' })] }),
      ]),
      handOverAfter: 1,
      drive: async (run) => {
        for (const n of [0, 1]) {
          await run.seen('gate', `f[${n}].b.g`);
          await decide(run, { gate: `f[${n}].b.g`, decision: 'approve', id: `d${n}`, by: 'ann' });
        }
      },
    },
  ];
}

/** Every kind of step and every way out of it that the interpreter knows. */
export const SITUATIONS: readonly Situation[] = [
  {
    name: 'action',
    plan: plan([echo('a', { with: { n: 1 } }), echo('b'), look('c')], { outputs: { n: output('a', 'n') } }),
  },
  { name: 'agent', plan: plan([agent('why'), echo('b', { with: { why: output('why', 'text') } })]) },
  {
    name: 'transform',
    plan: plan([
      transform('t', [['x', 1]]),
      echo('a', { with: { x: output('t', 'x') } }),
      transform('u', [['y', output('a', 'x')]]),
    ]),
  },
  { name: 'transform-only', plan: plan([transform('t', [['x', 1]])], { outputs: { x: output('t', 'x') } }) },
  {
    name: 'transform-assert-failed',
    plan: plan([look('a'), transform('t', [['x', 1]], { assert: [{ that: ['==', 1, 2] }] })]),
  },
  { name: 'when-skipped', plan: plan([echo('a', { when: false }), echo('b')]) },
  {
    name: 'gate-approved-by-update',
    plan: plan(approval()),
    drive: atGate((run) => decide(run, { gate: 'ok', decision: 'approve', id: 'd1', by: 'ann', reason: 'fine' })),
  },
  {
    name: 'gate-approved-by-signal',
    plan: plan(approval()),
    drive: atGate((run) => tell(run, { gate: 'ok', decision: 'approve' })),
  },
  {
    name: 'gate-approved-by-two',
    plan: plan([gate('ok', { require: 2 }), echo('act')]),
    drive: atGate(async (run) => {
      await decide(run, { gate: 'ok', decision: 'approve', id: 'd1', by: 'ann' });
      await decide(run, { gate: 'ok', decision: 'reject', id: 'd2', by: 'ann' });
      await decide(run, { gate: 'ok', decision: 'approve', id: 'd3', by: 'bob' });
    }),
  },
  {
    name: 'gate-rejected',
    plan: plan(approval()),
    drive: atGate((run) => decide(run, { gate: 'ok', decision: 'reject', id: 'd1', by: 'ann', reason: 'no' })),
  },
  { name: 'gate-expired', plan: plan([gate('ok', { timeout_ms: 200 }), echo('act')]) },
  { name: 'gate-open', plan: plan(approval()), drive: atGate(() => Promise.resolve()), open: true },
  { name: 'retry', plan: plan([echo('a', { action: 'replay.flaky', retry: thrice }), echo('b')]) },
  { name: 'failed', plan: plan([echo('a', { action: 'replay.broken' }), echo('b')]) },
  { name: 'timeout', plan: plan([echo('a', { action: 'replay.hang', timeout_ms: 150, retry: once })]) },
  {
    name: 'run-timeout',
    plan: plan([echo('a', { action: 'replay.hang' }), echo('b')], { limits: { run_time_ms: 300 } }),
  },
  {
    name: 'run-timeout-checked',
    plan: plan(
      [
        echo('a', {
          action: 'replay.flaky',
          retry: { attempts: 3, backoff: { first_ms: 600, factor: 1, max_ms: 600, jitter: 0 } },
        }),
      ],
      { limits: { run_time_ms: 500 } },
    ),
  },
  {
    name: 'cancel-step',
    plan: plan([echo('a', { action: 'replay.hang' }), echo('b')]),
    drive: async (run) => {
      await run.works('a');
      await cancelBySignal(run);
    },
  },
  {
    name: 'cancel-from-temporal',
    plan: plan([echo('a', { action: 'replay.hang' }), echo('b')]),
    drive: async (run) => {
      await run.works('a');
      await run.handle.cancel();
    },
  },
  { name: 'cancel-gate', plan: plan(approval()), drive: atGate(cancelBySignal) },
  recovery('done', 'replay.hang'),
  recovery('retry', 'replay.hang-once'),
  recovery('fail', 'replay.hang'),
  {
    name: 'recovery-worker-lost',
    plan: plan([echo('act', { action: VANISHING, idempotency: 'none' })]),
    drive: async (run) => {
      await run.seen('gate', 'act~recover');
      await decide(run, { gate: 'act~recover', decision: 'done', id: 'd1', by: 'ann', outputs: { ok: true } });
    },
  },
  {
    name: 'yield',
    plan: plan(
      Array.from({ length: 12 }, (_, ix) =>
        transform(
          `t${ix}`,
          [
            ['x', heavy],
            ['y', heavy],
          ],
          { outputs: { n: 1 } },
        ),
      ),
    ),
    inputs: keys,
  },
  ...reading(),
  ...holders(),
  { name: 'records-delayed', plan: plan([transform('t', [['x', 1]])]), refusals: 2 },
  {
    name: 'handed-over',
    plan: plan([transform('t', [['x', 1]]), echo('a', { with: { x: output('t', 'x') } }), gate('ok'), echo('b')]),
    handOverAfter: 1,
    drive: atGate((run) => decide(run, { gate: 'ok', decision: 'approve', id: 'd1', by: 'ann' })),
  },
];
