import { describe, expect, it } from '@jest/globals';
import type { DraftDiffDto } from '../../domain/drafts.js';
import { Parts } from '../parts/parts.js';
import { actionList, effectsSentence, type DecisionAction } from './actions.js';

const ui = new Parts({ now: 0, zone: 'UTC' });
const act = (over: Partial<DecisionAction> = {}): DecisionAction => ({
  path: 'restart',
  name: 'Restart',
  action: 'ssh.run',
  pack: null,
  effect: 'write',
  idempotency: 'none',
  targets: ['web-1'],
  input: { host: 'web-1' },
  later: [],
  outside: {},
  only: null,
  hash: 'sha256:0',
  ...over,
});
const prod = { name: 'hel-1', stage: 'prod' };
const text = (actions: readonly DecisionAction[]): string => actionList(actions, ui).toString().replace(/\s+/g, ' ');
const hosts = (name: string, count: number, over: Partial<DecisionAction> = {}): DecisionAction[] =>
  Array.from({ length: count }, (_, n) => act({ targets: [`${name}-${n}`], input: { host: `${name}-${n}` }, ...over }));

describe('what an approval let run', () => {
  it.each([
    [[], 'The run was to go on in hel-1'],
    [[act()], '1 action was to run against 1 target in prod'],
    [[act(), act({ only: 'maybe' })], 'Up to 2 actions were to run against 1 target in prod'],
  ])('%#: is said of a decided gate as what was asked', (actions, sentence) => {
    expect(effectsSentence(actions, prod, false).replace(/\u202f|\u00a0/g, ' ')).toBe(sentence);
  });
});

describe('what an approval lets run', () => {
  it.each([
    [[], 'If you approve, the run goes on in hel-1'],
    [[act()], 'If you approve, 1 action runs against 1 target in prod'],
    [hosts('web', 3), 'If you approve, 3 actions run against 3 targets in prod'],
    [[act({ targets: [], input: {} })], 'If you approve, 1 action runs in prod'],
    [[act(), act({ only: 'maybe' })], 'If you approve, up to 2 actions run against 1 target in prod'],
    [[act({ only: 'each' })], 'If you approve, 1 action runs against 1 target in prod, once for each item of a loop'],
    [
      [act(), act({ only: 'each', targets: [], later: ['host'] })],
      'If you approve, 2 actions run against at least 1 target in prod, 1 of them once for each item of a loop',
    ],
  ])('%#: is said in a sentence', (actions, sentence) => {
    expect(effectsSentence(actions, prod).replace(/\u202f|\u00a0/g, ' ')).toBe(sentence);
  });

  it('marks what somebody outside wrote, argument by argument', () => {
    const shown = text([
      act({
        input: { argv: ['echo', 'CVE ok\u202egnp'], note: 'from a model' },
        outside: { argv: { by: ['event'], items: [1] }, note: { by: ['agent'], items: null } },
      }),
    ]);
    expect(shown).toMatch(/\[&quot;echo&quot;, <span class="outside">&quot;CVE ok<span class="hidden-char"/);
    expect(shown).toContain('written by the sender of the event, not by us');
    expect(shown).toMatch(/<span class="outside"><code class="wrap">from a model<\/code><\/span>.*written by an agent/);
  });

  it('groups more than 20 by action and target pattern, with exact counts, and folds nothing that cannot be undone', () => {
    const many = [...hosts('web', 12), ...hosts('db', 9), ...hosts('lb', 2, { effect: 'destructive' })];
    const shown = text(many);
    expect(shown.match(/<details/g)).toHaveLength(2);
    expect(shown).toMatch(/<summary><b>12.actions<\/b> <code>ssh.run<\/code> against 12.targets <code>web-\*<\/code>/);
    expect(shown).toMatch(/<summary><b>9.actions<\/b> <code>ssh.run<\/code> against 9.targets <code>db-\*<\/code>/);
    expect(shown).toMatch(/<div class="act-group"[^>]*> <p> ?<b>2.actions<\/b>/);
    expect(shown.match(/data-testid="gate-action-/g)).toHaveLength(23);
    expect(text(many.slice(0, 20))).not.toContain('<details');
  });
});

it('leads from a promotion to what it would change, and makes no link of what is no draft', () => {
  const id = '4b1c9f52-6b0c-4d7e-8f7e-2d6f3a1c5e90';
  const promote = (id: string): DecisionAction => act({ action: 'blueprints.promote', input: { draft_id: id } });
  expect(text([promote(id)])).toContain(`href="/ui/drafts/${id}/diff"`);
  expect(text([promote('../runs')])).not.toContain('href="/ui/drafts');
});

it('shows what a promotion changes, line by line and word by word', () => {
  const id = '4b1c9f52-6b0c-4d7e-8f7e-2d6f3a1c5e90';
  const lines: DraftDiffDto['lines'] = [
    { kind: 'skipped', count: 9 },
    { kind: 'same', text: 'plan:' },
    { kind: 'removed', text: '    timeout: 10s' },
    { kind: 'added', text: '    timeout: 30s' },
  ];
  const diff = { draft_id: id, from: { version: 4 }, to: { revision: 2 }, added: 1, removed: 1, is_whole: true };
  const promote = act({ action: 'blueprints.promote', input: { draft_id: id }, promotes: { ...diff, lines } });
  const shown = text([promote]);
  expect(shown).toMatch(/version 4 to revision 2<\/span><span[^>]*>\+1 −1</);
  expect(shown).toMatch(
    /<li class="removed"> timeout: <del>10s<\/del><\/li>.*<li class="added"> timeout: <ins>30s<\/ins>/,
  );
  expect(shown).toMatch(/9.unchanged lines/);
  const long = Array.from({ length: 400 }, (_, n) => ({ kind: 'added' as const, text: `line ${n}` }));
  const first = text([{ ...promote, promotes: { ...diff, from: { version: null }, lines: long } }]);
  expect(first).toMatch(/no version to revision 2<\/span><span[^>]*>\+400 −0</);
  expect(first).toMatch(new RegExp(`href="/ui/drafts/${id}/diff">280.more lines`));
});
