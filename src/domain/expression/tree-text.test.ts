import { expect, it } from '@jest/globals';
import type { Tree } from './tree.js';
import { treeText } from './tree-text.js';

const data = (name: string): Tree => ['.', ['.', ['v', 'event'], 'data'], name];

it.each<[Tree, string]>([
  [['==', data('service'), 'HTTPS'], 'event.data.service == "HTTPS"'],
  [['&&', ['!', data('a')], ['||', data('b'), true]], '!event.data.a && (event.data.b || true)'],
  [['*', ['+', 1, 2], ['neg', 3]], '(1 + 2) * -3'],
  [['/i', 7, 2], '7 / 2'],
  [['d', 1], '1.0'],
  [['d', 1.5], '1.5'],
  [['later', 1], 'later(1)'],
  [['[]', ['v', 'x'], 'a-b'], 'x["a-b"]'],
  [['[?]', ['.?', ['v', 'x'], 'y'], 0], 'x.?y[?0]'],
  [['has', ['v', 'x'], 'y'], 'has(x.y)'],
  [['?', ['v', 'c'], 'a', null], 'c ? "a" : null'],
  [['in', 'a', ['l', 'a', 'b']], '"a" in ["a", "b"]'],
  [['m', 'k', 1], '{"k": 1}'],
  [['exists', ['v', 'xs'], 'x', ['>', ['v', 'x'], 1]], 'xs.exists(x, x > 1)'],
  [['c', 'startsWith', data('s'), 'Disk'], 'event.data.s.startsWith("Disk")'],
  [['c', 'size', data('s')], 'size(event.data.s)'],
  [['t', 'a ', ['v', 'x']], '"a {{ x }}"'],
  [['q', { a: 1 }], '{"a":1}'],
])('%j is written as %s', (tree, text) => {
  expect(treeText(tree)).toBe(text);
});
