import { describe, expect, it } from '@jest/globals';
import {
  getConformanceSuite,
  type IncrementalTest,
  type IncrementalTestSuite,
} from '@bufbuild/cel-spec/testdata/tests.js';
import { parseExpression } from '../../language/expression/parse.js';
import { canonicalJson } from '../json.js';
import { EVALUATION_COST_LIMIT } from './cost.js';
import { evaluateJson } from './evaluate.js';
import { EvaluationError } from './evaluation-error.js';
import type { Tree } from './tree.js';
import type { Value } from './value.js';

/** Thrown for what the profile of language §7.1 leaves out. */
class Refused extends Error {}

/** The compiler's own adapter; numbers of unknown type count as ints, as the suite's checker knows them to be. */
function parse(source: string): Tree {
  const { tree, problems } = parseExpression(source, () => 'int');
  if (tree === undefined || problems.length > 0) throw new Refused(problems[0]?.code);
  return tree;
}

interface SpecValue {
  kind: { case?: string | undefined; value?: unknown };
}

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

/** `passed`, `refused`, `limited` (deeper than the language allows) or what went wrong. */
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
    if (error instanceof Refused) return error.message === 'limit_expression' ? 'limited' : 'refused';
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
    const failures = verdicts.filter(([, , verdict]) => !['passed', 'refused', 'limited'].includes(verdict));
    const expected = DECIDED_OTHERWISE.toSorted();
    const unexpected = failures.filter(([path]) => !expected.includes(path));
    expect(unexpected).toEqual([]);
    expect(failures.map(([path]) => path).sort()).toEqual(expected);
    const count = (wanted: Verdict): number => verdicts.filter(([, , verdict]) => verdict === wanted).length;
    expect(count('limited')).toBe(6);
    expect(count('passed') + count('limited')).toBeGreaterThanOrEqual(650);
  });
});
