import { describe, expect, it } from '@jest/globals';
import type { RerunStep } from '../catalog/rerun-store.js';
import type { Plan } from '../domain/plan.js';
import { ref, tree } from '../../test/support/engine-rig.js';
import * as plans from '../../test/support/plans.js';
import { RerunRecords } from './rerun-records.js';
import { walkRerun, type RerunWalk } from './rerun-walk.js';

/** Records in short: `path: status`, with `!` for a handled failure and a skip's reason in place of its status. */
function recordsOf(short: Record<string, string>): RerunRecords {
  const steps = Object.entries(short).map(([path, word]): RerunStep => {
    const skipped = !['completed', 'failed', 'failed!', 'running'].includes(word);
    return {
      step_id: path,
      path,
      status: skipped ? 'skipped' : (word.replace('!', '') as 'completed'),
      skip_reason: skipped ? word : null,
      handled: word === 'failed!',
      attempts: 1,
      error: null,
    };
  });
  return new RerunRecords(steps);
}

function walked(plan: Plan, short: Record<string, string>, more: Partial<RerunWalk> = {}) {
  const { takes, anew } = walkRerun({
    plan,
    previous: plan,
    records: recordsOf(short),
    isChanged: () => false,
    ...more,
  });
  return {
    taken: takes.map(({ path, step }) => (step.path === path ? path : `${path} = ${step.path}`)),
    anew: Object.fromEntries(anew),
  };
}

const changed = (name: string): Pick<RerunWalk, 'isChanged'> => ({
  isChanged: (read) => read[0] === 'inputs' && (read[1] === undefined || read[1] === name),
});

describe('what a rerun takes over', () => {
  const three = plans.treeOf([plans.action('a'), plans.agent('b'), plans.action('c')]);

  it('is what completed before the first step that failed or did not run', () => {
    expect(walked(three, { a: 'completed', b: 'failed', c: 'not_reached' })).toEqual({
      taken: ['a'],
      anew: { b: 'failed', c: 'after' },
    });
    expect(walked(three, { a: 'completed', b: 'cancelled' }).anew).toEqual({ b: 'not_run', c: 'after' });
    expect(walked(three, {}).anew).toEqual({ a: 'not_run', b: 'after', c: 'after' });
    expect(walked(three, { a: 'completed', b: 'completed', c: 'completed' }, { nothing: 'run_completed' })).toEqual({
      taken: [],
      anew: { a: 'run_completed', b: 'after', c: 'after' },
    });
  });

  it('ends before the step that was asked for, by its id or any form of its path', () => {
    const done = { a: 'completed', b: 'completed', c: 'completed' };
    expect(walked(three, done, { from: 'b' })).toEqual({ taken: ['a'], anew: { b: 'asked', c: 'after' } });
    const plan = plans.treeOf([plans.block('k', [plans.action('x'), plans.action('y')])]);
    const tried = { k: 'failed', 'k.x': 'completed', 'k.y': 'failed', 'k#2.x': 'completed', 'k#2.y': 'failed' };
    expect(walked(plan, tried, { from: 'k#2.y' })).toEqual({ taken: ['k.x = k#2.x'], anew: { 'k.y': 'asked' } });
    expect(walked(plan, tried, { from: 'k' }).anew).toEqual({ 'k.x': 'asked', 'k.y': 'after' });
  });

  it('passes over steps that were skipped by the plan, whole holders too', () => {
    const plan = plans.treeOf([
      plans.action('a', { when: tree(false) }),
      plans.forEach('l', [1], [plans.action('x')], { when: tree(false) }),
      plans.choice('s', [
        ['yes', tree(true), [plans.action('m')]],
        ['default', undefined, [plans.forEach('n', [1], [plans.action('o')])]],
      ]),
      plans.action('z'),
    ]);
    const short = {
      a: 'when',
      l: 'when',
      s: 'completed',
      's:yes.m': 'completed',
      's:default.n': 'not_selected',
      z: 'failed',
    };
    expect(walked(plan, short)).toEqual({ taken: ['s:yes.m'], anew: { z: 'failed' } });
  });

  it('tells branches apart, and does all behind them when one runs anew', () => {
    const plan = plans.treeOf([
      plans.parallel('p', { left: [plans.action('m'), plans.action('n')], right: [plans.action('o')] }),
      plans.action('z'),
    ]);
    const short = {
      p: 'failed',
      'p:left.m': 'completed',
      'p:left.n': 'failed',
      'p:right.o': 'completed',
      z: 'not_reached',
    };
    expect(walked(plan, short)).toEqual({
      taken: ['p:left.m', 'p:right.o'],
      anew: { 'p:left.n': 'failed', z: 'after' },
    });
  });

  it('tells items of a loop apart unless they follow from each other', () => {
    const body = [plans.action('x'), plans.action('y')];
    const short = {
      l: 'failed',
      'l[0].x': 'completed',
      'l[0].y': 'failed',
      'l[2].x': 'completed',
      'l[2].y': 'completed',
      'l[10].x': 'completed',
      'l[10].y': 'completed',
    };
    expect(walked(plans.treeOf([plans.forEach('l', [1, 2, 3], body), plans.action('z')]), short)).toEqual({
      taken: ['l[0].x', 'l[2].x', 'l[2].y', 'l[10].x', 'l[10].y'],
      anew: { 'l[0].y': 'failed', z: 'after' },
    });
    const chain = plans.treeOf([
      plans.forEach('l', [1, 2, 3], [plans.action('x', { with: { before: ref('prev', 'n') } }), plans.action('y')]),
    ]);
    expect(walked(chain, short).anew).toEqual({
      'l[0].y': 'failed',
      'l[2].x': 'after',
      'l[2].y': 'after',
      'l[10].x': 'after',
      'l[10].y': 'after',
    });
    // Items that never began leave no record, and the loop is not over.
    const begun = { l: 'cancelled', 'l[0].x': 'completed', 'l[0].y': 'completed' };
    expect(walked(plans.treeOf([plans.forEach('l', [1, 2], body), plans.action('z')]), begun).anew).toEqual({
      z: 'not_run',
    });
    expect(walked(plans.treeOf([plans.forEach('l', [1, 2], body)]), { l: 'not_reached' }).anew).toEqual({
      'l[].x': 'not_run',
      'l[].y': 'after',
    });
  });

  it('takes failures over that did not end the run, with what handled them', () => {
    const plan = plans.treeOf([
      plans.handling(plans.action('a'), { do: [plans.action('tell')] }),
      plans.forEach('l', [1, 2], [plans.action('x'), plans.action('y')], { mode: 'collect' }),
      plans.handling(plans.block('k', [plans.action('m'), plans.action('n')], { finally: [plans.action('clean')] }), {
        do: [plans.action('back')],
      }),
      plans.action('z'),
    ]);
    const short = {
      a: 'failed!',
      'a!0.tell': 'completed',
      l: 'completed',
      'l[0].x': 'failed',
      'l[0].y': 'not_reached',
      'l[1].x': 'completed',
      'l[1].y': 'completed',
      k: 'failed!',
      'k.m': 'failed',
      'k.n': 'not_reached',
      'k!0.back': 'completed',
      'k~finally.clean': 'completed',
      z: 'failed',
    };
    expect(walked(plan, short)).toEqual({
      taken: ['a', 'a!0.tell', 'l[0].x', 'l[1].x', 'l[1].y', 'k.m', 'k!0.back', 'k~finally.clean'],
      anew: { z: 'failed' },
    });
  });

  it('cleans up again where a scope is not over', () => {
    const plan = plans.treeOf([
      plans.block('k', [plans.action('m'), plans.action('n')], { finally: [plans.action('clean')] }),
    ]);
    const short = { k: 'failed', 'k.m': 'completed', 'k.n': 'failed', 'k~finally.clean': 'completed' };
    expect(walked(plan, short).taken).toEqual(['k.m']);
    const over = { k: 'completed', 'k.m': 'completed', 'k.n': 'completed', 'k~finally.clean': 'completed' };
    expect(walked(plan, over, { from: 'n' })).toEqual({
      taken: ['k.m'],
      anew: { 'k.n': 'asked', 'k~finally.clean': 'after' },
    });
  });

  it('ends where an input that is read was changed', () => {
    const plan = plans.treeOf([
      plans.action('a', { with: { host: ref('inputs', 'host') } }),
      plans.gate('g', { message: ref('inputs', 'note') }),
      plans.action('b'),
      plans.transform('t', [['n', ref('inputs', 'size')]]),
      plans.action('c'),
      plans.agent('d', {}),
    ]);
    const short = { a: 'completed', g: 'completed', b: 'completed', t: 'completed', c: 'completed', d: 'completed' };
    expect(walked(plan, short, changed('host')).anew).toMatchObject({ a: 'inputs_changed', b: 'after', c: 'after' });
    expect(walked(plan, short, changed('size'))).toEqual({
      taken: ['a', 'b'],
      anew: { c: 'inputs_changed', d: 'after' },
    });
    // A gate is decided anew anyway; an agent is sent all inputs.
    expect(walked(plan, short, changed('note'))).toEqual({ taken: ['a', 'b', 'c'], anew: { d: 'inputs_changed' } });
  });

  it('ends where something decides anew whether a step runs', () => {
    const plan = plans.treeOf([
      plans.gate('g'),
      plans.transform('t', [['who', ref('steps', 'g', 'outputs', 'by')]]),
      plans.action('a', { with: { who: ref('steps', 't', 'outputs', 'who') } }),
      plans.wait('w', { for: '1s' }),
      plans.action('b', { when: tree(['==', ['.', ['.', ['.', ['v', 'steps'], 't'], 'outputs'], 'who'], 'ann']) }),
      plans.action('c'),
    ]);
    const short = { g: 'completed', t: 'completed', a: 'completed', w: 'completed', b: 'completed', c: 'failed' };
    expect(walked(plan, short)).toEqual({ taken: ['a'], anew: { b: 'decided_anew', c: 'after' } });
    const clock = plans.treeOf([plans.action('a', { when: tree(['==', ['v', 'now'], 1]) })]);
    expect(walked(clock, { a: 'completed' }).anew).toEqual({ a: 'decided_anew' });
    const late = plans.treeOf([
      plans.action('a'),
      plans.action('b', { when: tree(['.', ['.', ['v', 'steps'], 'a'], 'attempts']) }),
    ]);
    expect(walked(late, { a: 'completed', b: 'completed' }).anew).toEqual({ b: 'decided_anew' });
    const facts = plans.treeOf([
      plans.action('a', { when: tree(['==', ['.', ['v', 'run'], 'trigger'], 'x']) }),
      plans.block('k', [plans.gate('h')]),
      plans.action('b', { when: tree(['.', ['.', ['v', 'steps'], 'k'], 'outputs']) }),
    ]);
    expect(walked(facts, { a: 'completed', k: 'completed', 'k.h': 'completed', b: 'completed' })).toEqual({
      taken: ['a'],
      anew: { b: 'decided_anew' },
    });
  });

  it('ends where the version that runs now does something else', () => {
    const before = plans.treeOf([plans.action('a'), plans.action('b', { timeout_ms: 1 }), plans.action('c')]);
    const done = { a: 'completed', b: 'completed', c: 'failed' };
    const longer = plans.treeOf([
      plans.action('a'),
      plans.action('b', { timeout_ms: 9, name: 'B', keep: [] }),
      plans.action('c'),
    ]);
    expect(walked(longer, done, { previous: before }).taken).toEqual(['a', 'b']);
    const other = plans.treeOf([plans.action('a'), plans.action('b', { with: { x: 1 } }), plans.action('c')]);
    expect(walked(other, done, { previous: before }).anew).toEqual({ b: 'rerun_contract_changed', c: 'after' });
    const contract = { ...before, actions: { 'http.call': { pack: 'core', contract: 'sha256:other' } } };
    expect(walked(contract, done, { previous: before }).anew).toMatchObject({ a: 'rerun_contract_changed' });
    const longerList = plans.treeOf([
      plans.action('a'),
      plans.action('new'),
      plans.action('b', { timeout_ms: 1 }),
      plans.action('c'),
    ]);
    expect(walked(longerList, done, { previous: before }).anew).toMatchObject({ new: 'not_run', b: 'after' });
    const choices = (name: string): Plan =>
      plans.treeOf([plans.choice('s', [[name, tree(true), [plans.action('m')]]])]);
    const chose = { s: 'completed', 's:yes.m': 'completed', 's:no.m': 'completed' };
    expect(walked(choices('no'), chose, { previous: choices('yes') }).anew).toEqual({
      's:no.m': 'rerun_contract_changed',
    });
  });

  it('ends where a result is not kept any more', () => {
    expect(walked(three, { a: 'completed', b: 'completed', c: 'failed' }, { gone: new Set(['b']) })).toEqual({
      taken: ['a'],
      anew: { b: 'result_gone', c: 'after' },
    });
  });
});
