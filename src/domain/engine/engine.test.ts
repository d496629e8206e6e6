import { describe, expect, it } from '@jest/globals';
import { ENV, ref, Rig, RUN, T0, tree, type Body } from '../../../test/support/engine-rig.js';
import { action, agent, gate, planOf, transform } from '../../../test/support/plans.js';
import type { Plan } from '../plan.js';
import { advance, resume, start } from './engine.js';
import { answerTo } from './gates.js';
import type { Command, EngineEvent } from './messages.js';
import type { State } from './state.js';

const MINUTE = 60_000;

describe('a sequence', () => {
  it('runs actions one after the other and passes results on', () => {
    const rig = new Rig(
      planOf(
        [
          action('a', { with: { n: ref('inputs', 'n') } }),
          action('b', { with: { got: ref('steps', 'a', 'outputs', 'x') } }),
        ],
        {
          outputs: { last: ref('steps', 'b', 'outputs', 'y') },
        },
      ),
      { n: 5 },
    );
    expect(rig.commands).toMatchObject([
      { c: 'action', path: 'a', input: { n: 5 }, gates: [], scope: 'root', round: 1 },
    ]);
    expect(rig.done('a', { x: 7 })).toMatchObject([{ c: 'action', path: 'b', input: { got: 7 } }]);
    expect(rig.done('b', { y: 9 })).toMatchObject([
      { c: 'record' },
      { c: 'finish', status: 'completed', outputs: { last: 9 } },
    ]);
    expect(rig.log.map((one) => one.t)).toEqual(['run', 'end']);
    expect(rig.log.at(-1)).toMatchObject({ t: 'end', steps: { a: 'completed', b: 'completed' } });
  });

  it('gives every attempt of a step one key, and an author’s key the same in all runs', () => {
    const plan = planOf([action('a'), action('b', { key: 'order-7' })]);
    const keyOf = (command: Command | undefined): string => (command as { key: string }).key;
    const one = new Rig(plan);
    const first = keyOf(one.commands[0]);
    expect(first).toMatch(/^[a-z2-7]{26}$/);
    const second = keyOf(one.done('a')[0]);
    const other = new Rig(plan);
    expect(keyOf(other.commands[0])).toBe(first);
    expect(keyOf(other.done('a')[0])).toBe(second);
    expect(second).not.toBe(first);
  });

  it('sends agents their prompt, system text and data', () => {
    const rig = new Rig(
      planOf([agent('a', { system: 'be brief' }), agent('b', { data: false })]),
      { host: 'web' },
      { data: {} },
    );
    expect(rig.commands).toMatchObject([
      {
        c: 'agent',
        input: { prompt: 'why?', system: 'be brief', data: { inputs: { host: 'web' }, event: { data: {} } } },
      },
    ]);
    expect((rig.done('a')[0] as { input: object }).input).toEqual({ prompt: 'why?' });
  });

  it('ends failed with the step’s error and skips the rest', () => {
    const rig = new Rig(planOf([action('a'), action('b')]));
    rig.fail('a', 'http_status', { status: 500, excerpt: 'oops', detail: 'x' });
    expect(rig.commands.at(-1)).toMatchObject({
      c: 'finish',
      status: 'failed',
      error: { code: 'http_status', step: 'a', status: 500, excerpt: 'oops', detail: 'x' },
    });
    expect(rig.steps()).toEqual({ a: 'http_status', b: 'not_reached' });
  });

  it('fails where an input cannot be rendered, without a call', () => {
    const rig = new Rig(planOf([action('a', { with: { x: ref('inputs', 'nope') } })]));
    expect(rig.names()).toEqual(['record', 'finish']);
    expect(rig.state.error).toMatchObject({ code: 'expression_error', detail: 'missing_key', path: 'a' });
  });

  it('fails where an input is too large', () => {
    const rig = new Rig(planOf([action('a', { with: { x: Array.from({ length: 5 }, () => ref('inputs', 'big')) } })]), {
      big: 'x'.repeat(60_000),
    });
    expect(rig.state.error).toMatchObject({ code: 'render_too_large' });
  });

  it('replaces outputs by the step’s own map, and fails where that fails', () => {
    const rig = new Rig(
      planOf([
        action('a', { outputs: { code: ref('result', 'status') } }),
        action('b', { outputs: { z: ref('result', 'none') } }),
      ]),
    );
    rig.done('a', { status: 200, body: 'x' });
    expect(rig.state.frames['root']?.steps['a']?.outputs).toEqual({ code: 200 });
    rig.done('b', {});
    expect(rig.state.error).toMatchObject({ code: 'expression_error', path: 'b' });
  });

  it('fails the run when its outputs fail', () => {
    const rig = new Rig(planOf([transform('t', [['x', 1]])], { outputs: { y: ref('steps', 't', 'outputs', 'nope') } }));
    expect(rig.commands.at(-1)).toMatchObject({
      c: 'finish',
      status: 'failed',
      error: { code: 'expression_error', path: '' },
    });
  });

  it('ignores events for what is unknown, closed or over', () => {
    const rig = new Rig(planOf([action('a')]));
    for (const event of [
      { t: 'done', path: 'zz', result: {}, attempt: 1 },
      { t: 'failed', path: 'zz', error: { code: 'x', message: '', retryable: false, attempt: 1 } },
      { t: 'lost', path: 'zz', attempt: 1 },
      { t: 'gate', path: 'zz', decision: { decision: 'approve', by: 'a' } },
      { t: 'checked', path: 'zz', paused_ms: 1 },
      { t: 'tick' },
      { t: 'start', inputs: { other: 1 }, event: null, env: ENV, run: RUN },
    ] as Body[]) {
      expect(rig.feed(event)).toEqual([]);
    }
    expect(rig.state.inputs).toEqual({});
    rig.done('a');
    const seq = rig.state.seq;
    expect(rig.done('a')).toEqual([]);
    expect(rig.feed({ t: 'cancel', by: 'x', reason: '' })).toEqual([]);
    rig.feed({ t: 'recorded', recorded: seq });
    expect(rig.state.transitions).toEqual([]);
  });

  it('forgets transitions that are recorded', () => {
    const rig = new Rig(planOf([transform('t', [['x', 1]]), action('a'), action('b')]));
    expect(rig.state.transitions).toHaveLength(2);
    rig.feed({ t: 'done', path: 'a', result: {}, attempt: 1, recorded: rig.state.seq });
    expect(rig.state.transitions).toEqual([]);
  });

  it('throws on contradictions, which are our defects', () => {
    const plan = planOf([action('a')]);
    const rig = new Rig(plan);
    const done: EngineEvent = { t: 'done', path: 'a', result: {}, attempt: 1, now: rig.now };
    expect(() => advance({ ...plan, nodes: [] }, rig.state, done)).toThrow('no node');
    expect(() => advance(plan, { ...rig.state, frames: {} }, done)).toThrow('no frame');
  });
});

describe('when', () => {
  it('skips on false, runs on true, fails on an error or another type', () => {
    const rig = new Rig(
      planOf([action('a', { when: tree(['==', ['v', 'inputs'], 1]) }), action('b', { when: tree(true) })]),
    );
    expect(rig.steps()).toEqual({ a: 'when' });
    expect(rig.commands).toMatchObject([{ c: 'action', path: 'b' }]);
    const broken = new Rig(planOf([action('a', { when: tree(['.', ['v', 'inputs'], 'x']) })]));
    expect(broken.state.error).toMatchObject({ code: 'expression_error', detail: 'missing_key' });
    const other = new Rig(planOf([action('a', { when: tree(null) })]));
    expect(other.state.error).toMatchObject({ code: 'expression_error', detail: 'not_bool' });
  });

  it('completes when all steps are skipped', () => {
    const rig = new Rig(planOf([action('a', { when: tree(false) })]));
    expect(rig.state.status).toBe('completed');
  });
});

describe('transforms', () => {
  it('computes in written order at no cost', () => {
    const rig = new Rig(
      planOf([
        transform('t', [
          ['a', 2],
          ['b', { $: ['+', ['.', ['.', ['.', ['v', 'steps'], 't'], 'outputs'], 'a'], 1] }],
        ]),
        action('x', { with: { b: ref('steps', 't', 'outputs', 'b') } }),
      ]),
    );
    expect(rig.commands).toMatchObject([{ c: 'action', input: { b: 3 } }]);
    expect(rig.names()).toEqual(['action']);
  });

  it('fails at the first false assertion, with its own code', () => {
    const build = (assert: object): Rig =>
      new Rig(planOf([transform('t', [], { assert: [tree({ that: true }), tree(assert)] })]));
    expect(build({ that: false }).state.error).toMatchObject({ code: 'assertion_failed', retryable: false });
    expect(build({ that: false, code: 'bad', message: 'no', retryable: true }).state.error).toMatchObject({
      code: 'bad',
      message: 'no',
      retryable: true,
    });
    expect(build({ that: ['.', ['v', 'inputs'], 'x'] }).state.error).toMatchObject({ code: 'expression_error' });
  });

  it('knows run, env, event and now, and gives the same uid again', () => {
    const set: [string, never][] = [
      ['run', tree(ref('run', 'id'))],
      ['team', tree(ref('env', 'vars', 'team'))],
      ['event', tree(ref('event'))],
      ['now', tree(ref('now'))],
      ['uid', tree({ $: ['c', 'uid', 'x'] })],
    ];
    const one = new Rig(planOf([transform('t', set)]));
    expect(one.state.frames['root']?.steps['t']?.outputs).toMatchObject({ run: RUN.id, team: 'dba', event: null });
    const other = new Rig(planOf([transform('t', set)]));
    expect(other.state.frames).toEqual(one.state.frames);
  });

  it('lets other work in between when expressions cost much, and stops a run that costs too much', () => {
    const made = ['map', ['v', 'inputs'], 'x', ['l', ...Array.from({ length: 150 }, () => 1)]];
    const list = { $: ['c', 'size', made] as never };
    const heavy: [string, never][] = Array.from({ length: 20 }, (_, ix) => [`v${ix}`, tree(list)]);
    const inputs = Object.fromEntries(Array.from({ length: 250 }, (_, ix) => [`k${ix}`, ix]));
    const plan = planOf(Array.from({ length: 30 }, (_, ix) => transform(`t${ix}`, heavy.slice(0, 3))));
    const rig = new Rig(plan, inputs);
    expect(rig.state.error).toBeUndefined();
    expect(rig.commands).toMatchObject([{ c: 'wake' }, { c: 'record' }]);
    let rounds = 0;
    while (rig.state.status === 'running' && rounds++ < 50) rig.feed({ t: 'tick' });
    expect(rig.state.status).toBe('completed');
    expect(rounds).toBeGreaterThan(2);
    const dear = new Rig({ ...plan }, inputs);
    dear.state = { ...dear.state, cost: 20_000_001 };
    dear.feed({ t: 'tick' });
    expect(dear.state.error).toMatchObject({ code: 'expression_error', detail: 'cost_limit' });
  });
});

describe('gates', () => {
  const gated = (fields = {}): Plan =>
    planOf([
      agent('analyze'),
      gate('ok', { message: 'Fix it?', approvers: ['role:Operator'], ...fields }),
      action('fix', {
        with: {
          host: ref('inputs', 'host'),
          why: ref('steps', 'analyze', 'outputs', 'text'),
          at: ref('now'),
          by: ref('steps', 'ok', 'outputs'),
        },
      }),
      agent('sum', { system: 's' }),
      transform('t', [['x', 1]]),
      gate('later'),
      action('after'),
    ]);
  const toGate = (fields = {}): Rig => {
    const rig = new Rig(gated(fields), { host: 'web-1' });
    rig.done('analyze', { text: 'disk' });
    return rig;
  };
  const approve = (by: string, id = `d-${by}`): Body => ({
    t: 'gate',
    path: 'ok',
    decision: { decision: 'approve', by, id },
  });

  it('opens, shows what it covers, and waits', () => {
    const rig = toGate();
    expect(rig.names()).toEqual(['wake', 'record']);
    expect(rig.state.phase).toBe('gate');
    const opened = rig.log.find((one) => one.t === 'gate');
    expect(opened).toMatchObject({ status: 'open', message: 'Fix it?', approvers: ['role:Operator'], require: 1 });
    const binds = (opened as { binds: { path: string; input: object; later: string[] }[] }).binds;
    expect(binds).toMatchObject([
      { path: 'fix', action: 'http.call', input: { host: 'web-1', why: 'disk' }, later: ['at', 'by'] },
      { path: 'sum', action: 'agent:scripted/canned', input: { prompt: 'why?', system: 's' }, later: ['data'] },
    ]);
    expect(binds).toHaveLength(2);
  });

  it('goes on when approved and names the gate to what follows', () => {
    const rig = toGate();
    rig.feed(approve('ann', 'd1'));
    expect(rig.commands).toMatchObject([
      { c: 'action', path: 'fix', gates: ['ok'] },
      { c: 'wake', at: null },
    ]);
    expect(rig.state.frames['root']?.steps['ok']?.outputs).toMatchObject({
      decision: 'approve',
      by: ['ann'],
      reason: '',
    });
    expect(rig.state.phase).toBeUndefined();
    expect(answerTo(rig.state, 'ok', { id: 'd1', decision: 'approve', by: 'ann' })).toEqual({ applied: true });
    expect(answerTo(rig.state, 'ok', { decision: 'approve', by: 'bob' })).toEqual({
      applied: false,
      code: 'gate_closed',
    });
    expect(answerTo(rig.state, 'zz', { decision: 'approve', by: 'bob' })).toEqual({
      applied: false,
      code: 'gate_not_found',
    });
  });

  it('fails when rejected, with the reason', () => {
    const rig = toGate();
    rig.feed({ t: 'gate', path: 'ok', decision: { id: 'd', decision: 'reject', by: 'bob', reason: 'not now' } });
    expect(rig.state.error).toMatchObject({ code: 'gate_rejected', message: 'Rejected by bob: not now' });
    expect(rig.steps()).toMatchObject({ ok: 'gate_rejected', fix: 'not_reached' });
    const silent = toGate();
    silent.feed({ t: 'gate', path: 'ok', decision: { id: 'd', decision: 'reject', by: 'bob' } });
    expect(silent.state.error?.message).toBe('Rejected by bob');
  });

  it('counts people, not clicks', () => {
    const rig = toGate({ require: 2 });
    rig.feed(approve('ann', 'd1'));
    rig.feed(approve('ann', 'd2'));
    expect(rig.state.gates['ok']).toMatchObject({ status: 'open', applied: ['d1', 'd2'] });
    expect(answerTo(rig.state, 'ok', { id: 'd3', decision: 'reject', by: 'ann' })).toEqual({
      applied: false,
      code: 'gate_already_decided',
    });
    rig.feed({ t: 'gate', path: 'ok', decision: { decision: 'reject', by: 'ann' } });
    expect(rig.state.gates['ok']?.votes).toHaveLength(1);
    const { seq } = rig.state;
    rig.feed(approve('ann', 'd1'));
    expect(rig.state).toMatchObject({ seq, gates: { ok: { applied: ['d1', 'd2'] } } });
    rig.feed({ t: 'gate', path: 'ok', decision: { id: 'd4', decision: 'approve', by: 'bob', reason: 'fine' } });
    expect(rig.state.frames['root']?.steps['ok']?.outputs).toMatchObject({ by: ['ann', 'bob'], reason: 'fine' });
  });

  it('takes one rejection over approvals still missing', () => {
    const rig = toGate({ require: 2 });
    rig.feed(approve('ann'));
    rig.feed({ t: 'gate', path: 'ok', decision: { id: 'd', decision: 'reject', by: 'bob' } });
    expect(rig.state.error?.code).toBe('gate_rejected');
  });

  it('takes no decision that proves nobody where it names who may decide', () => {
    const rig = toGate();
    const signal = { decision: 'approve', by: 'temporal-ui' } as const;
    expect(answerTo(rig.state, 'ok', signal)).toEqual({ applied: false, code: 'gate_decision_refused' });
    rig.feed({ t: 'gate', path: 'ok', decision: signal });
    expect(rig.state.gates['ok']?.status).toBe('open');
  });

  it('takes only its own kinds of decisions', () => {
    const rig = toGate();
    expect(answerTo(rig.state, 'ok', { decision: 'retry', by: 'ann' })).toEqual({
      applied: false,
      code: 'decision_unknown',
    });
  });

  it('expires, at the latest with the run', () => {
    const rig = toGate({ timeout_ms: 5 * MINUTE });
    rig.feed({ t: 'tick', now: rig.now + MINUTE });
    expect(rig.state.status).toBe('running');
    rig.feed({ t: 'tick', now: rig.now + 5 * MINUTE });
    expect(rig.state.error).toMatchObject({ code: 'gate_expired' });
    const old = new Rig(planOf([gate('ok', { timeout_ms: 86_400_000 })], { limits: { max_age_ms: 1_000 } }));
    expect(old.commands).toMatchObject([{ c: 'wake', at: T0 + 10 + 1_000 }, { c: 'record' }]);
    old.feed({ t: 'tick', now: old.now + 1_000 });
    expect(old.state.error).toMatchObject({ code: 'limit_run_time' });
    expect(old.steps()).toEqual({ ok: 'cancelled' });
  });

  it('fails where its text cannot be rendered, and turns other values into text', () => {
    const broken = new Rig(planOf([gate('ok', { message: ref('inputs', 'nope') })]));
    expect(broken.state.error).toMatchObject({ code: 'expression_error' });
    const odd = new Rig(planOf([gate('ok', { message: { a: 1 }, approvers: 'role:X', name: 'Go?' })]));
    expect(odd.log.find((one) => one.t === 'gate')).toMatchObject({
      message: '{"a":1}',
      approvers: ['role:X'],
      name: 'Go?',
    });
  });

  it('is closed by a cancel', () => {
    const rig = toGate();
    rig.feed({ t: 'cancel', by: 'ann', reason: 'stop' });
    expect(rig.commands.at(-1)).toMatchObject({
      c: 'finish',
      status: 'cancelled',
      error: { code: 'cancelled', message: 'Cancelled by ann: stop.' },
    });
    expect(rig.steps()).toMatchObject({ ok: 'cancelled', fix: 'cancelled' });
  });
});

describe('an unknown outcome', () => {
  const lost = (): Rig => {
    const rig = new Rig(planOf([action('a', { idempotency: 'none', name: 'Act' }), action('b')]));
    rig.feed({ t: 'lost', path: 'a', attempt: 1 });
    return rig;
  };
  const decide = (rig: Rig, decision: 'done' | 'retry' | 'fail', more = {}): Command[] =>
    rig.feed({ t: 'gate', path: 'a~recover', decision: { decision, by: 'ann', ...more } });

  it('asks people and calls nothing again', () => {
    const rig = lost();
    expect(rig.names()).toEqual(['wake', 'record']);
    expect(rig.state.gates['a~recover']).toMatchObject({ purpose: 'recovery', status: 'open' });
    expect(rig.done('a')).toEqual([]);
    expect(answerTo(rig.state, 'a~recover', { decision: 'approve', by: 'x' })).toEqual({
      applied: false,
      code: 'decision_unknown',
    });
  });

  it('goes on with the given outputs when done', () => {
    const rig = lost();
    decide(rig, 'done', { outputs: { ok: 1 } });
    expect(rig.commands[0]).toMatchObject({ c: 'action', path: 'b' });
    expect(rig.steps()).toEqual({ a: 'completed' });
    const bare = lost();
    decide(bare, 'done');
    expect(bare.state.frames['root']?.steps['a']?.outputs).toEqual({});
  });

  it('runs again on request, in a new round, and can be lost again', () => {
    const rig = lost();
    decide(rig, 'retry', { id: 'd1' });
    expect(rig.commands[0]).toMatchObject({ c: 'action', path: 'a', round: 2 });
    rig.feed({ t: 'lost', path: 'a', attempt: 1 });
    expect(rig.state.gates['a~recover']).toMatchObject({ status: 'open', applied: ['d1'] });
  });

  it('fails on request, on expiry and on cancel', () => {
    const rig = lost();
    decide(rig, 'fail');
    expect(rig.state.error).toMatchObject({ code: 'outcome_unknown' });
    const expired = new Rig(planOf([action('a', { idempotency: 'none' })], { limits: { max_age_ms: 1_000 } }));
    expired.feed({ t: 'lost', path: 'a', attempt: 1 });
    expired.feed({ t: 'tick', now: expired.now + 2_000 });
    expect(expired.steps()).toEqual({ a: 'outcome_unknown' });
    const cancelled = lost();
    cancelled.feed({ t: 'cancel', by: 'ann', reason: '' });
    expect(cancelled.state.status).toBe('cancelled');
    expect(cancelled.steps()).toMatchObject({ a: 'outcome_unknown' });
  });

  it('opens no gate while cancelling', () => {
    const rig = new Rig(planOf([action('a', { idempotency: 'none' })]));
    rig.feed({ t: 'cancel', by: 'ann', reason: '' });
    rig.feed({ t: 'lost', path: 'a', attempt: 1 });
    expect(rig.steps()).toEqual({ a: 'outcome_unknown' });
    expect(rig.state.status).toBe('cancelled');
  });
});

describe('cancel', () => {
  it('reaches the task and waits for it; a late result counts', () => {
    const rig = new Rig(planOf([action('a'), action('b')]));
    rig.feed({ t: 'cancel', by: 'ann', reason: '' });
    expect(rig.commands).toMatchObject([{ c: 'cancel', path: 'a' }, { c: 'wake' }]);
    expect(rig.feed({ t: 'cancel', by: 'bob', reason: '' })).toEqual([]);
    rig.done('a');
    expect(rig.state.status).toBe('cancelled');
    expect(rig.log.at(-1)).toMatchObject({ steps: { a: 'completed', b: 'skipped' } });
  });

  it('keeps the error of a task that failed by itself', () => {
    const rig = new Rig(planOf([action('a')]));
    rig.feed({ t: 'cancel', by: 'ann', reason: '' });
    rig.fail('a', 'http_status');
    expect(rig.state.status).toBe('cancelled');
    expect(rig.steps()).toEqual({ a: 'http_status' });
  });

  it('leaves a task alone that does not end in time', () => {
    const rig = new Rig(planOf([action('a')]));
    rig.feed({ t: 'cancel', by: 'ann', reason: '' });
    rig.feed({ t: 'tick', now: rig.now + MINUTE });
    expect(rig.steps()).toEqual({ a: 'outcome_unknown' });
    const reading = new Rig(planOf([action('a', { effect: 'read' })]));
    reading.feed({ t: 'cancel', by: 'ann', reason: '' });
    reading.feed({ t: 'tick', now: reading.now + MINUTE });
    expect(reading.steps()).toEqual({ a: 'cancelled' });
  });
});

describe('bounds', () => {
  it('runs as many steps as allowed, and not one more', () => {
    const at = new Rig(planOf([transform('a', []), transform('b', [])], { limits: { steps: 2 } }));
    expect(at.state.status).toBe('completed');
    const over = new Rig(planOf([transform('a', []), transform('b', [])], { limits: { steps: 1 } }));
    expect(over.state.error).toMatchObject({ code: 'limit_steps' });
    expect(over.steps()).toEqual({ a: 'completed', b: 'not_reached' });
  });

  it('counts only active time', () => {
    const rig = new Rig(
      planOf([gate('ok'), action('a', { timeout_ms: 1_000 }), action('b')], { limits: { run_time_ms: 10 * MINUTE } }),
    );
    rig.feed({ t: 'gate', path: 'ok', decision: { decision: 'approve', by: 'ann' }, now: rig.now + 300 * MINUTE });
    expect(rig.commands[0]).toMatchObject({ c: 'action', path: 'a' });
    rig.feed({ t: 'done', path: 'a', result: {}, attempt: 1, now: rig.now + 11 * MINUTE });
    expect(rig.state.error).toMatchObject({ code: 'limit_run_time' });
  });

  it('asks for the pauses before it stops a task that lasts', () => {
    const rig = new Rig(planOf([action('a')], { limits: { run_time_ms: 10 * MINUTE } }));
    expect(rig.commands).toMatchObject([{ c: 'action' }, { c: 'wake', at: rig.now + 10 * MINUTE }]);
    rig.feed({ t: 'tick', now: rig.now + 10 * MINUTE });
    expect(rig.commands).toMatchObject(
      [
        { c: 'wake', at: null },
        { c: 'check', path: 'a' },
      ].reverse(),
    );
    rig.feed({ t: 'checked', path: 'a', paused_ms: 4 * MINUTE });
    expect(rig.commands).toMatchObject([{ c: 'wake' }]);
    rig.feed({ t: 'checked', path: 'a', paused_ms: 3 * MINUTE });
    rig.feed({ t: 'tick', now: rig.now + 5 * MINUTE });
    rig.feed({ t: 'checked', path: 'a', paused_ms: 4 * MINUTE });
    expect(rig.commands).toMatchObject([{ c: 'cancel', path: 'a' }, { c: 'wake' }]);
    rig.feed({ t: 'checked', path: 'a', paused_ms: 4 * MINUTE });
    rig.fail('a', 'cancelled');
    expect(rig.state).toMatchObject({ status: 'failed', error: { code: 'limit_run_time' } });
  });

  it('needs no timer for tasks that cannot last, and honours a deadline', () => {
    const rig = new Rig(
      planOf([
        action('a', {
          retry: {
            attempts: 50,
            backoff: { first_ms: 1, factor: 2, max_ms: 60_000, jitter: 0.2 },
            deadline_ms: MINUTE,
          },
        }),
      ]),
    );
    expect(rig.names()).toEqual(['action']);
  });

  it('stops a run that is too old before its next step', () => {
    const rig = new Rig(planOf([action('a'), action('b')], { limits: { max_age_ms: 1_000 } }));
    rig.feed({ t: 'done', path: 'a', result: {}, attempt: 1, now: rig.now + 2_000 });
    expect(rig.state.error).toMatchObject({ code: 'limit_run_time' });
  });
});

describe('handing the state over', () => {
  it('puts the open task out again, with the same input and key', () => {
    const plan = planOf([
      transform('t', [['x', 1]]),
      action('a', { with: { x: ref('steps', 't', 'outputs', 'x'), at: ref('now') } }),
    ]);
    const rig = new Rig(plan);
    expect(resume(plan, JSON.parse(JSON.stringify(rig.state)) as State)).toEqual(rig.commands);
  });

  it('arms the wake-up of an open gate again and records what is not recorded', () => {
    const plan = planOf([gate('ok')]);
    const rig = new Rig(plan);
    expect(resume(plan, rig.state)).toEqual(rig.commands);
    rig.feed({ t: 'recorded', recorded: rig.state.seq });
    expect(resume(plan, rig.state)).toMatchObject([{ c: 'wake' }]);
  });

  it('leaves a task alone that people decide about', () => {
    const plan = planOf([action('a', { idempotency: 'none' })]);
    const rig = new Rig(plan);
    rig.feed({ t: 'lost', path: 'a', attempt: 1 });
    expect(resume(plan, rig.state).map((command) => command.c)).toEqual(['wake', 'record']);
  });
});

describe('corners', () => {
  it('stops only once: a cancel after a limit, a limit after a cancel', () => {
    const plan = planOf([action('a')], { limits: { run_time_ms: 10 * MINUTE, max_age_ms: 20 * MINUTE } });
    const limited = new Rig(plan);
    limited.feed({ t: 'tick', now: limited.now + 10 * MINUTE });
    limited.feed({ t: 'checked', path: 'a', paused_ms: 0 });
    expect(limited.feed({ t: 'cancel', by: 'ann', reason: '' })).toEqual([]);
    limited.done('a');
    expect(limited.state).toMatchObject({ status: 'failed', error: { code: 'limit_run_time' } });
  });

  it('keeps a cancelled run cancelled when it gets too old while it ends', () => {
    const rig = new Rig(planOf([action('a'), gate('g')], { limits: { max_age_ms: 1_000 } }));
    rig.feed({ t: 'cancel', by: 'ann', reason: '' });
    rig.feed({ t: 'tick', now: rig.now + 2_000 });
    rig.done('a');
    expect(rig.state.status).toBe('cancelled');
  });

  it('does nothing before its start', () => {
    const plan = planOf([action('a')]);
    expect(advance(plan, start(plan), { t: 'tick', now: T0 }).commands).toEqual([]);
  });

  it('does not take a defect for a user’s mistake', () => {
    expect(() => new Rig(planOf([transform('t', [['x', tree({ $: ['no-such-operator'] })]])]))).toThrow(
      'unknown operator',
    );
  });

  it('knows no other variables', () => {
    const rig = new Rig(planOf([action('a', { with: { x: ref('secrets', 'db') } })]));
    expect(rig.state.error?.code).toBe('expression_error');
  });

  it('shows a gate a step whose input cannot be rendered yet as decided later, and all of `steps` too', () => {
    const rig = new Rig(
      planOf([gate('ok'), action('a', { with: { x: ref('inputs', 'nope'), y: ref('steps'), z: 1 }, name: 'Act' })]),
    );
    const opened = rig.log.find((one) => one.t === 'gate') as { binds: object[] };
    expect(opened.binds).toMatchObject([{ path: 'a', input: { z: 1 }, later: ['x', 'y'] }]);
  });

  it('names only gates that people passed: a skipped one binds nothing', () => {
    const rig = new Rig(
      planOf([gate('ok', { when: tree(false) }), action('a'), action('b'), gate('later'), agent('c')]),
    );
    expect(rig.commands).toMatchObject([{ c: 'action', gates: [] }]);
    expect(rig.done('a')).toMatchObject([{ c: 'action', path: 'b', gates: [] }]);
    rig.done('b');
    expect(rig.log.at(-1)).toMatchObject({ t: 'gate', binds: [{ path: 'c', later: ['data'] }] });
  });

  it('bounds the input of a step by its size as text, not in memory', () => {
    const big = { k: Array.from({ length: 20 }, () => 'x'.repeat(10_000)) };
    const rig = new Rig(planOf([action('a', { with: { x: [ref('inputs'), ref('inputs'), null, true, 1.5] } })]), big);
    expect(rig.state.error?.code).toBe('render_too_large');
  });
});
