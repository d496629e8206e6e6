import { describe, expect, it } from '@jest/globals';
import { readsOf, readsOfTree } from './reads.js';
import type { Tree } from './tree.js';

const v = (name: string): Tree => ['v', name];
const outputs: Tree = ['.', ['.', v('steps'), 'a'], 'outputs'];

describe('readsOfTree', () => {
  it.each<[string, Tree, string[][]]>([
    ['literal', 1, []],
    ['path', ['.', outputs, 'x'], [['steps', 'a', 'outputs', 'x']]],
    ['optional path', ['.?', ['[?]', ['.?', v('steps'), 'a'], 'outputs'], 'x'], [['steps', 'a', 'outputs', 'x']]],
    ['text index', ['[]', ['[]', v('steps'), 'my-id'], 'status'], [['steps', 'my-id', 'status']]],
    ['number index ends it', ['.', ['[]', ['.', outputs, 'list'], 0], 'x'], [['steps', 'a', 'outputs', 'list']]],
    ['computed index', ['.', ['[]', v('inputs'), ['.', v('event'), 'name']], 'x'], [['event', 'name'], ['inputs']]],
    ['has', ['has', outputs, 'x'], [['steps', 'a', 'outputs', 'x']]],
    ['call', ['c', 'size', ['.', v('inputs'), 'n'], 'v'], [['inputs', 'n']]],
    ['access behind a call', ['.', ['c', 'parseJson', v('event')], 'x'], [['event']]],
    ['access behind that', ['[]', ['.', ['l', v('a')], 'x'], v('b')], [['a'], ['b']]],
    ['map literal', ['m', 'v', v('b'), 'w', ['.', v('a'), 'x']], [['a', 'x'], ['b']]],
    ['literals that look like trees', ['l', ['q', ['v', 'n']], ['d', 1]], []],
    [
      'macro',
      ['filter', ['.', v('inputs'), 'list'], 'x', ['==', ['.', v('x'), 'id'], ['.', v('env'), 'name']]],
      [
        ['env', 'name'],
        ['inputs', 'list'],
      ],
    ],
    ['macro variable that hides', ['map', v('x'), 'x', ['l', v('x'), v('y')]], [['x'], ['y']]],
    ['access behind a literal', ['.', 1, 'x'], []],
    [
      'longer before and after',
      ['l', ['.', ['.', v('a'), 'b'], 'c'], ['.', v('a'), 'b'], ['.', ['.', v('a'), 'b'], 'd'], v('b'), v('a')],
      [['a'], ['b']],
    ],
    ['text', ['t', 'n=', ['.', v('inputs'), 'n']], [['inputs', 'n']]],
    [
      'shorter covers longer',
      ['l', ['.', ['.', v('a'), 'b'], 'c'], ['.', v('a'), 'b'], ['.', v('a'), 'b'], ['.', v('a'), 'bb']],
      [
        ['a', 'b'],
        ['a', 'bb'],
      ],
    ],
  ])('%s', (_name, tree, reads) => {
    expect(readsOfTree(tree)).toEqual(reads);
  });
});

describe('readsOf', () => {
  it('looks into templates only', () => {
    const val = { a: [{ $: ['.', v('inputs'), 'n'] }, ['v', 'zzz']], b: { c: { $: v('now') } }, d: null };
    expect(readsOf(val as never)).toEqual([['inputs', 'n'], ['now']]);
  });
});
