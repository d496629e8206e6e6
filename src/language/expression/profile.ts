/** How a function of language §7.1 may be called: with how many arguments (the receiver counts), and in which form. */
export interface FunctionRule {
  min: number;
  max: number;
  form: 'function' | 'method' | 'both';
}

const both = (min: number, max = min): FunctionRule => ({ min, max, form: 'both' });
const plain = (min: number, max = min): FunctionRule => ({ min, max, form: 'function' });
const method = (min: number, max = min): FunctionRule => ({ min, max, form: 'method' });

const GETTERS = [
  'getFullYear',
  'getMonth',
  'getDayOfYear',
  'getDayOfMonth',
  'getDate',
  'getDayOfWeek',
  'getHours',
  'getMinutes',
  'getSeconds',
  'getMilliseconds',
];

/** All functions of the profile. */
export const FUNCTION_RULES: ReadonlyMap<string, FunctionRule> = new Map<string, FunctionRule>([
  ['size', both(1)],
  ...['string', 'int', 'double', 'bool', 'timestamp', 'duration'].map((name): [string, FunctionRule] => [
    name,
    plain(1),
  ]),
  ...['contains', 'startsWith', 'endsWith'].map((name): [string, FunctionRule] => [name, method(2)]),
  ...['lowerAscii', 'upperAscii', 'trim'].map((name): [string, FunctionRule] => [name, method(1)]),
  ['split', method(2, 3)],
  ['join', method(1, 2)],
  ['replace', method(3, 4)],
  ['substring', method(2, 3)],
  ...GETTERS.map((name): [string, FunctionRule] => [name, method(1, 2)]),
  ['hasValue', method(1)],
  ['value', method(1)],
  ['or', method(2)],
  ['orValue', method(2)],
  ['glob', both(2)],
  ...['json', 'parseJson', 'keys', 'sum', 'min', 'max', 'sort', 'distinct', 'sha256'].map(
    (name): [string, FunctionRule] => [name, both(1)],
  ),
  ['uid', plain(1)],
  ['trust', plain(2)],
]);

/** Macros and their number of arguments, the range counted. */
export const MACRO_ARGUMENTS: ReadonlyMap<string, readonly number[]> = new Map([
  ['all', [3]],
  ['exists', [3]],
  ['exists_one', [3]],
  ['filter', [3]],
  ['map', [3, 4]],
]);

/** Functions of CEL and its extensions that the profile leaves out. */
export const UNSUPPORTED_FUNCTIONS: ReadonlySet<string> = new Set([
  'type',
  'uint',
  'dyn',
  'bytes',
  'bind',
  'of',
  'none',
  'ofNonZeroValue',
  'optMap',
  'optFlatMap',
]);

/** What people write for a function that has another name here. */
export const OTHER_NAMES: ReadonlyMap<string, string> = new Map([
  ['lower', 'lowerAscii'],
  ['toLower', 'lowerAscii'],
  ['toLowerCase', 'lowerAscii'],
  ['upper', 'upperAscii'],
  ['toUpper', 'upperAscii'],
  ['toUpperCase', 'upperAscii'],
  ['length', 'size'],
  ['len', 'size'],
  ['default', 'orValue'],
  ['includes', 'contains'],
  ['toString', 'string'],
  ['str', 'string'],
  ['toJson', 'json'],
  ['fromJson', 'parseJson'],
]);

/** Keys that no expression may name: they reach into the prototypes of a host language. */
export const FORBIDDEN_KEYS: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype']);

/** Bounds of one expression (language §7.4). A chain of `&&`, `||` or `+` is one node. */
export const EXPRESSION_LIMITS = { chars: 2_000, nodes: 500, depth: 24 } as const;
