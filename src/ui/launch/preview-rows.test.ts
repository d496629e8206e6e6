import { expect, it } from '@jest/globals';
import type { PreviewList, PreviewStep } from '../../domain/plan-preview.js';
import { previewRows } from './preview-rows.js';

const step = (id: string, over: Partial<PreviewStep> = {}): PreviewStep => ({
  path: id,
  id,
  name: null,
  kind: 'action_task',
  would_run: 'yes',
  action: 't.echo',
  effect: 'write',
  targets: [],
  later: [],
  faults: [],
  ...over,
});
const list = (role: PreviewList['role'], name: string, steps: PreviewStep[], over: Partial<PreviewList> = {}) => ({
  ...{ role, name, would_run: 'yes' as const, steps },
  ...over,
});
const told = (lists: PreviewList[]): string[] =>
  previewRows(lists).map(
    ({ depth, title, step: one, number, detail }) =>
      `${'  '.repeat(depth)}${title ?? `${number} ${one?.id ?? ''}: ${detail}`}`,
  );

it('tells steps in their order, with the lists of holders and what decides about them', () => {
  const full = list('case', 'full', [step('wipe', { would_run: 'no' })], { would_run: 'no' });
  const light = list('case', 'light', [step('rinse', { would_run: 'later' })], { would_run: 'later' });
  const route = step('route', { kind: 'switch', lists: [full, light] });
  const each = step('each', { kind: 'for_each', items: 3, lists: [list('body', '', [step('one')])] });
  const plan = list('body', '', [route, each, step('last', { would_run: 'no' })]);
  const nothing = list('handler', '*', []);
  const undo = list('handler', 'exit_code', [step('undo', { would_run: 'later' })], { would_run: 'later' });
  expect(told([plan, nothing, undo, list('finally', 'finally', [step('tidy')])])).toEqual([
    '1 route: one of 2 ways',
    '  case full, not taken',
    '    2 wipe: t.echo',
    '  case light, decided later',
    '    3 rinse: t.echo',
    '4 each: for each of 3 items',
    '  5 one: t.echo',
    '6 last: t.echo · does not run',
    'only after a failure with exit_code',
    '  7 undo: t.echo',
    'at the end, always',
    '  8 tidy: t.echo',
  ]);
});

it('names targets as far as they are known, and what is decided later', () => {
  const agent = {
    kind: 'agent_task',
    action: 'agent:openai/gpt-5',
    effect: 'read',
    targets: ['openai/gpt-5'],
  } as const;
  const rows = told([
    list('body', '', [
      step('a', { targets: ['web-1', 'web-2', 'web-3', 'web-4', 'web-5'] }),
      step('b', { later: ['host'] }),
      step('c', { ...agent, targets: [...agent.targets], later: ['prompt'] }),
      step('d', { later: ['host', 'cmd'] }),
    ]),
  ]);
  expect(rows).toEqual([
    '1 a: t.echo · web-1, web-2, web-3, 2 more',
    '2 b: t.echo · host decided later',
    '3 c: openai/gpt-5',
    '4 d: t.echo · 2 inputs decided later',
  ]);
});
