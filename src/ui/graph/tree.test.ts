import { describe, expect, it } from '@jest/globals';
import {
  act,
  ask,
  block,
  choose,
  forEach,
  longPlan,
  parallel,
  sketchPlan,
} from '../../../test/ui/support/graph-plans.js';
import { buildTree, type RunState, type StepRecord } from './build-tree.js';
import { fold } from './fold.js';
import { layout } from './layout.js';
import { loopCells, loopCounts, type LoopItems } from './loop-cells.js';
import type { Mark } from './marks.js';
import { predict } from './predict.js';
import { trackOf } from './track-rows.js';
import { countSteps, stopsOf, type GraphNode } from './tree.js';

const START = 1_700_000_000_000;

function record(path: string, mark: Mark, more: Partial<StepRecord> = {}): StepRecord {
  const started = mark === 'todo' || mark === 'skipped' ? null : START;
  const ended = started === null || mark === 'run' || mark === 'gate' ? null : START + 1_000;
  return { path, mark, skipReason: null, attempts: 1, startedMs: started, endedMs: ended, note: null, ...more };
}

function state(records: StepRecord[], more: Partial<RunState> = {}): RunState {
  return { open: true, records, loops: new Map(), usualMs: new Map(), ...more };
}

const facts = (tree: GraphNode): Record<string, string> =>
  Object.fromEntries([...stopsOf(tree)].map(({ path, mark, way }) => [path, `${mark} ${way}`]));

describe('buildTree', () => {
  it('draws all steps from the start, those without a record as still to come', () => {
    const tree = buildTree(
      sketchPlan([act('a'), parallel('p', { x: [act('b')], y: [ask('g')] }), act('c')]),
      state([record('a', 'done')]),
    );
    expect(facts(tree)).toEqual({
      a: 'done taken',
      p: 'todo todo',
      'p:x.b': 'todo todo',
      'p:y.g': 'todo todo',
      c: 'todo todo',
    });
  });

  it('finds steps under branches, newest block attempts, handlers that ran, finally and undo', () => {
    const plan = sketchPlan([block('roll', [act('shift')]), parallel('p', { disk: [act('df')] })], {
      finally: [act('cleanup')],
      onError: [act('alarm')],
    });
    const tree = buildTree(
      plan,
      state([
        record('roll.shift', 'fail'),
        record('roll#2.shift', 'done'),
        record('roll#2.shift~undo[0]', 'done'),
        record('p:disk.df', 'fail'),
        record('!0.alarm', 'done'),
        record('~finally.cleanup', 'run'),
      ]),
    );
    expect(facts(tree)).toMatchObject({
      'roll#2.shift': 'done taken',
      'p:disk.df': 'fail taken',
      '!0.alarm': 'done taken',
      '~finally.cleanup': 'run taken',
    });
    expect([...stopsOf(tree)].find(({ path }) => path === 'roll#2.shift')).toMatchObject({
      undo: [{ path: 'roll#2.shift~undo[0]', mark: 'undone' }],
    });
    expect(facts(buildTree(plan))).not.toHaveProperty(['!0.alarm']);
  });

  it('takes the chosen case and leaves the others, with or without records of their steps', () => {
    const plan = sketchPlan([
      choose('route', { full: [act('a')], part: [act('b'), block('c', [act('d')])] }),
      act('e'),
    ]);
    const tree = buildTree(plan, state([record('route:full.a', 'run')]));
    expect(facts(tree)).toEqual({
      route: 'run taken',
      'route:full.a': 'run taken',
      'route:part.b': 'skipped off',
      'route:part.c': 'skipped off',
      'route:part.c.d': 'skipped off',
      e: 'todo todo',
    });
    const none = buildTree(plan, state([record('route', 'done', { chosen: null })]));
    const route = none.items[0];
    expect(route?.type === 'lanes' && route.lanes.map(({ name, way }) => [name, way])).toEqual([
      ['full', 'off'],
      ['part', 'off'],
      ['default', 'taken'],
    ]);
  });

  it('goes on past a step that was skipped, and not past one that was never reached', () => {
    const plan = sketchPlan([act('a'), act('b'), act('c')]);
    const skips = [
      record('a', 'skipped', { skipReason: 'when' }),
      record('b', 'fail'),
      record('c', 'skipped', { skipReason: 'not_reached' }),
    ];
    expect(facts(buildTree(plan, state(skips, { open: false })))).toEqual({
      a: 'skipped taken',
      b: 'fail taken',
      c: 'skipped off',
    });
    expect(facts(buildTree(plan, state([], { open: false })))).toMatchObject({ a: 'skipped off' });
  });

  it('keeps a loop of 10 000 items to one box', () => {
    const items: LoopItems = { states: 'd'.repeat(9_000) + 'f' + 'r'.repeat(16), total: 10_000, failed: [] };
    const tree = buildTree(
      sketchPlan([forEach('rows', [act('copy')])]),
      state([], { loops: new Map([['rows', items]]) }),
    );
    expect(facts(tree)).toEqual({ rows: 'run taken' });
    const cells = loopCells(items);
    expect(cells).toHaveLength(100);
    expect([cells[89]?.mark, cells[90]?.mark, cells[91]?.mark]).toEqual(['done', 'fail', 'todo']);
    expect(Object.fromEntries(loopCounts(items))).toEqual({ done: 9_000, fail: 1, run: 16, todo: 983 });
    expect(layout(tree, { width: 1088 }).boxes).toHaveLength(1);
  });
});

describe('fold', () => {
  const now = START + 60_000;
  const plan = longPlan(200);
  const leaves = [...stopsOf(buildTree(plan))]
    .filter(({ type }) => type === 'leaf' || type === 'loop')
    .map(({ path }) => path);
  const records = leaves.map((path, index) => record(path, index < 100 ? 'done' : index === 100 ? 'gate' : 'todo'));
  const tree = buildTree(plan, state(records));
  const paths = (node: GraphNode): string[] =>
    [...stopsOf(node)].filter(({ type }) => type !== 'fold').map(({ path }) => path);

  it('keeps what waits and its neighbours, and counts what it folds', () => {
    const folded = fold(tree, { now });
    expect(paths(folded)).toContain(leaves[100]);
    expect(paths(folded)).toContain(leaves[101]);
    expect(paths(folded).length).toBeLessThan(30);
    expect(countSteps(tree)).toBe(200);
    const folds = [...stopsOf(folded)].filter(({ type }) => type === 'fold');
    expect(folds.some(({ mark }) => mark === 'done') && folds.some(({ mark }) => mark === 'todo')).toBe(true);
    expect(countSteps(folded)).toBe(200);
  });

  it('keeps what is looked at, and what ended less than ten seconds ago', () => {
    expect(paths(fold(tree, { now, selected: 's60' }))).toContain('s60');
    expect(paths(fold(tree, { now }))).not.toContain('s60');
    expect(paths(fold(tree, { now: START + 5_000 }))).toContain('s60');
  });

  it('draws a finished parallel as its number of branches', () => {
    const short = sketchPlan([
      parallel('p', { a: [act('x')], b: [act('y')], c: [act('z')] }),
      act('q'),
      act('r'),
      ask('g'),
    ]);
    const done = ['p:a.x', 'p:b.y', 'p:c.z', 'q', 'r'].map((path) => record(path, 'done'));
    const folded = fold(buildTree(short, state([...done, record('g', 'gate')])), { now });
    expect(folded.items[0]).toMatchObject({ type: 'fold', what: 'branches', count: 3, mark: 'done' });
  });
});

describe('trackOf', () => {
  it('gives branches a column each from the split to the join', () => {
    const plan = sketchPlan([
      act('a'),
      parallel('p', { x: [act('b')], y: [act('c')], z: [act('d')] }),
      parallel('q', { x: [act('e')], y: [act('f')] }),
      act('g'),
    ]);
    const track = trackOf(buildTree(plan));
    expect(track.rows.map(({ path, lane }) => [path, lane])).toEqual([
      ['a', 0],
      ['p:x.b', 0],
      ['p:y.c', 1],
      ['p:z.d', 2],
      ['q:x.e', 0],
      ['q:y.f', 1],
      ['g', 0],
    ]);
    expect(track.lanes).toBe(3);
    expect(track.edges).toHaveLength(3 + 6 + 2);
  });

  it('leads the way past empty cases through a column of its own', () => {
    const track = trackOf(buildTree(sketchPlan([choose('c', { yes: [act('a')] }), act('b')])));
    expect(track.edges.map(({ from, to, via }) => [from.row, to.row, via])).toEqual([
      [0, 1, undefined],
      [1, 2, undefined],
      [0, 2, 1],
    ]);
  });

  it('lists failed items and undo steps below their step', () => {
    const failed = {
      index: 17,
      path: 'l[17].a',
      label: 'web-18',
      mark: 'undone' as const,
      code: 'bad',
      message: '502',
      attempts: 3,
      startedMs: START,
      endedMs: START,
      undo: [{ path: 'l[17].a~undo[0]', mark: 'done' as const, startedMs: START, endedMs: START }],
    };
    const loops = new Map([['l', { states: 'd'.repeat(17) + 'u', total: 40, failed: [failed] }]]);
    const track = trackOf(buildTree(sketchPlan([forEach('l', [act('a')]), act('b')]), state([], { loops })));
    expect(track.rows.map(({ path, title, lane, isSub }) => [path, title, lane, isSub])).toEqual([
      ['l', 'l', 0, false],
      ['l[17].a', 'web-18', 1, true],
      ['l[17].a~undo[0]', 'Undo web-18', 1, true],
      ['b', 'b', 0, false],
    ]);
  });
});

describe('predict', () => {
  it('puts each step behind the one before it, branches side by side', () => {
    const plan = sketchPlan([act('a'), parallel('p', { x: [act('b')], y: [act('c')] }), act('d'), act('e')]);
    const usualMs = new Map([
      ['a', 5_000],
      ['b', 2_000],
      ['c', 3_000],
      ['d', 1_000],
    ]);
    const { steps, endMs } = predict(buildTree(plan, state([record('a', 'run')], { usualMs })), START + 1_000);
    expect(
      Object.fromEntries([...steps].map(([path, { startMs, endMs: end }]) => [path, [startMs - START, end - START]])),
    ).toEqual({
      'p:x.b': [5_000, 7_000],
      'p:y.c': [5_000, 8_000],
      d: [8_000, 9_000],
    });
    expect(endMs - START).toBe(9_000);
  });
});
