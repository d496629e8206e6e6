import { describe, expect, it } from '@jest/globals';
import type { Tree } from '../domain/expression/tree.js';
import { action, agent, block, forEach, transform, treeOf } from '../../test/support/plans.js';
import { Origins } from './origins.js';

const path = (...keys: string[]): Tree =>
  keys.slice(1).reduce<Tree>((tree, key) => ['.', tree, key], ['v', keys[0] ?? '']);
const value = (...keys: string[]) => ({ $: path(...keys) });

const PLAN = treeOf(
  [
    agent('think'),
    action('read', {}),
    transform('made', [
      ['quoted', value('inputs', 'note')],
      ['own', value('inputs', 'pool')],
      ['said', value('steps', 'think', 'outputs', 'text')],
    ]),
    block('group', [agent('inner')], { outputs: { told: value('steps', 'inner', 'outputs', 'text'), done: true } }),
    forEach('each', value('event', 'data', 'hosts'), [action('one', {})], { as: 'host' }),
  ],
  {
    id: 'bp.origins',
    triggers: [
      { kind: 'event', event: 'mon.alert', inputs: { note: value('event', 'data', 'output'), pool: 'web' } },
      { kind: 'event', event: 'git.push' },
    ],
  },
);
const byEvent = new Origins(PLAN, { trigger: 'mon.alert', event_id: 'e' });
const byHand = new Origins(PLAN, { trigger: 'manual', event_id: null });

describe('who wrote a value', () => {
  it.each([
    ['what the sender of the event wrote', value('event', 'data', 'output'), ['event']],
    ['what Xyn wrote of the event', value('event', 'occurred_at'), []],
    ['an input that the trigger takes from the event', value('inputs', 'note'), ['event']],
    ['an input that the trigger sets', value('inputs', 'pool'), []],
    ['what a model answered', value('steps', 'think', 'outputs', 'text'), ['agent']],
    ['what an action answered', value('steps', 'read', 'outputs', 'text'), []],
    ['a computed value, by what it is made of', value('steps', 'made', 'outputs', 'quoted'), ['event']],
    ['another field of it', value('steps', 'made', 'outputs', 'own'), []],
    ['all of it', value('steps', 'made', 'outputs'), ['agent', 'event']],
    ['what a block gives out of a model', value('steps', 'group', 'outputs', 'told'), ['agent']],
    ['what else it gives out', value('steps', 'group', 'outputs', 'done'), []],
    ['an item of a loop', value('host'), ['event']],
    ['a list with one such item', ['systemctl', value('inputs', 'note')], ['event']],
    ['a text of the blueprint', 'systemctl', []],
  ] as const)('%s', (_what, val, origins) => {
    expect(byEvent.of(val as never)).toEqual(origins);
  });

  it('knows that a person gave the inputs of a run by hand', () => {
    expect(byHand.of(value('inputs', 'note') as never)).toEqual([]);
    expect(byHand.of(value('steps', 'made', 'outputs', 'quoted') as never)).toEqual([]);
  });

  it('knows that a trigger without inputs hands on the fields of the event', () => {
    const pushed = new Origins(PLAN, { trigger: 'git.push', event_id: 'e' });
    expect(pushed.of(value('inputs', 'pool') as never)).toEqual(['event']);
  });
});
