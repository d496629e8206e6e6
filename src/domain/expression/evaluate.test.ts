import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { Json } from '../json.js';
import { EVALUATION_COST_LIMIT } from './cost.js';
import { evaluate, evaluateBool, evaluateJson, type EvalScope } from './evaluate.js';
import { EvaluationError } from './evaluation-error.js';
import { FUNCTIONS } from './functions.js';
import { timestampOfMs } from './time.js';
import type { Tree } from './tree.js';
import { Timestamp, type Value } from './value.js';

const NOW_MS = Date.UTC(2026, 0, 31, 8, 0, 0, 500);
const OFFLOADED = { artifact: 'a1', sha256: 'ff', bytes: 40_960 };

const VARIABLES: Readonly<Record<string, Value>> = {
  n: 5,
  half: 1.5,
  big: Number.MAX_SAFE_INTEGER,
  s: 'grün😀',
  yes: true,
  no: false,
  nothing: null,
  list: [3, 1, 2],
  texts: ['b', 'a', 'b'],
  map: { b: 1, a: { deep: [10, 20], nil: null } },
  evil: JSON.parse('{"__proto__": 1, "constructor": 2, "prototype": 3, "fine": 4}') as Json,
  large: OFFLOADED,
  now: timestampOfMs(NOW_MS),
};

function scope(left = EVALUATION_COST_LIMIT): EvalScope {
  const variable = (name: string): Value | undefined => (Object.hasOwn(VARIABLES, name) ? VARIABLES[name] : undefined);
  return { variable, cost: { left }, uid: (label) => `uid-${label}` };
}

const v = (name: string): Tree => ['v', name];
const call = (name: string, ...args: Tree[]): Tree => ['c', name, ...args];
const list = (...items: Tree[]): Tree => ['l', ...items];
const none: Tree = ['.?', v('map'), 'zzz'];
const some = (tree: Tree): Tree => ['[?]', list(tree), 0];
const boom: Tree = ['/', 1, 0];
const hour: Tree = call('duration', '1h');
const start: Tree = call('timestamp', '2026-01-01T00:00:00Z');

function failureOf(tree: Tree, run: (tree: Tree, scope: EvalScope) => unknown = evaluateJson): string {
  try {
    return `no error but ${JSON.stringify(run(tree, scope()))}`;
  } catch (error) {
    if (!(error instanceof EvaluationError)) throw error;
    return error.detail ?? error.code;
  }
}

const RESULTS: [name: string, tree: Tree, result: Json][] = [
  // literals, variables, access
  ['null', null, null],
  ['double literal', ['d', 1], 1],
  ['-0 is 0', ['d', -0], 0],
  ['quoted', ['q', { $: ['v', 'n'] }], { $: ['v', 'n'] }],
  ['list', list(1, 'a', v('n')), [1, 'a', 5]],
  ['map', ['m', 'a', 1, 'b', v('nothing')], { a: 1, b: null }],
  ['field', ['.', ['.', v('map'), 'a'], 'nil'], null],
  ['index by text', ['[]', v('map'), 'b'], 1],
  ['index by int', ['[]', v('list'), 1], 1],
  ['own key beside forbidden ones', ['.', v('evil'), 'fine'], 4],
  // optionals
  ['orValue of absent', call('orValue', none, 7), 7],
  ['orValue keeps null', call('orValue', ['.?', ['.', v('map'), 'a'], 'nil'], 7), null],
  ['orValue is lazy', call('orValue', ['.?', v('map'), 'b'], boom), 1],
  ['chain stays optional', call('orValue', ['.', ['.?', v('map'), 'zzz'], 'deep'], 'd'), 'd'],
  ['chain on a value', call('value', ['[]', ['.', ['.?', v('map'), 'a'], 'deep'], 1]), 20],
  ['chain to what is absent', call('hasValue', ['.', ['.?', v('map'), 'a'], 'zzz']), false],
  ['.? of null', call('hasValue', ['.?', v('nothing'), 'x']), false],
  ['[?] outside a list', call('hasValue', ['[?]', v('list'), 3]), false],
  ['or of none', call('value', call('or', none, some(2))), 2],
  ['or of some is lazy', call('value', call('or', some(1), boom)), 1],
  ['none equals none', ['==', none, ['.?', v('map'), 'y']], true],
  ['some equals some', ['==', some(1), some(1)], true],
  ['some differs from none', ['==', some(1), none], false],
  ['none differs from some', ['==', none, some(1)], false],
  ['an optional is no value', ['==', some(1), 1], false],
  // has
  ['has of null member', ['has', ['.', v('map'), 'a'], 'nil'], true],
  ['has of absent', ['has', v('map'), 'zzz'], false],
  ['has through none', ['has', none, 'x'], false],
  ['has through some', ['has', some(v('map')), 'a'], true],
  ['has of a forbidden key', ['has', v('evil'), 'constructor'], false],
  ['has of an inherited key', ['has', v('map'), 'toString'], false],
  // logic
  ['&& absorbs', ['&&', ['==', boom, 1], false], false],
  ['|| absorbs', ['||', ['==', boom, 1], 1, true], true],
  ['&& of three', ['&&', true, v('yes'), true], true],
  ['|| of two', ['||', false, v('no')], false],
  ['!', ['!', v('no')], true],
  ['?: takes one side', ['?', v('yes'), 1, boom], 1],
  ['?: takes the other', ['?', v('no'), boom, 2], 2],
  // numbers (language §12, rows 48 and 50)
  ['7 / 2', ['/i', 7, 2], 3],
  ['-7 / 2', ['/i', -7, 2], -3],
  ['7.0 / 2', ['/', ['d', 7], 2], 3.5],
  ['7 % -2', ['%', 7, -2], 1],
  ['-7 % 2', ['%', -7, 2], -1],
  ['5.5 % 2', ['%', 5.5, 2], 1.5],
  ['1 == 1.0', ['==', 1, ['d', 1]], true],
  ['untyped int + 1', ['+', v('n'), 1], 6],
  ['untyped double + 1', ['+', v('half'), 1], 2.5],
  ['chain of +', ['+', 1, 2, 3], 6],
  ['minus', ['-', 1, 3], -2],
  ['times', ['*', v('half'), 2], 3],
  ['0 * -1 has no sign', ['*', 0, -1], 0],
  ['neg', ['neg', v('n')], -5],
  ['neg 0 has no sign', ['neg', 0], 0],
  ['a literal double may leave the ints', ['+', v('big'), ['d', 1]], 9007199254740992],
  ['a double() may leave the ints', ['*', call('double', v('big')), 2], 18014398509481982],
  ['a literal above the ints is a double', ['-', 1e300, 1], 1e300],
  ['double arithmetic stays double', ['+', ['neg', ['*', ['d', 1], 1]], -9007199254740991], -9007199254740992],
  // text and lists
  ['text + text', ['+', 'a', v('s')], 'agrün😀'],
  ['list + list', ['+', v('list'), list(9)], [3, 1, 2, 9]],
  ['size of text counts code points', call('size', v('s')), 5],
  ['size of ASCII', call('size', 'abc'), 3],
  ['size of list', call('size', v('list')), 3],
  ['size of map', call('size', v('evil')), 1],
  // comparison
  ['<', ['<', 1, 1.5], true],
  ['<=', ['<=', 'a', 'a'], true],
  ['>', ['>', true, false], true],
  ['>=', ['>=', 1, 2], false],
  ['text by code point', ['<', '\uffff', '😀'], true],
  ['text by code point, other way', ['<', '😀', '\uffff'], false],
  ['text before surrogates', ['<', 'z', '😀'], true],
  ['prefix first', ['<', 'a', 'ab'], true],
  ['times', ['<', start, v('now')], true],
  ['equal times', ['<', start, start], false],
  ['later times', ['<', v('now'), start], false],
  ['equal timestamps', ['==', start, call('timestamp', '2026-01-01T01:00:00+01:00')], true],
  ['equal durations', ['==', hour, call('duration', '60m')], true],
  ['a timestamp is no duration', ['==', start, hour], false],
  ['a duration is no timestamp', ['==', hour, start], false],
  ['a duration is no number', ['==', hour, 3600], false],
  ['a duration is no map', ['==', hour, ['m']], false],
  ['deep ==', ['==', v('map'), ['m', 'a', ['m', 'nil', null, 'deep', list(10, 20)], 'b', 1]], true],
  ['deep !=', ['!=', v('map'), ['m', 'a', ['m', 'nil', null, 'deep', list(10, 21)], 'b', 1]], true],
  ['other keys', ['==', ['m', 'a', 1], ['m', 'b', 1]], false],
  ['other number of keys', ['==', ['m', 'a', 1], ['m', 'a', 1, 'b', 1]], false],
  ['other length', ['==', list(1), list(1, 2)], false],
  ['other texts of one length', ['==', 'ab', 'ac'], false],
  ['types differ', ['==', '1', 1], false],
  ['list and map', ['==', list(), ['m']], false],
  ['map and list', ['==', ['m'], list()], false],
  ['null and map', ['==', null, ['m']], false],
  ['in list', ['in', 2, v('list')], true],
  ['not in list', ['in', 9, v('list')], false],
  ['in map', ['in', 'a', v('map')], true],
  ['forbidden key in map', ['in', 'constructor', v('evil')], false],
  // macros
  ['all', ['all', v('list'), 'x', ['>', v('x'), 0]], true],
  ['all absorbs', ['all', list(0, 1), 'x', ['>', ['/', 1, v('x')], 5]], false],
  ['exists absorbs', ['exists', list(0, 1), 'x', ['==', ['/', 1, v('x')], 1]], true],
  ['exists_one', ['exists_one', v('texts'), 'x', ['==', v('x'), 'a']], true],
  ['exists_one of two', ['exists_one', v('texts'), 'x', ['==', v('x'), 'b']], false],
  ['filter', ['filter', v('list'), 'x', ['<', v('x'), 3]], [1, 2]],
  ['map macro', ['map', v('list'), 'x', ['*', v('x'), v('n')]], [15, 5, 10]],
  ['map with a condition', ['map', v('list'), 'x', ['!=', v('x'), 1], ['neg', v('x')]], [-3, -2]],
  ['over a map: sorted keys', ['map', v('map'), 'k', v('k')], ['a', 'b']],
  ['inner variables hide outer ones', ['map', list(1), 'n', ['map', list(2), 'm', list(v('n'), v('m'))]], [[[1, 2]]]],
  // functions
  ['string of int', call('string', -0), '0'],
  ['string of double', call('string', 1.5), '1.5'],
  ['string of bool', call('string', true), 'true'],
  ['string of duration', call('string', hour), '3600s'],
  ['int truncates', call('int', -1.7), -1],
  ['int of text', call('int', '-12'), -12],
  ['int of timestamp', call('int', v('now')), NOW_MS / 1_000 - 0.5],
  ['double of text', call('double', '1e3'), 1000],
  ['double of number', call('double', 1), 1],
  ['bool of text', call('bool', 'TRUE'), true],
  ['bool of other text', call('bool', 'f'), false],
  ['bool of bool', call('bool', true), true],
  ['contains', call('contains', 'abc', 'b'), true],
  ['startsWith', call('startsWith', 'abc', 'b'), false],
  ['endsWith', call('endsWith', 'abc', 'bc'), true],
  ['lowerAscii', call('lowerAscii', 'ÄBc'), 'Äbc'],
  ['upperAscii', call('upperAscii', 'äbc'), 'äBC'],
  ['trim', call('trim', ' \t a b\u3000\n'), 'a b'],
  ['trim of white space', call('trim', '  '), ''],
  ['split', call('split', 'a,b,c', ','), ['a', 'b', 'c']],
  ['split with limit', call('split', 'a,b,c', ',', 2), ['a', 'b,c']],
  ['split with a high limit', call('split', 'a,b', ',', 5), ['a', 'b']],
  ['split to nothing', call('split', 'a,b', ',', 0), []],
  ['split into code points', call('split', '😀a', ''), ['😀', 'a']],
  ['join', call('join', v('texts'), '-'), 'b-a-b'],
  ['join without separator', call('join', v('texts')), 'bab'],
  ['replace', call('replace', 'aaa', 'a', 'bb'), 'bbbbbb'],
  ['replace with limit', call('replace', 'a-a-a', '-', '+', 1), 'a+a-a'],
  ['replace nothing', call('replace', 'ab', '', '_', 2), '_a_b'],
  ['substring', call('substring', v('s'), 4), '😀'],
  ['substring with end', call('substring', 'hello', 1, 3), 'el'],
  ['timestamp of seconds', call('timestamp', 0), '1970-01-01T00:00:00Z'],
  ['timestamp of timestamp', call('timestamp', v('now')), '2026-01-31T08:00:00.5Z'],
  ['duration of duration', call('duration', call('duration', 'PT5M')), '300s'],
  ['year', call('getFullYear', v('now')), 2026],
  ['hours of a duration', call('getHours', call('duration', '90m')), 1],
  ['glob', call('glob', 'db-1/x', 'db-?/*'), true],
  ['json', call('json', v('map')), '{"a":{"deep":[10,20],"nil":null},"b":1}'],
  ['parseJson', call('parseJson', '{"a": [1, true]}'), { a: [1, true] }],
  ['keys', call('keys', v('map')), ['a', 'b']],
  ['sum', call('sum', list(1, 2.5)), 3.5],
  ['sum of nothing', call('sum', list()), 0],
  ['min', call('min', v('list')), 1],
  ['max', call('max', v('texts')), 'b'],
  ['max of times', call('max', list(start, v('now'))), '2026-01-31T08:00:00.5Z'],
  ['sort', call('sort', v('list')), [1, 2, 3]],
  ['sort by code point', call('sort', list('😀', '\uffff', 'a')), ['a', '\uffff', '😀']],
  ['sort nothing', call('sort', list()), []],
  ['distinct', call('distinct', v('texts')), ['b', 'a']],
  ['sha256', call('sha256', 'abc'), 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'],
  ['uid', call('uid', 'x'), 'uid-x'],
  ['trust', call('trust', v('s'), 'shown'), 'grün😀'],
  // times as results
  ['now + duration', ['+', v('now'), hour], '2026-01-31T09:00:00.5Z'],
  ['duration + timestamp', ['+', hour, start], '2026-01-01T01:00:00Z'],
  ['duration + duration', ['+', hour, hour], '7200s'],
  ['timestamp - timestamp', ['-', v('now'), start], '2620800.5s'],
  ['timestamp - duration', ['-', start, hour], '2025-12-31T23:00:00Z'],
  ['duration - duration', ['-', hour, call('duration', '2h')], '-3600s'],
  [
    'times deep in a result',
    ['m', 'at', list(start), 'same', v('map')],
    { at: ['2026-01-01T00:00:00Z'], same: VARIABLES['map'] as Json },
  ],
  ['a special on the way only', list(['==', start, start], v('list')), [true, [3, 1, 2]]],
  ['an untouched map after a special', ['?', ['==', start, start], ['m', 'a', 1], 0], { a: 1 }],
  // text (language §7.3)
  ['text', ['t', 'n=', v('n'), ' ', 1.5, ' ', true, ' ', start], 'n=5 1.5 true 2026-01-01T00:00:00Z'],
  ['text of an optional', ['t', some('x')], 'x'],
  ['what comes out is not parsed again', ['t', '{{', 'inputs.x', '}}'], '{{inputs.x}}'],
  // references to what is not in the state
  ['a reference passes whole', v('large'), OFFLOADED],
];

const FAILURES: [name: string, tree: Tree, detail: string][] = [
  ['unknown variable', v('zzz'), 'missing_key'],
  ['missing field', ['.', v('map'), 'zzz'], 'missing_key'],
  ['missing key', ['[]', v('map'), 'zzz'], 'missing_key'],
  ['forbidden key', ['.', v('evil'), '__proto__'], 'missing_key'],
  ['forbidden key by index', ['[]', v('evil'), 'prototype'], 'missing_key'],
  ['inherited key', ['.', v('map'), 'hasOwnProperty'], 'missing_key'],
  ['length is no field', ['.', v('list'), 'length'], 'wrong_type'],
  ['field of null', ['.', v('nothing'), 'x'], 'wrong_type'],
  ['field of text', ['.', v('s'), 'length'], 'wrong_type'],
  ['field of a timestamp', ['.', v('now'), 'nanos'], 'wrong_type'],
  ['.? of text', ['.?', v('s'), 'x'], 'wrong_type'],
  ['has of null', ['has', v('nothing'), 'x'], 'wrong_type'],
  ['int key of a map', ['[]', v('map'), 1], 'wrong_type'],
  ['text index of a list', ['[]', v('list'), 'a'], 'wrong_type'],
  ['fraction as index', ['[]', v('list'), 0.5], 'wrong_type'],
  ['index too large', ['[]', v('list'), 3], 'index_range'],
  ['negative index', ['[]', v('list'), -1], 'index_range'],
  ['computed index, out of range', ['[]', call('keys', v('map')), ['+', 1, 5]], 'index_range'],
  ['forbidden key of a literal', ['m', '__proto__', 1], 'conversion'],
  ['value() of none', call('value', none), 'missing_key'],
  ['orValue of a plain value', call('orValue', 1, 2), 'wrong_type'],
  ['or of a plain value', call('or', none, 2), 'wrong_type'],
  ['optional as result', none, 'optional_result'],
  ['optional deep in a result', list(['m', 'a', none]), 'optional_result'],
  ['optional as json', call('json', list(some(1))), 'optional_result'],
  ['&& of errors', ['&&', ['==', boom, 1], ['==', v('zzz'), 1]], 'division_by_zero'],
  ['|| without decision', ['||', false, 1], 'wrong_type'],
  ['! of null', ['!', v('nothing')], 'wrong_type'],
  ['?: of text', ['?', 'true', 1, 2], 'wrong_type'],
  ['all with error', ['all', list(0), 'x', ['>', ['/', 1, v('x')], 5]], 'division_by_zero'],
  ['exists_one does not absorb', ['exists_one', list(0, 1), 'x', ['==', ['/', 1, v('x')], 1]], 'division_by_zero'],
  ['filter by a number', ['filter', v('list'), 'x', v('x')], 'wrong_type'],
  ['macro over null', ['map', v('nothing'), 'x', v('x')], 'wrong_type'],
  ['macro variable outside', ['+', ['[]', ['map', list(1), 'x', v('x')], 0], v('x')], 'missing_key'],
  ['int overflow', ['+', v('big'), 1], 'number_range'],
  ['int underflow', ['-', ['neg', v('big')], 1], 'number_range'],
  ['int product', ['*', v('big'), v('big')], 'number_range'],
  ['double overflow', ['*', 1e300, 1e300], 'number_range'],
  ['quotient overflow', ['/', 1e300, 1e-300], 'number_range'],
  ['1.0 / 0.0', ['/', ['d', 1], ['d', 0]], 'division_by_zero'],
  ['1 / 0', ['/i', 1, 0], 'division_by_zero'],
  ['1 % 0', ['%', 1, 0], 'division_by_zero'],
  ['sum overflow', call('sum', list(v('big'), 1)), 'number_range'],
  ['text + int', ['+', 'a', 1], 'wrong_type'],
  ['int + text', ['+', 1, 'a'], 'wrong_type'],
  ['list + map', ['+', list(), v('map')], 'wrong_type'],
  ['null - 1', ['-', v('nothing'), 1], 'wrong_type'],
  ['duration - timestamp', ['-', hour, start], 'wrong_type'],
  ['text * 2', ['*', 'a', 2], 'wrong_type'],
  ['neg text', ['neg', 'a'], 'wrong_type'],
  ['text < int', ['<', 'a', 1], 'wrong_type'],
  ['timestamp < duration', ['<', start, hour], 'wrong_type'],
  ['list < list', ['<', list(), list()], 'wrong_type'],
  ['bool < null', ['<', true, v('nothing')], 'wrong_type'],
  ['in text', ['in', 'a', 'abc'], 'wrong_type'],
  ['size of null', call('size', v('nothing')), 'wrong_type'],
  ['string of list', call('string', v('list')), 'wrong_type'],
  ['int of bool', call('int', true), 'wrong_type'],
  ['int of words', call('int', 'five'), 'conversion'],
  ['int beyond', call('int', '9007199254740992'), 'number_range'],
  ['double of bool', call('double', true), 'wrong_type'],
  ['double of words', call('double', '0x10'), 'conversion'],
  ['double beyond', call('double', '1e999'), 'number_range'],
  ['bool of words', call('bool', 'yes'), 'conversion'],
  ['bool of int', call('bool', 1), 'wrong_type'],
  ['contains of int', call('contains', 1, '1'), 'wrong_type'],
  ['contains without text', call('contains', 'a', v('nothing')), 'wrong_type'],
  ['join of ints', call('join', v('list')), 'wrong_type'],
  ['split by a fraction', call('split', 'a', ',', 1.5), 'wrong_type'],
  ['substring beyond', call('substring', 'abc', 0, 4), 'index_range'],
  ['substring before', call('substring', 'abc', -1), 'index_range'],
  ['substring backwards', call('substring', 'abc', 2, 1), 'index_range'],
  ['timestamp of bool', call('timestamp', true), 'wrong_type'],
  ['timestamp of too many seconds', call('timestamp', 1e12), 'number_range'],
  ['timestamp before year 1', call('timestamp', -63_000_000_000), 'number_range'],
  ['duration of int', call('duration', 1), 'wrong_type'],
  ['hours of text', call('getHours', 'a'), 'wrong_type'],
  ['year of a duration', call('getFullYear', hour), 'wrong_type'],
  ['keys of list', call('keys', v('list')), 'wrong_type'],
  ['sum of text', call('sum', v('texts')), 'wrong_type'],
  ['sum of null', call('sum', v('nothing')), 'wrong_type'],
  ['min of nothing', call('min', list()), 'index_range'],
  ['max of a mixture', call('max', list(1, 'a')), 'wrong_type'],
  ['min of one that has no order', call('min', list(v('nothing'))), 'wrong_type'],
  ['sort of a mixture', call('sort', list(1, 'a')), 'wrong_type'],
  ['sort of bools', call('sort', list(true)), 'wrong_type'],
  ['distinct of lists', call('distinct', list(list())), 'wrong_type'],
  ['text of null', ['t', 'a', v('nothing')], 'input_missing'],
  ['text of none', ['t', none], 'input_missing'],
  ['text of list', ['t', v('list')], 'type_mismatch'],
  ['text of map', ['t', ['m']], 'type_mismatch'],
  ['text of what is absent', ['t', ['.', v('map'), 'zzz']], 'missing_key'],
  ['field of a reference', ['.', v('large'), 'stdout'], 'value_offloaded'],
  ['.? of a reference', ['.?', v('large'), 'stdout'], 'value_offloaded'],
  ['has in a reference', ['has', v('large'), 'stdout'], 'value_offloaded'],
  ['contains of a reference', call('contains', v('large'), 'x'), 'value_offloaded'],
  ['size of a reference', call('size', v('large')), 'value_offloaded'],
  ['order of a reference', ['<', v('large'), 'a'], 'value_offloaded'],
  ['reference in text', ['t', v('large')], 'value_offloaded'],
  ['what only looks like a reference', ['.', ['m', 'artifact', 'a', 'sha256', 'b', 'bytes', 'c'], 'x'], 'missing_key'],
  ['nor this', ['.', ['m', 'artifact', 'a', 'sha256', 1, 'bytes', 1], 'x'], 'missing_key'],
  ['nor that', ['.', ['m', 'artifact', 1, 'sha256', 'b', 'bytes', 1], 'x'], 'missing_key'],
];

describe('evaluateJson', () => {
  it.each(RESULTS)('%s', (_name, tree, result) => {
    expect(evaluateJson(tree, scope())).toStrictEqual(result);
  });

  it.each(FAILURES)('fails: %s', (_name, tree, detail) => {
    expect(failureOf(tree)).toBe(detail);
  });

  it('never gives -0', () => {
    for (const tree of [
      ['*', 0, -1],
      ['/', 0, -1],
      ['/i', -1, 2],
      ['%', -2, 2],
      ['neg', 0],
      call('int', '-0'),
      call('int', -0.5),
      call('double', '-0'),
    ] as Tree[]) {
      expect(Object.is(evaluateJson(tree, scope()), 0)).toBe(true);
    }
  });

  it('shares what it only passes on', () => {
    expect(evaluateJson(v('map'), scope())).toBe(VARIABLES['map']);
  });

  it('names the path that does not exist', () => {
    expect(() => evaluateJson(['.', ['[]', ['[]', ['.', v('map'), 'a'], 'deep'], 0], 'x'], scope())).toThrow(
      'reading map.a["deep"][0].x takes a map or a list, not number',
    );
    expect(() => evaluateJson(['[]', v('list'), v('n')], scope())).toThrow('list[…] is outside the list');
    expect(() => evaluateJson(['.', ['m'], 'x'], scope())).toThrow('the value does not exist');
    expect(() => evaluateJson(['.?', ['.', 1, 'a'], 'b'], scope())).toThrow('reading the value');
  });

  it('has no uid outside a step', () => {
    const { uid: _uid, ...without } = scope();
    expect(() => evaluateJson(call('uid', 'x'), without)).toThrow('inside a step');
  });

  it('treats what no compiler makes as a defect', () => {
    expect(() => evaluateJson(['zzz'], scope())).toThrow('unknown operator zzz');
    expect(() => evaluateJson(call('toString', 1), scope())).toThrow('unknown function toString');
    expect(() => evaluateJson(['constructor', 1], scope())).toThrow('unknown operator');
  });

  it('does not take a defect for an error that can be absorbed', () => {
    expect(() => evaluateJson(['||', ['zzz'], true], scope())).toThrow('unknown operator');
  });

  it('refuses a text of more than 64 KiB', () => {
    const kib = 'x'.repeat(1_024);
    const of = (count: number, ...more: Tree[]): Tree => ['t', ...Array.from({ length: count }, () => kib), ...more];
    expect(evaluateJson(of(64), scope())).toHaveLength(65_536);
    expect(failureOf(of(64, 'x'))).toBe('render_too_large');
    expect(failureOf(of(63, 'ü'.repeat(512)))).not.toBe('render_too_large');
    expect(failureOf(of(63, 'ü'.repeat(513)))).toBe('render_too_large');
  });
});

describe('evaluate', () => {
  it('keeps specials', () => {
    expect(evaluate(start, scope())).toBeInstanceOf(Timestamp);
  });
});

describe('evaluateBool', () => {
  it('takes bools only', () => {
    expect(evaluateBool(['<', 1, 2], scope())).toBe(true);
    expect(failureOf(v('nothing'), evaluateBool)).toBe('not_bool');
    expect(failureOf('true', evaluateBool)).toBe('not_bool');
    expect(failureOf(some(true), evaluateBool)).toBe('not_bool');
  });
});

describe('cost', () => {
  const thousand: Tree = ['q', Array.from({ length: 1_000 }, (_item, ix) => ix)];
  const long: Tree = ['q', 'a'.repeat(60_000)];
  let deep: Json = 1;
  for (let ix = 0; ix < 600; ix += 1) deep = [deep];

  const expensive: [string, Tree][] = [
    ['nested macros', ['map', thousand, 'x', ['map', thousand, 'y', 1]]],
    [
      'a text that doubles',
      Array.from({ length: 16 }).reduce<Tree>(
        (tree) => ['[]', ['map', list(tree), 'x', ['+', v('x'), v('x')]], 0],
        long,
      ),
    ],
    ['replace by something long', call('replace', long, 'a', long)],
    ['join of much', call('join', ['map', thousand, 'x', long])],
    ['json of shared parts', call('json', ['map', thousand, 'x', thousand])],
    ['glob of long texts', call('glob', long, ['+', '*', long, '*'])],
    ['a deep value compared', ['==', ['q', deep], ['q', structuredClone(deep)]]],
    ['a deep value as json', call('json', ['q', deep])],
    ['a deep value with times', ['?', ['==', start, start], ['q', deep], 0]],
    ['many equal lists', ['in', 1, ['map', thousand, 'x', ['==', thousand, thousand]]]],
  ];

  it.each(expensive)('ends %s', (_name, tree) => {
    expect(failureOf(tree)).toBe('cost_limit');
  });

  it('is not absorbed', () => {
    // Depth ends an evaluation while units are left, so only the code can stop the absorption.
    expect(failureOf(['||', ['==', ['q', deep], ['q', structuredClone(deep)]], true])).toBe('cost_limit');
    expect(failureOf(['||', ['==', ['map', thousand, 'x', ['map', thousand, 'y', 1]], 1], true])).toBe('cost_limit');
  });

  it('counts one per node and per element, to the limit', () => {
    const tree: Tree = ['map', list(1, 2), 'x', v('x')];
    const cost = { left: 100 };
    evaluateJson(tree, { ...scope(), cost });
    // map, list, two literals, two items built; per item one step and its variable.
    expect(100 - cost.left).toBe(1 + 1 + 2 + 2 + 2 + 2);
    expect(evaluateJson(tree, scope(10))).toEqual([1, 2]);
    expect(() => evaluateJson(tree, scope(9))).toThrow(EvaluationError);
  });

  it('counts 64 bytes of text as one', () => {
    const cost = { left: 100 };
    evaluateJson(['+', 'a'.repeat(64), 'b'.repeat(65)], { ...scope(), cost });
    expect(100 - cost.left).toBe(3 + 3);
  });
});

const forbiddenOrNot = fc.oneof(
  { weight: 9, arbitrary: fc.constantFrom('a', 'b', 'c') },
  { weight: 1, arbitrary: fc.constant('__proto__') },
);
const jsonArbitrary = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.constantFrom<Json>(
      null,
      true,
      false,
      0,
      1,
      -1,
      1.5,
      2 ** 53 - 1,
      1e308,
      '',
      'a',
      '1',
      '😀',
      'PT5M',
      '2026-01-01T00:00:00Z',
    ),
    fc.array(tie('value'), { maxLength: 3 }),
    fc.dictionary(forbiddenOrNot, tie('value'), { maxKeys: 3 }),
  ),
})).value as fc.Arbitrary<Json>;

const names = fc.constantFrom('a', 'b', 'x');
const treeArbitrary = fc.letrec<{ tree: Tree }>((tie) => {
  const t = tie('tree');
  const binary = fc.constantFrom('==', '!=', '<', '<=', '>', '>=', 'in', '-', '*', '/', '/i', '%', '[]', '[?]');
  const macros = fc.constantFrom('all', 'exists', 'exists_one', 'filter', 'map');
  const functions = fc.constantFrom(...FUNCTIONS.keys(), 'or', 'orValue');
  const node = (...parts: fc.Arbitrary<unknown>[]): fc.Arbitrary<Tree> =>
    fc.tuple(...parts) as unknown as fc.Arbitrary<Tree>;
  return {
    tree: fc.oneof(
      { depthSize: 'medium' },
      fc.constantFrom<Tree>(null, true, false, 0, 1, -2, 2.5, '', 'a', '1h', '*a', '2026-01-01T00:00:00Z', ['d', 3]),
      node(fc.constant('v'), names),
      node(fc.constantFrom('.', '.?', 'has'), t, forbiddenOrNot),
      node(binary, t, t),
      node(fc.constantFrom('neg', '!', 'l', 't', '+', '&&'), t),
      node(fc.constantFrom('+', '&&', '||', 'l', 't'), t, t),
      node(fc.constant('?'), t, t, t),
      node(fc.constant('m'), forbiddenOrNot, t),
      node(macros, t, names, t),
      node(fc.constant('map'), t, names, t, t),
      node(fc.constant('c'), functions, t),
      node(fc.constant('c'), functions, t, t),
      node(fc.constant('c'), functions, t, t, t),
      node(fc.constant('q'), jsonArbitrary),
    ),
  };
}).tree;

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null) Object.values(Object.freeze(value)).forEach(deepFreeze);
  return value;
}

describe('any tree over any data', () => {
  it('ends with JSON or an EvaluationError, at bounded cost, the same twice, without changing anything', () => {
    const errors = new Set<string>();
    fc.assert(
      fc.property(treeArbitrary, fc.dictionary(names, jsonArbitrary), (tree, variables) => {
        deepFreeze(variables);
        deepFreeze(tree);
        const once = (): [result: string, left: number] => {
          const cost = { left: 2_000 };
          const variable = (name: string): Json | undefined =>
            Object.hasOwn(variables, name) ? variables[name] : undefined;
          try {
            const result = evaluateJson(tree, { variable, cost, uid: (label) => label });
            const text = JSON.stringify(result);
            expect(cost.left).toBeGreaterThanOrEqual(0);
            expect(JSON.stringify(JSON.parse(text))).toBe(text);
            return [text, cost.left];
          } catch (error) {
            if (!(error instanceof EvaluationError)) throw error;
            errors.add(error.detail ?? error.code);
            return [`${error.code}/${error.detail}/${error.message}`, cost.left];
          }
        };
        expect(once()).toEqual(once());
      }),
      { numRuns: 3_000 },
    );
    expect(errors.size).toBeGreaterThan(5);
  });
});
