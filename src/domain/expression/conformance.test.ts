import { describe, expect, it } from '@jest/globals';
import {
  getConformanceSuite,
  type IncrementalTest,
  type IncrementalTestSuite,
} from '@bufbuild/cel-spec/testdata/tests.js';
import { Environment } from '@marcbachmann/cel-js';
import { canonicalJson } from '../json.js';
import { EVALUATION_COST_LIMIT } from './cost.js';
import { evaluateJson } from './evaluate.js';
import { EvaluationError } from './evaluation-error.js';
import { FUNCTIONS } from './functions.js';
import { saysDouble } from './numbers.js';
import type { Tree } from './tree.js';
import type { Value } from './value.js';

/** Thrown for what the profile of language §7.1 leaves out. */
class Refused extends Error {}

interface Ast {
  op: string;
  args: unknown;
}

const CHAINS = new Set(['&&', '||', '+']);
const BINARY = new Set(['==', '!=', '<', '<=', '>', '>=', 'in', '-', '*', '%']);
const MACROS = new Set(['all', 'exists', 'exists_one', 'filter', 'map']);
const LEFT_OUT = new Set(['trust', 'uid']);
const environment = new Environment({ unlistedVariablesAreDyn: true, enableOptionalTypes: true });

function literal(value: unknown): Tree {
  if (typeof value === 'bigint') {
    if (!Number.isSafeInteger(Number(value))) throw new Refused('int literal');
    return Number(value);
  }
  if (typeof value === 'number') return Number.isSafeInteger(value) ? ['d', value] : value;
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return value;
  throw new Refused('literal');
}

function call(name: string, args: readonly Ast[]): Tree {
  const [first, ...rest] = args;
  if (name === 'has' && first !== undefined) {
    const [target, field] = first.args as [Ast, string];
    if (first.op !== '.') throw new Refused('has');
    return ['has', treeOf(target), field];
  }
  if (MACROS.has(name)) {
    if (first === undefined || rest[0]?.op !== 'id' || rest.length > (name === 'map' ? 3 : 2))
      throw new Refused('macro');
    return [name, treeOf(first), rest[0].args, ...rest.slice(1).map(treeOf)];
  }
  if ((!FUNCTIONS.has(name) && name !== 'or' && name !== 'orValue') || LEFT_OUT.has(name)) throw new Refused(name);
  const last = args.at(-1);
  if (name.startsWith('get') && last?.op === 'value' && /[a-z]/.test(String(last.args)))
    throw new Refused('named zone');
  return ['c', name, ...args.map(treeOf)];
}

/** A little of the compiler: the parser's tree as ours. Types are only looked at where `/i` depends on them. */
function treeOf(ast: Ast): Tree {
  const args = ast.args as unknown[];
  const trees = (): Tree[] => (args as Ast[]).map(treeOf);
  if (ast.op === 'value') return literal(ast.args);
  if (ast.op === 'id') return ['v', ast.args];
  if (ast.op === '.' || ast.op === '.?') return [ast.op, treeOf(args[0] as Ast), args[1]];
  if (ast.op === '[]' || ast.op === '[?]') return [ast.op, ...trees()];
  if (ast.op === 'list') return ['l', ...trees()];
  if (ast.op === 'map')
    return ['m', ...(args as [Ast, Ast][]).flatMap(([key, value]) => [staticKey(key), treeOf(value)])];
  if (ast.op === '?:') return ['?', ...trees()];
  if (ast.op === '-_') return ['neg', treeOf(ast.args as Ast)];
  if (ast.op === '!_') return ['!', treeOf(ast.args as Ast)];
  if (CHAINS.has(ast.op)) return flattened(ast.op, trees());
  if (ast.op === '/') return [trees().some(saysDouble) ? '/' : '/i', ...trees()];
  if (BINARY.has(ast.op)) return [ast.op, ...trees()];
  if (ast.op === 'call') return call(args[0] as string, args[1] as Ast[]);
  if (ast.op === 'rcall') return call(args[0] as string, [args[1] as Ast, ...(args[2] as Ast[])]);
  throw new Refused(ast.op);
}

function flattened(op: string, [left, right]: Tree[]): Tree {
  return Array.isArray(left) && left[0] === op ? [...left, right] : [op, left, right];
}

function staticKey(ast: Ast): string {
  if (ast.op !== 'value' || typeof ast.args !== 'string') throw new Refused('map key');
  return ast.args;
}

function parse(source: string): Tree {
  let ast: Ast;
  try {
    ast = environment.parse(source).ast;
  } catch {
    throw new Refused('syntax');
  }
  return treeOf(ast);
}

interface SpecValue {
  kind: { case?: string | undefined; value?: unknown };
}

/** Calls that the checker refuses for the number or type of their arguments; evaluation ignores what it has no use for. */
const CHECKER_REFUSES = [
  '/string_ext/type_errors/replace_quaternary_invalid_argument',
  '/string_ext/type_errors/split_ternary_invalid_argument',
  '/string_ext/type_errors/substring_ternary_invalid_argument',
];

/** Where language §7.2 differs from CEL on purpose: no NaN, and `%` on doubles. */
const DECIDED_OTHERWISE = [
  '/comparisons/eq_literal/not_eq_double_nan',
  '/comparisons/ne_literal/ne_double_nan',
  '/comparisons/ne_literal/not_ne_double_nan',
  '/fp_math/fp_math/mod_not_support',
];

/** A value of the suite as ours. */
function valueOf(spec: SpecValue): Value {
  const { case: kind, value } = spec.kind;
  if (kind === 'int64Value') {
    if (!Number.isSafeInteger(Number(value))) throw new Refused('int');
    return Number(value);
  }
  if (kind === 'doubleValue') {
    if (!Number.isFinite(value)) throw new Refused('not finite');
    return (value as number) + 0;
  }
  if (kind === 'stringValue' || kind === 'boolValue') return value as string | boolean;
  if (kind === 'nullValue') return null;
  if (kind === 'listValue') return (value as { values: SpecValue[] }).values.map(valueOf);
  if (kind === 'mapValue') {
    const { entries } = value as { entries: { key: SpecValue; value: SpecValue }[] };
    return Object.fromEntries(
      entries.map((entry) => {
        if (entry.key.kind.case !== 'stringValue') throw new Refused('map key');
        return [entry.key.kind.value as string, valueOf(entry.value)];
      }),
    );
  }
  throw new Refused(String(kind));
}

/** `passed`, `refused` or what went wrong. */
type Verdict = string;

function verdictOf({ original }: IncrementalTest): Verdict {
  try {
    const { resultMatcher: expected } = original;
    const isError = expected.case === 'evalError';
    if (original.container !== '' || Object.keys(original.bindings).some((name) => name.includes('.')))
      return 'refused';
    if (!isError && expected.case !== 'value' && expected.case !== undefined) return 'refused';
    const wanted = expected.case === 'value' ? valueOf(expected.value) : true;
    const variables = new Map(
      Object.entries(original.bindings).map(([name, bound]) => {
        if (bound.kind.case !== 'value') throw new Refused('binding');
        return [name, valueOf(bound.kind.value)];
      }),
    );
    const tree = parse(original.expr);
    const scope = { variable: (name: string) => variables.get(name), cost: { left: EVALUATION_COST_LIMIT } };
    try {
      const got = evaluateJson(tree, scope);
      return !isError && canonicalJson(got) === canonicalJson(wanted)
        ? 'passed'
        : `got ${JSON.stringify(got)}, not ${isError ? 'an error' : JSON.stringify(wanted)}`;
    } catch (error) {
      if (!(error instanceof EvaluationError)) throw error;
      return isError ? 'passed' : `failed with ${error.detail}: ${error.message}`;
    }
  } catch (error) {
    if (error instanceof Refused) return 'refused';
    throw error;
  }
}

/** Suites about protobuf messages and their types, which the language does not have. */
const NOT_OURS = new Set([
  'proto2',
  'proto2_ext',
  'proto3',
  'dynamic',
  'enums',
  'wrappers',
  'unknowns',
  'type_deductions',
]);

function casesOf(suite: IncrementalTestSuite, path: string): [string, IncrementalTest][] {
  const own = suite.tests.map((test): [string, IncrementalTest] => [`${path}/${test.name}`, test]);
  const below = suite.suites.filter((inner) => !NOT_OURS.has(inner.name));
  return [...own, ...below.flatMap((inner) => casesOf(inner, `${path}/${inner.name}`))];
}

describe('the CEL conformance suite', () => {
  it('passes wherever the profile applies', () => {
    const verdicts = casesOf(getConformanceSuite(), '').map(([path, test]): [string, string, Verdict] => [
      path,
      test.original.expr,
      verdictOf(test),
    ]);
    const failures = verdicts.filter(([, , verdict]) => verdict !== 'passed' && verdict !== 'refused');
    const expected = [...CHECKER_REFUSES, ...DECIDED_OTHERWISE].sort();
    const unexpected = failures.filter(([path]) => !expected.includes(path));
    expect(unexpected).toEqual([]);
    expect(failures.map(([path]) => path).sort()).toEqual(expected);
    expect(verdicts.filter(([, , verdict]) => verdict === 'passed').length).toBeGreaterThanOrEqual(650);
  });
});
