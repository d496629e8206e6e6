import { describe, expect, it } from '@jest/globals';
import { ref, Rig, tree } from '../../../../test/support/engine-rig.js';
import {
  action,
  block,
  choice,
  forEach,
  gate,
  handling,
  parallel,
  transform,
  treeOf,
  wait,
} from '../../../../test/support/plans.js';
import { DEFAULT_BACKOFF } from '../../plan.js';
import { advance, resume } from '../engine.js';

const MINUTE = 60_000;
const LIST = { artifact: 'a', sha256: 's', bytes: 1 };
const TRUE = tree(true);
const FALSE = tree(false);
const BROKEN = tree(['.', ['v', 'inputs'], 'missing']);
const equals = (path: never, value: unknown): never => tree(['==', (path as { $: unknown }).$, value]);
const read = (...path: string[]): never => ref(...path) as never;
const error = (rig: Rig): object => rig.state.error as object;

describe('a block', () => {
  it('gives the result of its list, and closes what is inside', () => {
    const plan = treeOf(
      [
        block('b', [action('x'), transform('t', [['n', ref('steps', 'x', 'outputs', 'n')]])]),
        action('after', { with: { got: ref('steps', 'b', 'outputs', 'n') } }),
      ],
      { outputs: { inner: ref('steps', 'x') } },
    );
    const rig = new Rig(plan);
    expect(rig.commands).toMatchObject([{ c: 'action', path: 'b.x' }]);
    expect(rig.done('b.x', { n: 4 })).toMatchObject([{ c: 'action', path: 'after', input: { got: 4 } }]);
    expect(Object.keys(rig.state.frames)).toEqual(['root']);
    expect(rig.state.holds).toEqual({ root: expect.anything() });
    rig.done('after');
    expect(error(rig)).toMatchObject({ code: 'expression_error', detail: 'missing_key' });
    expect(rig.log.at(-1)).toMatchObject({ t: 'end', ended: 4, steps: { b: 'completed', after: 'completed' } });
  });

  it('has outputs of its own, and none of a list without any', () => {
    const rig = new Rig(
      treeOf(
        [
          block('a', [transform('t', [['n', 1]])], { outputs: { m: ref('steps', 't', 'outputs', 'n') } }),
          block('b', [transform('u', [['x', 1]], { when: FALSE })]),
        ],
        { outputs: { a: ref('steps', 'a', 'outputs'), b: ref('steps', 'b', 'outputs') } },
      ),
    );
    expect(rig.state.outputs).toEqual({ a: { m: 1 }, b: {} });
  });

  it('fails with the error of its step, unchanged, and when its outputs cannot be computed', () => {
    const rig = new Rig(treeOf([block('b', [action('x'), action('y')])]));
    rig.fail('b.x', 'boom');
    expect(error(rig)).toMatchObject({ code: 'boom', path: 'b.x' });
    expect(rig.steps()).toEqual({ 'b.x': 'boom', 'b.y': 'not_reached', b: 'boom' });
    const outputs = new Rig(treeOf([block('b', [transform('t', [])], { outputs: { x: ref('inputs', 'missing') } })]));
    expect(error(outputs)).toMatchObject({ code: 'expression_error', path: 'b', step: 'b' });
  });

  it('tries again with fresh addresses, keys and names', () => {
    const retry = { attempts: 3, backoff: { ...DEFAULT_BACKOFF, jitter: 0 } };
    const plan = treeOf([block('b', [action('x'), action('y')], { retry })]);
    const rig = new Rig(plan);
    const first = rig.commands[0] as { key: string };
    rig.fail('b.x', 'http_status', { retryable: true });
    expect(rig.state.phase).toBe('retry');
    expect(rig.state.wake).toBe(rig.now + 1_000);
    rig.feed({ t: 'tick', now: rig.now + 1_000 });
    expect(rig.commands).toMatchObject([
      { c: 'action', path: 'b#2.x' },
      { c: 'wake', at: null },
    ]);
    expect((rig.commands[0] as { key: string }).key).not.toBe(first.key);
    rig.done('b#2.x');
    rig.done('b#2.y');
    expect(rig.state.status).toBe('completed');
    expect(rig.log.filter((one) => one.t === 'step' && one.path === 'b')).toMatchObject([{ attempts: 2 }]);
  });

  it('ends when its attempts are used up, and spreads its pauses', () => {
    const rig = new Rig(treeOf([block('b', [action('x')], { retry: { attempts: 2, backoff: DEFAULT_BACKOFF } })]));
    rig.fail('b.x', 'timeout', { retryable: true });
    const pause = (rig.state.wake ?? 0) - rig.now;
    expect(pause).toBeGreaterThanOrEqual(800);
    expect(pause).toBeLessThanOrEqual(1_200);
    rig.feed({ t: 'tick', now: rig.now + 2_000 });
    rig.fail('b#2.x', 'timeout', { retryable: true });
    expect(error(rig)).toMatchObject({ code: 'timeout', path: 'b#2.x' });
  });

  it('settles its inside when its time is over, then fails or tries again', () => {
    const retry = { attempts: 2, backoff: DEFAULT_BACKOFF };
    const rig = new Rig(treeOf([block('b', [action('x'), action('y')], { timeout_ms: MINUTE, retry })]));
    rig.feed({ t: 'tick', now: rig.now + MINUTE });
    expect(rig.commands).toMatchObject([
      { c: 'cancel', path: 'b.x', scope: 'b' },
      { c: 'wake', at: rig.now + MINUTE },
    ]);
    rig.fail('b.x', 'cancelled');
    expect(rig.steps()).toEqual({ 'b.x': 'cancelled', 'b.y': 'cancelled' });
    rig.feed({ t: 'tick', now: rig.now + 2_000 });
    rig.feed({ t: 'tick', now: rig.now + MINUTE });
    rig.done('b#2.x');
    expect(error(rig)).toMatchObject({ code: 'timeout', path: 'b', attempt: 1 });
    expect(rig.steps()).toMatchObject({ 'b#2.y': 'cancelled', b: 'timeout' });
  });

  it('does last what it does last, also without a body and while it pauses', () => {
    const bare = new Rig(treeOf([block('b', [action('x')], { when: BROKEN, finally: [action('z')] })]));
    expect(bare.commands).toMatchObject([{ c: 'action', path: 'b~finally.z' }, { c: 'wake' }]);
    bare.done('b~finally.z');
    expect(error(bare)).toMatchObject({ code: 'expression_error', path: 'b' });
    const retry = { attempts: 2, backoff: DEFAULT_BACKOFF };
    const last = action('z', { with: { of: ref('steps', 'x', 'status') } });
    const paused = new Rig(treeOf([block('b', [action('x')], { retry, finally: [last] })]));
    paused.fail('b.x', 'timeout', { retryable: true });
    paused.feed({ t: 'cancel', by: 'ann', reason: '' });
    expect(paused.commands).toMatchObject([
      { c: 'action', path: 'b~finally.z', input: { of: 'failed' } },
      { c: 'wake' },
    ]);
    paused.done('b~finally.z');
    expect(paused.state.status).toBe('cancelled');
  });

  it('is handed over with tasks that the same event began and cancelled', () => {
    const plan = treeOf([parallel('p', { a: [action('x')], b: [action('y', { with: { v: { $: BROKEN } } })] })]);
    const rig = new Rig(plan);
    expect(rig.names()).toEqual(['action', 'cancel', 'wake']);
    expect(resume(plan, rig.state)).toMatchObject([
      { c: 'action', path: 'p:a.x', scope: 'p' },
      { c: 'cancel', path: 'p:a.x', scope: 'p' },
      { c: 'wake' },
    ]);
  });

  it('can be cancelled while it pauses and while its steps run', () => {
    const retry = { attempts: 2, backoff: DEFAULT_BACKOFF };
    const rig = new Rig(treeOf([block('b', [action('x')], { retry }), action('z')]));
    rig.fail('b.x', 'timeout', { retryable: true });
    rig.feed({ t: 'cancel', by: 'ann', reason: 'enough' });
    expect(rig.state.status).toBe('cancelled');
    expect(rig.steps()).toMatchObject({ b: 'cancelled', z: 'cancelled' });
    const running = new Rig(treeOf([block('b', [action('x'), action('y')], { retry })]));
    running.feed({ t: 'cancel', by: 'ann', reason: '' });
    expect(running.commands).toMatchObject([{ c: 'cancel', path: 'b.x', scope: 'root' }, { c: 'wake' }]);
    running.done('b.x');
    expect(running.steps()).toEqual({ 'b.y': 'cancelled', b: 'cancelled' });
    expect(running.state.status).toBe('cancelled');
  });

  it('skips what it holds with it', () => {
    const rig = new Rig(
      treeOf([
        block(
          'b',
          [
            block('c', [transform('t', [])]),
            choice('s', [['one', TRUE, [transform('u', [])]]]),
            forEach('f', 3, [transform('v', [])]),
          ],
          { when: FALSE },
        ),
      ]),
    );
    expect(rig.steps()).toEqual({
      b: 'when',
      'b.c': 'when',
      'b.c.t': 'when',
      'b.s': 'when',
      'b.s:one.u': 'when',
      'b.f': 'when',
    });
  });
});

describe('a switch', () => {
  const cases = (kind: string): Parameters<typeof choice>[1] => [
    ['full', equals(read('inputs', 'kind'), 'full'), [action('all')]],
    ['part', equals(read('inputs', 'kind'), 'part'), [action('some'), transform('t', [['n', 1]])]],
    ['default', undefined, [transform(kind, [['x', 2]])]],
  ];

  it('runs the first case that fits and skips the others', () => {
    const rig = new Rig(treeOf([choice('s', cases('d'))], { outputs: { s: ref('steps', 's', 'outputs') } }), {
      kind: 'part',
    });
    expect(rig.commands).toMatchObject([{ c: 'action', path: 's:part.some' }]);
    rig.done('s:part.some');
    expect(rig.state.outputs).toEqual({ s: { case: 'part', result: { n: 1 } } });
    expect(rig.steps()).toMatchObject({ 's:full.all': 'not_selected', 's:default.d': 'not_selected', s: 'completed' });
  });

  it('takes the default, or nothing', () => {
    const one = new Rig(treeOf([choice('s', cases('d'))], { outputs: { s: ref('steps', 's', 'outputs') } }), {
      kind: '',
    });
    expect(one.state.outputs).toEqual({ s: { case: 'default', result: { x: 2 } } });
    const none = new Rig(
      treeOf([choice('s', [['a', FALSE, [action('x')]]])], { outputs: { s: ref('steps', 's', 'outputs') } }),
    );
    expect(none.state.outputs).toEqual({ s: { case: null, result: null } });
    expect(none.steps()).toEqual({ 's:a.x': 'not_selected', s: 'completed' });
  });

  it('fails when a condition does, without taking the default', () => {
    const rig = new Rig(
      treeOf([
        choice('s', [
          ['a', BROKEN, [action('x')]],
          ['default', undefined, [action('y')]],
        ]),
      ]),
    );
    expect(error(rig)).toMatchObject({ code: 'expression_error', path: 's' });
    expect(rig.commands.map(({ c }) => c)).toEqual(['record', 'finish']);
  });

  it('fails with the error of its case, its timeout or a cancel', () => {
    const make = (): Rig => new Rig(treeOf([choice('s', [['a', TRUE, [action('x')]]], { timeout_ms: MINUTE })]));
    const failed = make();
    failed.fail('s:a.x', 'boom');
    expect(error(failed)).toMatchObject({ code: 'boom', path: 's:a.x' });
    const late = make();
    late.feed({ t: 'tick', now: late.now + MINUTE });
    late.fail('s:a.x', 'cancelled');
    expect(error(late)).toMatchObject({ code: 'timeout', path: 's' });
    const stopped = make();
    stopped.feed({ t: 'cancel', by: 'ann', reason: '' });
    stopped.done('s:a.x');
    expect(stopped.steps()).toEqual({ s: 'cancelled' });
  });
});

describe('branches', () => {
  const two = (fields: object = {}, more: object = {}): Rig =>
    new Rig(
      treeOf([parallel('p', { b: [action('bx')], a: [action('ax'), action('ay')] }, fields)], {
        outputs: { p: ref('steps', 'p', 'outputs') },
        ...more,
      }),
    );

  it('start in the order of their names and complete together', () => {
    const rig = two();
    expect(rig.commands).toMatchObject([
      { c: 'action', path: 'p:a.ax', scope: 'p' },
      { c: 'action', path: 'p:b.bx', scope: 'p' },
    ]);
    rig.done('p:b.bx', { n: 2 });
    rig.done('p:a.ax');
    rig.done('p:a.ay', { n: 1 });
    expect(rig.state.outputs).toEqual({ p: { a: { n: 1 }, b: { n: 2 } } });
    expect(rig.state.holds).toEqual({ root: expect.anything() });
  });

  it('cancel each other when one fails, settle, then fail with the first error', () => {
    const rig = two();
    expect(rig.fail('p:b.bx', 'boom', { retryable: true })).toMatchObject([
      { c: 'cancel', path: 'p:a.ax' },
      { c: 'wake' },
    ]);
    expect(rig.state.status).toBe('running');
    rig.done('p:a.ax');
    expect(error(rig)).toMatchObject({ code: 'parallel_failed', retryable: true, path: 'p', cause: { code: 'boom' } });
    expect(rig.steps()).toMatchObject({ 'p:a.ay': 'cancelled', p: 'parallel_failed' });
  });

  it('all run under `collect`, whatever happens', () => {
    const rig = two(
      { mode: 'collect' },
      { outputs: { p: ref('steps', 'p', 'outputs'), f: ref('steps', 'p', 'failures') } },
    );
    rig.fail('p:b.bx', 'boom');
    rig.done('p:a.ax');
    rig.fail('p:a.ay', 'bang');
    expect(rig.state.outputs).toMatchObject({ p: {}, f: [{ code: 'boom' }, { code: 'bang' }] });
  });

  it('run as many at once as they may, and those that never began are skipped', () => {
    const rig = two({ concurrency: 1 });
    expect(rig.commands).toMatchObject([{ c: 'action', path: 'p:a.ax' }]);
    rig.fail('p:a.ax', 'boom');
    expect(rig.steps()).toEqual({
      'p:a.ax': 'boom',
      'p:a.ay': 'not_reached',
      'p:b.bx': 'cancelled',
      p: 'parallel_failed',
    });
    const well = two({ concurrency: 1 });
    well.done('p:a.ax');
    expect(well.done('p:a.ay')).toMatchObject([{ c: 'action', path: 'p:b.bx' }]);
  });

  it('are enough when `join` of them completed', () => {
    const rig = two({ join: 1 });
    rig.done('p:b.bx', { n: 2 });
    expect(rig.names()).toContain('cancel');
    rig.done('p:a.ax');
    expect(rig.state.outputs).toEqual({ p: { b: { n: 2 } } });
    expect(rig.steps()).toMatchObject({ 'p:a.ay': 'cancelled', p: 'completed' });
  });

  it('fail once `join` is out of reach, single failures before that do no harm', () => {
    const three = { a: [action('x')], b: [action('y')], c: [action('z')] };
    const rig = new Rig(treeOf([parallel('p', three, { join: 2 })]));
    expect(rig.fail('p:a.x', 'one')).toEqual([]);
    expect(rig.fail('p:b.y', 'two')).toMatchObject([{ c: 'cancel', path: 'p:c.z' }, { c: 'wake' }]);
    rig.fail('p:c.z', 'cancelled');
    expect(error(rig)).toMatchObject({
      code: 'parallel_failed',
      cause: { code: 'one' },
      message: '2 of 3 branches failed: one',
    });
  });

  it('fail with their timeout and keep what was done', () => {
    const rig = new Rig(
      treeOf([handling(parallel('p', { a: [action('x')], b: [action('y')] }, { timeout_ms: MINUTE }), {})], {
        outputs: { p: ref('steps', 'p') },
      }),
    );
    rig.done('p:a.x', { n: 1 });
    rig.feed({ t: 'tick', now: rig.now + MINUTE });
    rig.fail('p:b.y', 'cancelled');
    expect(rig.state.outputs).toMatchObject({
      p: { status: 'failed', handled: true, outputs: { a: { n: 1 } }, failures: [], error: { code: 'timeout' } },
    });
  });

  it('are cancelled with the run', () => {
    const rig = two();
    rig.feed({ t: 'cancel', by: 'ann', reason: '' });
    expect(rig.names().filter((c) => c === 'cancel')).toHaveLength(2);
    rig.done('p:a.ax');
    rig.fail('p:b.bx', 'boom');
    expect(rig.state.status).toBe('cancelled');
    expect(rig.steps()).toMatchObject({ 'p:b.bx': 'boom', p: 'cancelled' });
  });

  it('may each have a gate, and a decision opens only its own', () => {
    const rig = new Rig(treeOf([parallel('p', { a: [gate('g1'), action('x')], b: [gate('g2'), action('y')] })]));
    expect(rig.state.phase).toBe('gate');
    rig.feed({ t: 'gate', path: 'p:b.g2', decision: { decision: 'approve', by: 'ann' } });
    expect(rig.commands).toMatchObject([{ c: 'action', path: 'p:b.y', gates: ['p:b.g2'] }]);
    expect(rig.state.gates['p:a.g1']?.status).toBe('open');
    rig.feed({ t: 'gate', path: 'p:a.g1', decision: { decision: 'reject', by: 'ann' } });
    expect(rig.names()).toContain('cancel');
  });

  it('keep twenty errors', () => {
    const lists = Object.fromEntries(
      Array.from({ length: 25 }, (_, ix) => [`b${ix}`, [transform(`t${ix}`, [['x', ref('inputs', 'no')]])]]),
    );
    const rig = new Rig(
      treeOf([parallel('p', lists, { mode: 'collect' })], { outputs: { f: ref('steps', 'p', 'failures') } }),
    );
    expect(rig.state.outputs?.['f']).toHaveLength(20);
  });

  it('begin at most a hundred tasks with one event', () => {
    const lists = Object.fromEntries(
      Array.from({ length: 150 }, (_, ix) => [`b${String(ix).padStart(3, '0')}`, [action(`x${ix}`)]]),
    );
    const rig = new Rig(treeOf([parallel('p', lists)]));
    expect(rig.names().filter((c) => c === 'action')).toHaveLength(100);
    expect(rig.commands.at(-1)).toEqual({ c: 'wake', at: rig.now + 1 });
    rig.done('p:b000.x0');
    expect(rig.names().filter((c) => c === 'action')).toHaveLength(50);
  });

  it('that wait for the next event are cancelled too', () => {
    const lists = Object.fromEntries(
      Array.from({ length: 120 }, (_, ix) => [`b${String(ix).padStart(3, '0')}`, [action(`x${ix}`)]]),
    );
    const rig = new Rig(treeOf([parallel('p', lists)]));
    rig.feed({ t: 'cancel', by: 'ann', reason: '' });
    for (const path of Object.keys(rig.state.tasks)) rig.done(path);
    expect(rig.state.status).toBe('cancelled');
  });
});

describe('a gate among holders', () => {
  const binds = (rig: Rig, path: string): object[] =>
    rig.log.flatMap((one) => (one.t === 'gate' && one.path === path && one.status === 'open' ? (one.binds ?? []) : []));

  it('shows what can be reached before the next gate, inside of holders too', () => {
    const rig = new Rig(
      treeOf([
        gate('g'),
        action('a', { with: { host: ref('inputs', 'host'), id: { $: ['c', 'uid', 'x'] } } }),
        choice('s', [
          ['one', TRUE, [action('b')]],
          ['two', FALSE, [gate('h'), action('c')]],
        ]),
        forEach('f', 2, [action('d', { with: { n: ref('index'), u: { $: ['c', 'uid', 'x'] }, k: 1 } })]),
        block('k', [action('i')], { when: TRUE }),
        block('l', [action('e'), gate('j')]),
        action('never'),
      ]),
      { host: 'web' },
    );
    expect(binds(rig, 'g')).toMatchObject([
      { path: 'a', input: { host: 'web', id: expect.any(String) }, later: [] },
      { path: 's:one.b' },
      { path: 'f.d', input: { k: 1 }, later: ['n', 'u'] },
      { path: 'k.i' },
      { path: 'l.e' },
    ]);
  });

  it('shows what follows its holder', () => {
    const rig = new Rig(treeOf([block('b', [gate('g')]), action('x', { with: { n: ref('steps', 'b', 'outputs') } })]));
    expect(binds(rig, 'b.g')).toMatchObject([{ path: 'x', later: ['n'] }]);
    rig.feed({ t: 'gate', path: 'b.g', decision: { decision: 'approve', by: 'ann' } });
    expect(rig.commands).toMatchObject([{ c: 'action', path: 'x', gates: ['b.g'] }, { c: 'wake' }]);
  });

  it('does not count in another iteration or attempt', () => {
    const steps = [block('c', [gate('g')]), action('x')];
    const rig = new Rig(treeOf([gate('first'), forEach('f', 2, steps), action('y')]));
    const approve = (path: string): unknown => {
      rig.feed({ t: 'gate', path, decision: { decision: 'approve', by: 'ann' } });
      return rig.commands.find(({ c }) => c === 'action');
    };
    approve('first');
    expect(approve('f[0].c.g')).toMatchObject({ path: 'f[0].x', gates: ['first', 'f[0].c.g'] });
    rig.done('f[0].x');
    expect(approve('f[1].c.g')).toMatchObject({ path: 'f[1].x', gates: ['first', 'f[1].c.g'] });
    expect(rig.done('f[1].x')).toMatchObject([{ path: 'y', gates: ['first', 'f[0].c.g', 'f[1].c.g'] }]);
  });
});

describe('a loop', () => {
  it('runs its list for every item, in order, and sees the one before', () => {
    const rig = new Rig(
      treeOf(
        [
          forEach(
            'f',
            ref('inputs', 'hosts'),
            [action('x', { with: { host: ref('item'), n: ref('index'), was: ref('prev') } })],
            {
              outputs: { done: ref('item') },
            },
          ),
        ],
        { outputs: { f: ref('steps', 'f', 'outputs') } },
      ),
      { hosts: ['a', 'b'] },
    );
    expect(rig.commands).toMatchObject([
      { c: 'action', path: 'f[0].x', input: { host: 'a', n: 0, was: null }, scope: 'f' },
    ]);
    expect(rig.state.holds['f']?.loop).not.toHaveProperty('items');
    rig.done('f[0].x');
    expect(rig.commands).toMatchObject([{ path: 'f[1].x', input: { host: 'b', n: 1, was: { done: 'a' } } }]);
    rig.done('f[1].x');
    expect(rig.state.outputs).toEqual({
      f: {
        count: 2,
        completed: 2,
        failed: 0,
        cancelled: 0,
        skipped: 0,
        last: { done: 'b' },
        failures: [],
        results: [
          { index: 0, status: 'completed', outputs: { done: 'a' } },
          { index: 1, status: 'completed', outputs: { done: 'b' } },
        ],
      },
    });
    expect(rig.log.at(-1)).toMatchObject({ ended: 3 });
  });

  it.each([
    ['nothing', [], []],
    ['zero', 0, []],
    ['a count', 2, [0, 1]],
    ['a list that is written out', ['x', 'x'], ['x', 'x']],
    [
      'a map, sorted',
      { b: 1, a: 2 },
      [
        { key: 'a', value: 2 },
        { key: 'b', value: 1 },
      ],
    ],
  ])('goes over %s', (_name, items, seen) => {
    const rig = new Rig(
      treeOf([forEach('f', items, [transform('t', [['i', ref('item')]])], { outputs: { i: ref('item') } })], {
        outputs: { f: ref('steps', 'f', 'outputs', 'results') },
      }),
    );
    expect((rig.state.outputs?.['f'] as { outputs: { i: unknown } }[]).map((one) => one.outputs.i)).toEqual(seen);
  });

  it('reads a map or a count of an input, and a computed list once', () => {
    const over = (items: never, inputs: object): unknown => {
      const rig = new Rig(treeOf([forEach('f', items, [action('x', { with: { i: ref('item') } })])]), inputs as never);
      return (rig.commands[0] as unknown as { input: { i: unknown } }).input.i;
    };
    expect(over(read('inputs', 'm'), { m: { b: 1, a: 2 } })).toEqual({ key: 'a', value: 2 });
    expect(over(read('inputs', 'n'), { n: 3 })).toBe(0);
    expect(over({ $: ['l', 7, 8] } as never, {})).toBe(7);
    expect(over(['q', 9] as never, {})).toBe('q');
  });

  it.each([
    [null, 'wrong_type'],
    ['text', 'wrong_type'],
    [-1, 'number_range'],
    [1.5, 'number_range'],
  ])('refuses %j', (items, detail) => {
    expect(error(new Rig(treeOf([forEach('f', items, [transform('t', [])])])))).toMatchObject({
      code: 'expression_error',
      detail,
    });
  });

  it('keeps its results in order, whatever ends first', () => {
    const rig = new Rig(
      treeOf([forEach('f', 2, [action('x')], { concurrency: 2 })], { outputs: { f: ref('steps', 'f', 'outputs') } }),
    );
    rig.done('f[1].x', { n: 1 });
    rig.done('f[0].x', { n: 0 });
    expect(rig.state.outputs).toMatchObject({
      f: { last: { n: 1 }, results: [{ outputs: { n: 0 } }, { outputs: { n: 1 } }] },
    });
  });

  it('starts none of too many items', () => {
    const rig = new Rig(treeOf([forEach('f', 4, [action('x')], { max_items: 3 })]));
    expect(error(rig)).toMatchObject({ code: 'limit_items' });
    expect(rig.steps()).toEqual({ f: 'limit_items' });
  });

  it('stops at the first failure, and cancels what runs beside it', () => {
    const rig = new Rig(treeOf([forEach('f', 5, [action('x')], { concurrency: 2 })], { outputs: {} }));
    rig.fail('f[0].x', 'boom');
    expect(rig.commands).toMatchObject([{ c: 'cancel', path: 'f[1].x' }, { c: 'wake' }]);
    rig.done('f[1].x');
    expect(error(rig)).toMatchObject({
      code: 'for_each_failed',
      message: '1 of 5 items failed: boom',
      cause: { code: 'boom' },
    });
  });

  it.each([
    [{ tolerate: 1 }, 1, 'completed'],
    [{ tolerate: 1 }, 2, 'failed'],
    [{ tolerate: { percent: 50 } }, 2, 'completed'],
    [{ tolerate: { percent: 50 } }, 3, 'failed'],
    [{ mode: 'collect' as const }, 4, 'completed'],
    [{ mode: 'collect' as const, tolerate: 1 }, 2, 'failed'],
  ])('with %j and %i of 4 failed is %s', (fields, failing, status) => {
    const bad = tree(['?', ['<', ['v', 'index'], failing], ['.', ['v', 'inputs'], 'no'], 1]);
    const rig = new Rig(treeOf([forEach('f', 4, [transform('t', [['x', { $: bad }]])], fields)]));
    expect(rig.state.status).toBe(status);
    const view = rig.state.frames['root']?.steps['f'];
    expect(view?.outputs).toMatchObject({ failed: failing });
    expect(view?.failures).toHaveLength(failing);
  });

  it('ends well when `while` is false, and fails when it cannot be told', () => {
    const polling = (condition: never): Rig =>
      new Rig(
        treeOf([forEach('f', 10, [action('x')], { while: condition })], {
          outputs: { f: ref('steps', 'f', 'outputs') },
        }),
      );
    const more = tree(['||', ['==', ['v', 'prev'], null], ['.', ['v', 'prev'], 'more']]);
    const rig = polling(more);
    rig.done('f[0].x', { more: true });
    rig.done('f[1].x', { more: false });
    expect(rig.state.outputs).toMatchObject({ f: { count: 10, completed: 2, skipped: 8 } });
    const broken = polling(more);
    broken.done('f[0].x', {});
    expect(error(broken)).toMatchObject({ code: 'expression_error', path: 'f' });
    expect(broken.state.frames['root']?.steps['f']?.outputs).toMatchObject({ completed: 1 });
  });

  it('fails with its timeout and is cancelled with the run', () => {
    const make = (): Rig => new Rig(treeOf([forEach('f', 3, [action('x')], { timeout_ms: MINUTE })]));
    const late = make();
    late.feed({ t: 'tick', now: late.now + MINUTE });
    late.fail('f[0].x', 'cancelled');
    expect(error(late)).toMatchObject({ code: 'timeout', path: 'f' });
    expect(late.state.frames['root']?.steps['f']?.outputs).toMatchObject({ cancelled: 1, skipped: 2 });
    const stopped = make();
    stopped.feed({ t: 'cancel', by: 'ann', reason: '' });
    stopped.done('f[0].x');
    expect(stopped.steps()).toEqual({ f: 'cancelled' });
  });

  it('keeps no results that nothing reads', () => {
    const rig = new Rig(treeOf([forEach('f', 3, [transform('t', [['x', 1]])], { keep: [['count']] })]));
    expect(rig.state.frames['root']?.steps['f']?.outputs).not.toHaveProperty('results');
    const failing = forEach('f', 3, [transform('t', [['x', ref('inputs', 'no')]])], { keep: [], mode: 'collect' });
    expect(new Rig(treeOf([failing])).state.frames['root']?.steps['f']?.outputs).not.toHaveProperty('results');
    const kept = new Rig(treeOf([forEach('f', 3, [transform('t', [['x', 1]])], { keep: [['results']] })]));
    expect(kept.state.frames['root']?.steps['f']?.outputs).toMatchObject({ results: [{}, {}, {}] });
  });

  it('counts its steps against a bound of their own', () => {
    const rig = new Rig(treeOf([forEach('f', 5, [transform('t', [])])], { limits: { steps: 1, loop_steps: 3 } }));
    expect(error(rig)).toMatchObject({
      code: 'limit_steps',
      message: 'The run reached its bound of 3 steps in loops.',
    });
    expect(rig.state.ran).toMatchObject({ steps: 0, loop_steps: 3 });
  });

  it('lets others in after ten thousand steps', () => {
    const rig = new Rig(
      treeOf([forEach('f', 10_000, [transform('t', [])], { max_items: 10_000, keep: [] }), action('x')]),
    );
    expect(rig.state.status).toBe('running');
    expect(rig.commands).toContainEqual({ c: 'wake', at: rig.now + 1 });
    rig.feed({ t: 'tick', now: rig.now + 1 });
    expect(rig.names()).toContain('action');
    expect(rig.state.ran.loop_steps).toBe(10_000);
  });

  it('hides outer numbers inside, not outer items', () => {
    const inner = forEach('g', 1, [action('x', { with: { o: ref('outer'), i: ref('index'), k: ref('item') } })]);
    const rig = new Rig(
      treeOf([forEach('f', ['p'], [transform('t', [['keep', ref('index')]]), inner], { as: 'outer' })]),
    );
    expect(rig.commands).toMatchObject([{ path: 'f[0].g[0].x', input: { o: 'p', i: 0, k: 0 } }]);
  });
});

describe('handlers', () => {
  it('take the first that fits by code, by cause and by condition', () => {
    const handlers = [
      { codes: ['nope'], do: [action('h0')] },
      { codes: ['http_*'], when: FALSE, do: [action('h1')] },
      {
        codes: ['http_*'],
        when: equals(read('error', 'code'), 'parallel_failed'),
        do: [action('h2', { with: { at: ref('error', 'cause', 'path') } })],
        outputs: { n: ref('steps', 'h2', 'outputs', 'n') },
      },
      { do: [action('h3')] },
    ];
    const rig = new Rig(
      treeOf([handling(parallel('p', { a: [action('x')] }), ...handlers), transform('t', [['s', ref('steps', 'p')]])], {
        outputs: { s: ref('steps', 't', 'outputs', 's') },
      }),
    );
    rig.fail('p:a.x', 'http_status');
    expect(rig.commands).toMatchObject([{ c: 'action', path: 'p!2.h2', input: { at: 'p:a.x' } }]);
    rig.done('p!2.h2', { n: 5 });
    expect(rig.state.status).toBe('completed');
    expect(rig.state.outputs).toMatchObject({
      s: { status: 'failed', handled: true, outputs: { n: 5 }, failures: [{ code: 'http_status' }] },
    });
    expect(rig.log.filter((one) => one.t === 'step' && one.path === 'p')).toMatchObject([
      { status: 'failed', error: { handled: true } },
    ]);
  });

  it('without a list handle at once; outputs are absent without theirs', () => {
    const rig = new Rig(
      treeOf([handling(action('a'), {}), action('b', { with: { code: ref('steps', 'a', 'error', 'code') } })]),
    );
    rig.fail('a', 'boom');
    expect(rig.commands).toMatchObject([{ c: 'action', path: 'b', input: { code: 'boom' } }]);
    expect(rig.state.frames['root']?.steps['a']).not.toHaveProperty('outputs');
  });

  it('keep the error with `then: fail`, and replace it when they fail themselves', () => {
    const rig = new Rig(treeOf([handling(action('a'), { do: [action('h')], then: 'fail' })]));
    rig.fail('a', 'boom');
    rig.done('a!0.h');
    expect(error(rig)).toMatchObject({ code: 'boom', path: 'a' });
    expect(error(rig)).not.toHaveProperty('handled');
    const failing = new Rig(
      treeOf([handling(block('b', [handling(action('a'), { do: [action('h')] })]), { codes: ['worse'] })]),
    );
    failing.fail('b.a', 'boom');
    failing.fail('b.a!0.h', 'worse');
    expect(failing.state.status).toBe('completed');
    expect(failing.state.frames['root']?.steps['b']?.error).toMatchObject({
      code: 'worse',
      path: 'b.a!0.h',
      cause: { code: 'boom' },
      handled: true,
    });
  });

  it('fail inside when their condition does', () => {
    const rig = new Rig(treeOf([handling(action('a'), { when: BROKEN })]));
    rig.fail('a', 'boom');
    expect(error(rig)).toMatchObject({ code: 'expression_error', cause: { code: 'boom' } });
  });

  it('catch a condition of the step that fails', () => {
    const rig = new Rig(
      treeOf([handling(action('a', { when: BROKEN }), { codes: ['expression_error'], do: [action('h')] })]),
    );
    expect(rig.commands).toMatchObject([{ c: 'action', path: 'a!0.h' }]);
    rig.done('a!0.h');
    expect(rig.state.status).toBe('completed');
  });

  it('do not catch a cancel or a bound of the run', () => {
    const rig = new Rig(treeOf([handling(action('a'), {})]));
    rig.feed({ t: 'cancel', by: 'ann', reason: '' });
    rig.fail('a', 'cancelled');
    expect(rig.state.status).toBe('cancelled');
    const bound = new Rig(treeOf([action('a'), action('b')], { limits: { steps: 1 }, on_error: [{}] }));
    bound.done('a');
    expect(error(bound)).toMatchObject({ code: 'limit_steps' });
    const task = new Rig(treeOf([handling(action('a'), {})]));
    task.fail('a', 'cancelled');
    expect(error(task)).toMatchObject({ code: 'cancelled' });
  });

  it('are cancelled with their list', () => {
    const rig = new Rig(treeOf([handling(action('a'), { do: [action('h')] })]));
    rig.fail('a', 'boom');
    rig.feed({ t: 'cancel', by: 'ann', reason: '' });
    expect(rig.commands).toMatchObject([{ c: 'cancel', path: 'a!0.h', scope: 'root' }, { c: 'wake' }]);
    rig.done('a!0.h');
    expect(rig.steps()).toMatchObject({ a: 'boom' });
    expect(rig.state.status).toBe('cancelled');
  });

  it('of the plan see its list, and leave a completed run', () => {
    const rig = new Rig(
      treeOf([action('a'), action('b')], {
        on_error: [
          {
            do: [action('h', { with: { a: ref('steps', 'a', 'outputs', 'n') } })],
            outputs: { saved: ref('error', 'code') },
          },
        ],
      }),
    );
    rig.done('a', { n: 1 });
    rig.fail('b', 'boom');
    expect(rig.commands).toMatchObject([{ c: 'action', path: '!0.h', input: { a: 1 } }]);
    rig.done('!0.h');
    expect(rig.commands.at(-1)).toMatchObject({
      c: 'finish',
      status: 'completed',
      outputs: { saved: 'boom' },
      error: { code: 'boom', handled: true },
    });
  });

  it('of the plan without outputs leave none', () => {
    const rig = new Rig(treeOf([action('a')], { on_error: [{}] }));
    rig.fail('a', 'boom');
    expect(rig.state).toMatchObject({ status: 'completed', outputs: {} });
  });

  it('of the plan may be cancelled: the failure stands', () => {
    const rig = new Rig(treeOf([action('a')], { on_error: [{ do: [action('h')] }] }));
    rig.fail('a', 'boom');
    rig.feed({ t: 'cancel', by: 'ann', reason: '' });
    expect(rig.commands).toMatchObject([{ c: 'cancel', path: '!0.h', scope: '!0' }, { c: 'wake' }]);
    rig.done('!0.h');
    expect(rig.state.status).toBe('failed');
    expect(error(rig)).toMatchObject({ code: 'boom' });
  });

  it('keep five causes', () => {
    let steps = handling(action('a'), { do: [transform('t0', [['x', ref('inputs', 'no')]])] });
    for (let n = 1; n <= 6; n += 1)
      steps = handling(block(`b${n}`, [steps]), { do: [transform(`t${n}`, [['x', ref('inputs', 'no')]])] });
    const rig = new Rig(treeOf([steps]));
    rig.fail('b6.b5.b4.b3.b2.b1.a', 'boom');
    let depth = 0;
    for (let one = rig.state.error; one; one = one.cause) depth += 1;
    expect(depth).toBe(6);
  });
});

describe('finally', () => {
  const cleanup = action('z', { with: { was: ref('run', 'outcome'), why: ref('error') } });

  it('runs after the list and sees how it ended', () => {
    const rig = new Rig(treeOf([block('b', [action('x')], { finally: [cleanup] }), action('y')]));
    rig.done('b.x');
    expect(rig.commands).toMatchObject([
      { c: 'action', path: 'b~finally.z', input: { was: 'completed', why: null }, scope: 'b~finally' },
      { c: 'wake', at: rig.now + 600_000 },
    ]);
    expect(rig.done('b~finally.z')).toMatchObject([
      { c: 'action', path: 'y' },
      { c: 'wake', at: null },
    ]);
  });

  it('runs after a failure, a handler and a cancel', () => {
    const failed = new Rig(treeOf([block('b', [action('x')], { finally: [cleanup] })]));
    failed.fail('b.x', 'boom');
    expect(failed.commands).toMatchObject([{ input: { was: 'failed', why: { code: 'boom' } } }, { c: 'wake' }]);
    failed.done('b~finally.z');
    expect(error(failed)).toMatchObject({ code: 'boom' });
    const handled = new Rig(
      treeOf([handling(block('b', [action('x')], { finally: [cleanup] }), { do: [action('h')] })]),
    );
    handled.fail('b.x', 'boom');
    handled.done('b!0.h');
    expect(handled.commands).toMatchObject([
      { input: { was: 'completed', why: { code: 'boom', handled: true } } },
      { c: 'wake' },
    ]);
    handled.done('b~finally.z');
    expect(handled.state.status).toBe('completed');
    const cancelled = new Rig(treeOf([block('b', [action('x')], { finally: [cleanup] })]));
    cancelled.feed({ t: 'cancel', by: 'ann', reason: '' });
    cancelled.done('b.x');
    expect(cancelled.commands).toMatchObject([
      { path: 'b~finally.z', input: { was: 'cancelled', why: { code: 'cancelled' } } },
      { c: 'wake' },
    ]);
    cancelled.done('b~finally.z');
    expect(cancelled.state.status).toBe('cancelled');
  });

  it('of the plan runs last, is not cancelled and counts no steps', () => {
    const rig = new Rig(treeOf([action('x')], { finally: [cleanup, transform('t', [])], limits: { steps: 1 } }));
    rig.done('x');
    expect(rig.commands).toMatchObject([
      { path: '~finally.z', input: { was: 'completed' }, scope: '~finally' },
      { c: 'wake' },
    ]);
    expect(rig.state.phase).toBe('cleanup');
    expect(rig.feed({ t: 'cancel', by: 'ann', reason: '' })).toEqual([]);
    rig.done('~finally.z');
    expect(rig.state.status).toBe('completed');
    expect(rig.state.ran.steps).toBe(1);
  });

  it('of the plan runs after its handler and after a bound', () => {
    const rig = new Rig(treeOf([action('x')], { finally: [cleanup], on_error: [{ do: [action('h')] }] }));
    rig.fail('x', 'boom');
    rig.done('!0.h');
    expect(rig.commands).toMatchObject([
      { path: '~finally.z', input: { was: 'completed', why: { handled: true } } },
      { c: 'wake' },
    ]);
    const bound = new Rig(treeOf([action('x'), action('y')], { finally: [cleanup], limits: { steps: 1 } }));
    bound.done('x');
    expect(bound.commands).toMatchObject([
      { path: '~finally.z', input: { was: 'failed', why: { code: 'limit_steps' } } },
      { c: 'wake' },
    ]);
    bound.feed({ t: 'tick', now: bound.now + 31 * 86_400_000 });
    expect(bound.state.status).toBe('running');
  });

  it('that fails fails the step, or is added to its error', () => {
    const well = new Rig(treeOf([block('b', [action('x')], { finally: [cleanup] })]));
    well.done('b.x');
    well.fail('b~finally.z', 'stuck', { retryable: true });
    expect(error(well)).toMatchObject({ code: 'finally_failed', retryable: true, cause: { code: 'stuck' }, path: 'b' });
    const badly = new Rig(treeOf([block('b', [action('x')], { finally: [cleanup] })], { finally: [action('w')] }));
    badly.fail('b.x', 'boom');
    badly.fail('b~finally.z', 'stuck');
    badly.fail('~finally.w', 'more');
    expect(error(badly)).toMatchObject({
      code: 'boom',
      suppressed: [{ code: 'stuck' }, { code: 'more', path: '~finally.w' }],
    });
  });

  it('has its time', () => {
    const rig = new Rig(treeOf([action('x')], { finally: [cleanup], limits: { cleanup_ms: MINUTE } }));
    rig.done('x');
    rig.feed({ t: 'tick', now: rig.now + MINUTE });
    expect(rig.commands).toMatchObject([{ c: 'cancel', path: '~finally.z', scope: '~finally' }, { c: 'wake' }]);
    rig.fail('~finally.z', 'cancelled');
    expect(error(rig)).toMatchObject({ code: 'finally_failed', cause: { code: 'timeout' } });
    const inner = new Rig(
      treeOf([block('b', [action('x')], { finally: [cleanup] })], { limits: { cleanup_ms: MINUTE } }),
    );
    inner.done('b.x');
    inner.feed({ t: 'tick', now: inner.now + MINUTE });
    inner.feed({ t: 'tick', now: inner.now + MINUTE });
    expect(inner.steps()).toMatchObject({ 'b~finally.z': 'outcome_unknown', b: 'finally_failed' });
  });

  it('is left alone by what cancels the list around it, and asks nobody', () => {
    const one = block('b', [action('x', { idempotency: 'none' })], { finally: [action('z', { idempotency: 'none' })] });
    const rig = new Rig(treeOf([parallel('p', { a: [one], c: [action('y')] })]));
    rig.done('p:a.b.x');
    rig.fail('p:c.y', 'boom');
    expect(rig.names()).not.toContain('cancel');
    rig.feed({ t: 'lost', path: 'p:a.b~finally.z', attempt: 1 });
    expect(rig.state.gates).toEqual({});
    expect(rig.steps()).toMatchObject({
      'p:a.b~finally.z': 'outcome_unknown',
      'p:a.b': 'finally_failed',
      p: 'parallel_failed',
    });
  });
});

describe('a wait', () => {
  it('ends at its moment', () => {
    const rig = new Rig(treeOf([wait('w', { for: '90s' }), wait('v', { until: ref('inputs', 'at') }), action('x')]), {
      at: '2026-11-21T13:00:00Z',
    });
    expect(rig.commands).toMatchObject([{ c: 'wake', at: rig.now + 90_000 }, { c: 'record' }]);
    rig.feed({ t: 'tick', now: rig.now + 90_000 });
    expect(rig.state.wake).toBe(Date.UTC(2026, 10, 21, 13));
    rig.feed({ t: 'tick', now: rig.state.wake as number });
    expect(rig.commands).toMatchObject([
      { c: 'action', path: 'x' },
      { c: 'wake', at: null },
    ]);
  });

  it('is over at once when its moment has passed', () => {
    const rig = new Rig(
      treeOf([
        wait('w', { for: '0s' }),
        wait('v', { until: '2020-01-01T00:00:00Z' }),
        wait('u', { for: { $: ['c', 'duration', '-1s'] } }),
      ]),
    );
    expect(rig.state.status).toBe('completed');
  });

  it.each([
    [{ for: ref('inputs', 'n') }, 'wrong_type'],
    [{ for: 'soon' }, 'conversion'],
    [{ until: 5 }, 'wrong_type'],
    [{}, 'wrong_type'],
    [{ until: 'tomorrow' }, 'conversion'],
  ])('fails with %j', (fields, detail) => {
    const rig = new Rig(treeOf([wait('w', fields)]), { n: 5 });
    expect(error(rig)).toMatchObject({ code: 'expression_error', detail, path: 'w' });
  });

  it('ends with a cancel', () => {
    const rig = new Rig(treeOf([wait('w', { for: '1h' }), action('x')]));
    rig.feed({ t: 'cancel', by: 'ann', reason: '' });
    expect(rig.steps()).toEqual({ w: 'cancelled', x: 'cancelled' });
    expect(rig.state.waits).toEqual({});
  });
});

describe('lists that are too long for the state', () => {
  const text = 'x'.repeat(20_000);
  /** A loop whose results are 20 000 characters each, so that two of them are written. */
  const spilling = (fields = {}): Rig => new Rig(treeOf([forEach('f', 5, [action('x')], fields), action('after')]));
  const spilled = (rig: Rig, chunk: number, list?: typeof LIST): object[] =>
    rig.feed({ t: 'spilled', path: 'f', chunk, ...(list === undefined ? {} : { list }) });
  const outputs = (rig: Rig): object => rig.state.frames['root']?.steps['f']?.outputs as object;

  it('leave it in chunks, and come back as one reference', () => {
    const rig = spilling();
    rig.done('f[0].x', { text });
    expect(rig.done('f[1].x', { text })).toMatchObject([
      { c: 'spill', path: 'f', chunk: 0, results: [{ index: 0 }, { index: 1, outputs: { text } }] },
    ]);
    // Nothing further begins before they are written.
    expect(rig.state.tasks).toEqual({});
    expect(spilled(rig, 0)).toMatchObject([{ c: 'action', path: 'f[2].x' }]);
    expect(JSON.stringify(rig.state).length).toBeLessThan(70_000);
    rig.done('f[2].x', { text });
    rig.done('f[3].x', { text });
    expect(spilled(rig, 0)).toEqual([]);
    spilled(rig, 1);
    expect(rig.done('f[4].x', { n: 5 })).toMatchObject([{ c: 'spill', chunk: 2, results: [{ index: 4 }], last: true }]);
    expect(spilled(rig, 2, LIST)).toMatchObject([{ c: 'action', path: 'after' }]);
    expect(outputs(rig)).toMatchObject({ count: 5, completed: 5, last: { n: 5 }, results: LIST });
    expect(spilled(rig, 2, LIST)).toEqual([]);
  });

  it('go on from where they were after a hand-over', () => {
    const rig = spilling();
    rig.done('f[0].x', { text });
    const sent = rig.done('f[1].x', { text });
    expect(resume(rig.plan, rig.state)).toEqual([...sent, { c: 'record' }]);
    spilled(rig, 0);
    expect(resume(rig.plan, rig.state)).toMatchObject([{ c: 'action', path: 'f[2].x' }]);
  });

  it('take in what ends meanwhile', () => {
    const rig = spilling({ concurrency: 4 });
    for (const ix of [0, 2]) rig.done(`f[${ix}].x`, { text });
    for (const ix of [1, 3]) rig.done(`f[${ix}].x`, { text });
    expect(Object.keys(rig.state.tasks)).toEqual(['f[4].x']);
    expect(spilled(rig, 0)).toMatchObject([]);
    expect(rig.done('f[4].x', {})).toMatchObject([
      { c: 'spill', chunk: 1, results: [{ index: 1 }, { index: 3 }, { index: 4 }] },
    ]);
  });

  it('are left where they are when the run is cancelled, and closed when the loop fails', () => {
    const cancelled = spilling();
    cancelled.done('f[0].x', { text });
    cancelled.done('f[1].x', { text });
    cancelled.feed({ t: 'cancel', by: 'ann', reason: '' });
    expect(cancelled.state.status).toBe('running');
    spilled(cancelled, 0);
    expect(cancelled.state.status).toBe('cancelled');
    const failed = spilling();
    failed.done('f[0].x', { text });
    failed.done('f[1].x', { text });
    spilled(failed, 0);
    expect(failed.fail('f[2].x', 'boom')).toMatchObject([{ c: 'spill', chunk: 1, last: true }, { c: 'record' }]);
    spilled(failed, 1, LIST);
    expect(error(failed)).toMatchObject({ code: 'for_each_failed' });
    expect(outputs(failed)).toMatchObject({ results: LIST, failed: 1, skipped: 2 });
  });

  it('fail the loop when they cannot be kept', () => {
    const rig = spilling({ mode: 'collect' });
    expect(rig.feed({ t: 'unkept', path: 'f', error: { code: 'x', message: 'x', retryable: false } })).toEqual([]);
    rig.done('f[0].x', { text });
    rig.done('f[1].x', { text });
    rig.feed({ t: 'unkept', path: 'f', error: { code: 'artifact_storage_full', message: 'full', retryable: true } });
    expect(error(rig)).toMatchObject({ code: 'artifact_storage_full', path: 'f' });
    expect(outputs(rig)).toMatchObject({ completed: 2, skipped: 3 });
    expect(outputs(rig)).not.toHaveProperty('results');
  });

  it('are not written after some could not be', () => {
    const rig = spilling({ mode: 'collect', concurrency: 5 });
    for (const ix of [0, 1]) rig.done(`f[${ix}].x`, { text });
    rig.feed({ t: 'unkept', path: 'f', error: { code: 'limit_artifact', message: 'much', retryable: false } });
    for (const ix of [2, 3, 4]) expect(rig.done(`f[${ix}].x`, { text })).not.toContainEqual({ c: 'spill' });
    expect(error(rig)).toMatchObject({ code: 'limit_artifact', path: 'f' });
  });

  it('are gone over a page at a time', () => {
    const plan = treeOf([
      action('many'),
      forEach('f', ref('steps', 'many', 'outputs', 'hosts'), [action('x', { with: { host: ref('item') } })], {
        concurrency: 2,
      }),
    ]);
    const rig = new Rig(plan);
    expect(rig.done('many', { hosts: LIST })).toMatchObject([{ c: 'page', path: 'f', list: LIST, from: 0 }]);
    expect(resume(rig.plan, rig.state)).toContainEqual({ c: 'page', path: 'f', list: LIST, from: 0 });
    const page = (from: number, items: string[]): object[] => rig.feed({ t: 'page', path: 'f', from, count: 5, items });
    expect(page(0, ['a', 'b', 'c'])).toMatchObject([
      { c: 'action', path: 'f[0].x', input: { host: 'a' } },
      { c: 'action', path: 'f[1].x', input: { host: 'b' } },
    ]);
    expect(page(0, ['a', 'b', 'c'])).toEqual([]);
    expect(resume(rig.plan, rig.state).map(({ c }) => c)).toEqual(['action', 'action']);
    expect(rig.done('f[1].x')).toMatchObject([{ path: 'f[2].x', input: { host: 'c' } }]);
    expect(rig.done('f[0].x')).toMatchObject([{ c: 'page', from: 3 }]);
    expect(rig.done('f[2].x')).toEqual([]);
    expect(page(3, ['d', 'e'])).toMatchObject([{ path: 'f[3].x', input: { host: 'd' } }, { path: 'f[4].x' }]);
    rig.done('f[3].x');
    rig.done('f[4].x');
    expect(rig.state).toMatchObject({ status: 'completed' });
    expect(outputs(rig)).toMatchObject({ count: 5, completed: 5 });
  });

  it('may be empty, too long, unreadable, or not wanted any more', () => {
    const opened = (fields = {}): Rig => {
      const rig = new Rig(
        treeOf([action('many'), forEach('f', ref('steps', 'many', 'outputs'), [action('x')], fields)]),
      );
      rig.done('many', LIST);
      return rig;
    };
    const empty = opened();
    empty.feed({ t: 'page', path: 'f', from: 0, count: 0, items: [] });
    expect(empty.state.status).toBe('completed');
    const long = opened({ max_items: 2 });
    long.feed({ t: 'page', path: 'f', from: 0, count: 3, items: [1, 2, 3] });
    expect(error(long)).toMatchObject({ code: 'limit_items', path: 'f' });
    const gone = opened();
    gone.feed({ t: 'unkept', path: 'f', error: { code: 'artifact_damaged', message: 'damaged', retryable: false } });
    expect(error(gone)).toMatchObject({ code: 'artifact_damaged', path: 'f' });
    const cancelled = opened();
    cancelled.feed({ t: 'cancel', by: 'ann', reason: '' });
    cancelled.feed({ t: 'page', path: 'f', from: 0, count: 3, items: [1, 2, 3] });
    expect(cancelled.state.status).toBe('cancelled');
  });
});

describe('the state', () => {
  it('is bounded, whatever handlers there are', () => {
    const text = 'x'.repeat(30_000);
    const steps = Array.from({ length: 60 }, (_, ix) => action(`s${ix}`));
    const rig = new Rig(treeOf(steps, { on_error: [{ do: [transform('t', [])], then: 'continue' }] }));
    for (let ix = 0; rig.state.status === 'running'; ix += 1) rig.done(`s${ix}`, { text });
    expect(error(rig)).toMatchObject({ code: 'limit_state', path: '' });
    expect(rig.steps()).toMatchObject({ s59: 'not_reached' });
  });

  it('holds what one loop after the other lets go', () => {
    const text = 'x'.repeat(30_000);
    const rig = new Rig(treeOf([forEach('f', 60, [action('x')], { keep: [] })]));
    for (let ix = 0; rig.state.status === 'running'; ix += 1) rig.done(`f[${ix}].x`, { text });
    expect(rig.state.status).toBe('completed');
    expect(advance(rig.plan, rig.state, { t: 'tick', now: rig.now }).commands).toEqual([]);
  });
});
