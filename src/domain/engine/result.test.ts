import { describe, expect, it } from '@jest/globals';
import { ref, Rig, tree } from '../../../test/support/engine-rig.js';
import { action, gate, planOf, transform } from '../../../test/support/plans.js';
import { DEFAULT_BACKOFF, type Val } from '../plan.js';
import { finishResult, type ResultRules } from './result.js';

const PLACE = { runId: 'r', path: 'a' };
const READY = tree(['==', ['.', ['v', 'result'], 'status'], 'ready']);
const outputs: Record<string, Val> = {
  code: ref('result', 'status'),
  host: ref('inputs', 'host'),
  at: ref('now'),
  id: { $: tree(['c', 'uid', 'x']) },
};

describe('rules for a result', () => {
  it('travel with the task, with what they read at that moment and nothing else', () => {
    const rig = new Rig(
      planOf([
        transform('t', [
          ['read', 7],
          ['unread', 8],
        ]),
        action('a', {
          effect: 'read',
          outputs: { ...outputs, t: ref('steps', 't', 'outputs', 'read'), none: ref('steps', 't', 'outputs', 'nope') },
          retry: { attempts: 3, backoff: DEFAULT_BACKOFF, until: READY },
        }),
      ]),
      { host: 'web', other: 'x' },
    );
    const { rules } = rig.commands.find(({ c }) => c === 'action') as unknown as { rules: ResultRules };
    expect(rules).toMatchObject({ until: READY, now: rig.now });
    expect(rules.seen).toEqual({ inputs: { host: 'web' }, steps: { t: { outputs: { read: 7 } } } });
    const { none: _, ...known } = rules.outputs as Record<string, Val>;
    expect(finishResult({ ...rules, outputs: known }, { status: 'ready', much: 'x' }, PLACE)).toEqual({
      value: {
        code: 'ready',
        host: 'web',
        at: '2026-11-21T12:00:00.01Z',
        id: expect.stringMatching(/^[a-z2-7]{26}$/) as unknown,
        t: 7,
      },
    });
    expect(finishResult(rules, { status: 'ready' }, PLACE)).toMatchObject({
      fault: { code: 'expression_error', detail: 'missing_key', retryable: false },
    });
  });

  it('repeat an attempt while `until` does not hold', () => {
    const rules = { until: READY, seen: {}, now: 0 };
    expect(finishResult(rules, { status: 'busy' }, PLACE)).toMatchObject({
      fault: { code: 'until_not_met', retryable: true },
    });
    expect(finishResult(rules, {}, PLACE)).toMatchObject({ fault: { code: 'expression_error', retryable: false } });
    expect(finishResult(rules, { status: 'ready' }, PLACE)).toEqual({ value: { status: 'ready' } });
  });

  it('hold what either of them reads', () => {
    const retry = {
      attempts: 3,
      backoff: DEFAULT_BACKOFF,
      until: tree(['==', ['v', 'result'], ['.', ['v', 'inputs'], 'host']]),
    };
    const rulesOf = (fields: Parameters<typeof action>[1]): unknown =>
      (new Rig(planOf([action('a', fields)]), { host: 'web' }).commands[0] as { rules?: unknown }).rules;
    expect(rulesOf({ effect: 'read', retry })).toMatchObject({ seen: { inputs: { host: 'web' } } });
    expect(rulesOf({ outputs: { n: ref('result', 'n') } })).toMatchObject({ seen: {} });
  });

  it('are none where nothing is asked', () => {
    expect(new Rig(planOf([action('a')])).commands[0]).not.toHaveProperty('rules');
    expect(finishResult({ outputs: { n: 1 }, seen: {}, now: 0 }, { x: 1 }, PLACE)).toEqual({ value: { n: 1 } });
    expect(finishResult(undefined, { x: 1 }, PLACE)).toEqual({ value: { x: 1 } });
  });

  it('leave the worker’s record as the only one, and are applied here where no worker did', () => {
    const plan = planOf(
      [action('a', { outputs: { n: ref('result', 'x') } }), gate('g', { outputs: { by: ref('result', 'by') } })],
      {
        outputs: { n: ref('steps', 'a', 'outputs', 'n') },
      },
    );
    const finished = new Rig(plan);
    finished.feed({ t: 'done', path: 'a', result: { n: 5 }, attempt: 1, finished: true });
    expect(finished.log.filter((one) => one.t === 'step' && one.path === 'a')).toEqual([]);
    finished.feed({ t: 'gate', path: 'g', decision: { decision: 'approve', by: 'ann' } });
    expect(finished.state.outputs).toEqual({ n: 5 });
    const raw = new Rig(plan);
    raw.done('a', { x: 5 });
    raw.feed({ t: 'gate', path: 'g', decision: { decision: 'approve', by: 'ann' } });
    expect(raw.state.outputs).toEqual({ n: 5 });
  });
});
