import { describe, expect, it } from '@jest/globals';
import { ref, Rig } from '../../../test/support/engine-rig.js';
import {
  action,
  agent,
  block,
  forEach,
  gate,
  handling,
  parallel,
  planOf,
  treeOf,
} from '../../../test/support/plans.js';
import type { Json } from '../json.js';
import type { XynError } from '../xyn-error.js';
import { resume } from './engine.js';
import type { Reused } from './state.js';

const BEFORE = '6f1d3c1e-0000-4000-8000-00000000000b';
const did = (outputs: Json, path?: string): Reused => ({
  status: 'completed',
  outputs,
  run: BEFORE,
  ...(path === undefined ? {} : { path }),
});
const broke: XynError = {
  code: 'http_status',
  message: 'no',
  step: 'x',
  path: 'x',
  attempt: 3,
  retryable: false,
  at: '2026-11-20T12:00:00.000Z',
};
const failed: Reused = { status: 'failed', error: broke, run: BEFORE };

describe('a run that repeats another', () => {
  it('takes results over where it has them, and goes on behind them', () => {
    const plan = planOf([
      action('a'),
      agent('b', { prompt: ref('steps', 'a', 'outputs', 'x') }),
      action('c', { with: { got: ref('steps', 'b', 'outputs', 'text') } }),
    ]);
    const rig = new Rig(plan, {}, null, { a: did({ x: 1 }), b: did({ text: 'so' }, 'old.b') });
    expect(rig.commands).toMatchObject([{ c: 'action', path: 'c', input: { got: 'so' } }]);
    expect(rig.log.filter((one) => one.t === 'step')).toMatchObject([
      { path: 'a', status: 'completed', attempts: 0, reused: { run: BEFORE } },
      { path: 'b', status: 'completed', attempts: 0, reused: { run: BEFORE, path: 'old.b' } },
    ]);
    // The catalog has the results: they do not travel a second time.
    expect(rig.log.some((one) => 'outputs' in one)).toBe(false);
    expect(rig.state.reuse).toEqual({});
    rig.done('c');
    expect(rig.log.at(-1)).toMatchObject({ t: 'end', status: 'completed', ended: 3 });
  });

  it('takes the outputs as later steps saw them, after the map of the step', () => {
    const plan = planOf([action('a', { outputs: { y: ref('result', 'x') } })], {
      outputs: { y: ref('steps', 'a', 'outputs', 'y') },
    });
    expect(new Rig(plan, {}, null, { a: did({ y: 4 }) }).state.outputs).toEqual({ y: 4 });
  });

  it('gives each result once: a block that tries again does all of it', () => {
    const retry = { attempts: 2, backoff: { first_ms: 1_000, factor: 1, max_ms: 1_000, jitter: 0 } };
    const plan = treeOf([block('b', [action('x'), action('y')], { retry })]);
    const rig = new Rig(plan, {}, null, { 'b.x': did({}, 'b#3.x') });
    expect(rig.commands).toMatchObject([{ c: 'action', path: 'b.y' }]);
    rig.fail('b.y', 'http_status', { retryable: true });
    rig.feed({ t: 'tick', now: rig.now + 1_000 });
    expect(rig.commands).toMatchObject([{ c: 'action', path: 'b#2.x' }, { c: 'wake' }]);
  });

  it('does only the items and branches that are missing', () => {
    const plan = treeOf([
      forEach('l', [1, 2, 3], [action('x')], { concurrency: 3 }),
      parallel('p', { left: [action('m')], right: [action('n')] }),
    ]);
    const rig = new Rig(plan, {}, null, { 'l[0].x': did({ n: 0 }), 'l[2].x': did({ n: 2 }), 'p:right.n': did({}) });
    expect(rig.commands).toMatchObject([{ c: 'action', path: 'l[1].x' }]);
    expect(rig.done('l[1].x')).toMatchObject([{ c: 'action', path: 'p:left.m' }]);
    rig.done('p:left.m');
    expect(rig.state.status).toBe('completed');
  });

  it('asks people again before it takes over what follows a gate', () => {
    const rig = new Rig(planOf([gate('g'), action('a')]), {}, null, { a: did({}) });
    expect(rig.state.phase).toBe('gate');
    rig.feed({ t: 'gate', path: 'g', decision: { decision: 'approve', by: 'ann' } });
    expect(rig.names()).not.toContain('action');
    expect(rig.state.status).toBe('completed');
  });

  it('handles a failure that is taken over as it was handled before', () => {
    const plan = treeOf([
      handling(action('x'), { do: [action('tell')], then: 'continue', outputs: { code: ref('error', 'code') } }),
      action('y', { with: { code: ref('steps', 'x', 'outputs', 'code') } }),
    ]);
    const rig = new Rig(plan, {}, null, { x: failed, 'x!0.tell': did({}) });
    expect(rig.commands).toMatchObject([{ c: 'action', path: 'y', input: { code: 'http_status' } }]);
    expect(rig.log.filter((one) => one.t === 'step' && one.path === 'x')).toMatchObject([
      { status: 'running', attempts: 0, reused: { run: BEFORE } },
      { status: 'failed', attempts: 0, error: { ...broke, handled: true } },
    ]);
    const plain = new Rig(treeOf([action('x')]), {}, null, { x: failed });
    expect(plain.state).toMatchObject({ status: 'failed', error: broke });
  });

  it('keeps what is left when it is handed over', () => {
    const rig = new Rig(planOf([gate('g'), action('a'), action('b')]), {}, null, { a: did({}) });
    expect(resume(rig.plan, JSON.parse(JSON.stringify(rig.state)))).toBeDefined();
    expect(rig.state.reuse).toEqual({ a: did({}) });
    rig.feed({ t: 'gate', path: 'g', decision: { decision: 'approve', by: 'ann' } });
    expect(rig.commands).toMatchObject([{ c: 'action', path: 'b' }, { c: 'wake' }]);
  });
});
