import { describe, expect, it } from '@jest/globals';
import type { GateDetailDto, RunDto } from '../domain/dtos.js';
import type { Plan } from '../domain/plan.js';
import { action, choice, forEach, gate, treeOf } from '../../test/support/plans.js';
import { gateFacts } from './overview-gate.js';

const holds = ['c', 'ok'] as never;

/** What the page of the gate says of each action that it covers, as `path: only`. */
function onlyOf(plan: Plan, gatePath: string, paths: readonly string[]): string[] {
  const binds = paths.map((path) => ({ path, action: 't.echo', input: {}, later: [], hash: '' }));
  const asked = { gate_id: 'g', path: gatePath, purpose: 'approval', binds, decisions: [] } as unknown as GateDetailDto;
  const run = { trigger: 'manual', event_id: null } as RunDto;
  const { actions } = gateFacts(asked, { run, steps: [], plan, asked: undefined });
  return actions.map(({ path, only }) => `${path}: ${only ?? 'once'}`);
}

describe('what a gate lets run', () => {
  it('tells what runs once, for each item, or only where a condition holds', () => {
    const plan = treeOf([
      gate('ask'),
      action('plain'),
      action('asked', { when: holds }),
      choice('way', [['a', holds, [action('first')]]]),
      forEach('each', ['x'], [action('item')]),
    ]);
    expect(onlyOf(plan, 'ask', ['plain', 'asked', 'way:a.first', 'each.item'])).toEqual([
      'plain: once',
      'asked: maybe',
      'way:a.first: maybe',
      'each.item: each',
    ]);
  });

  it('counts nothing that holds the gate too', () => {
    const plan = treeOf([forEach('each', ['x'], [gate('ask'), action('item')])]);
    expect(onlyOf(plan, 'each[1].ask', ['each[1].item'])).toEqual(['each[1].item: once']);
  });
});
