import { describe, expect, it } from '@jest/globals';
import { Environment } from '@marcbachmann/cel-js';
import fc from 'fast-check';
import { parseExpression } from '../../language/expression/parse.js';
import { EVALUATION_COST_LIMIT } from './cost.js';
import { evaluateJson } from './evaluate.js';
import { EvaluationError } from './evaluation-error.js';

/** What expressions of the test can see. Numbers are small, so that ints of 53 and of 64 bits agree. */
const VARIABLES = {
  inputs: {
    n: 7,
    m: -3,
    text: 'web-1',
    empty: '',
    list: [3, 1, 2],
    none: [],
    names: ['a', 'b'],
    on: true,
    map: { a: 1, b: 2 },
  },
};
const library = new Environment({
  unlistedVariablesAreDyn: true,
  enableOptionalTypes: true,
  homogeneousAggregateLiterals: false,
});

type Source = fc.Arbitrary<string>;
const one = (...texts: string[]): Source => fc.constantFrom(...texts);
const join = (make: (...parts: string[]) => string, ...parts: Source[]): Source =>
  fc.tuple(...parts).map((texts) => make(...texts));

/** Well-typed sources of the language, as deep as `depth`. */
function sources(depth: number): { int: Source; bool: Source; text: Source; list: Source } {
  const leaves = {
    int: fc.oneof(
      fc.integer({ min: 0, max: 20 }).map(String),
      one('inputs.n', 'inputs.m', 'inputs.list[0]', 'size(inputs.names)'),
    ),
    bool: one('true', 'false', 'inputs.on', 'has(inputs.text)', 'has(inputs.missing)'),
    text: one("'x'", "''", 'inputs.text', 'inputs.empty', 'inputs.names[1]'),
    list: one('inputs.none', '[1, 2]', 'inputs.list', '[inputs.n]'),
  };
  if (depth === 0) return leaves;
  const below = sources(depth - 1);
  const { int, bool, text, list } = below;
  const choose = (of: Source): Source => join((c, a, b) => `(${c} ? ${a} : ${b})`, bool, of, of);
  const pair = (of: Source, operators: Source): Source => join((a, op, b) => `(${a} ${op} ${b})`, of, operators, of);
  return {
    int: fc.oneof(
      leaves.int,
      pair(int, one('+', '-', '*', '/', '%')),
      choose(int),
      join((a) => `(-${a})`, int),
      join((a) => `size(${a})`, fc.oneof(text, list)),
      join((a, b) => `(${a})[${b}]`, list, int),
    ),
    bool: fc.oneof(
      leaves.bool,
      pair(int, one('<', '<=', '>', '>=', '==', '!=')),
      pair(text, one('==', '!=', '<', '>=')),
      pair(list, one('==', '!=')),
      pair(bool, one('&&', '||', '==')),
      join((a) => `!(${a})`, bool),
      join((a, b) => `(${a} in ${b})`, int, list),
      join((a, f, b) => `(${a}).${f}(${b})`, text, one('contains', 'startsWith', 'endsWith'), text),
      join(
        (a, f, op, b) => `(${a}).${f}(v, v ${op} ${b})`,
        list,
        one('all', 'exists', 'exists_one'),
        one('<', '==', '>='),
        int,
      ),
      choose(bool),
    ),
    text: fc.oneof(
      leaves.text,
      pair(text, one('+')),
      choose(text),
      join((a) => `string(${a})`, int),
    ),
    list: fc.oneof(
      leaves.list,
      pair(list, one('+')),
      join((a, b) => `[${a}, ${b}]`, int, int),
      join((a, b) => `(${a}).filter(v, v > ${b})`, list, int),
      join((a, b) => `(${a}).map(v, v + ${b})`, list, int),
      choose(list),
    ),
  };
}

const FAILED = 'an error';

function plain(value: unknown): unknown {
  if (typeof value === 'bigint') return Number(value);
  return Array.isArray(value) ? value.map(plain) : value;
}

function toLibrary(value: unknown): unknown {
  if (typeof value === 'number') return BigInt(value);
  if (Array.isArray(value)) return value.map(toLibrary);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, toLibrary(member)]));
}

const libraryVariables = toLibrary(VARIABLES) as Record<string, unknown>;

function byLibrary(source: string): unknown {
  try {
    return plain(library.evaluate(source, libraryVariables));
  } catch {
    return FAILED;
  }
}

/** Undefined where the language takes less than CEL does. */
function byOwn(source: string): unknown {
  const { tree, problems } = parseExpression(source, () => 'int');
  if (tree === undefined || problems.length > 0) return undefined;
  try {
    const variable = (name: string): never => VARIABLES[name as 'inputs'] as never;
    return evaluateJson(tree, { variable, cost: { left: EVALUATION_COST_LIMIT } });
  } catch (error) {
    if (!(error instanceof EvaluationError)) throw error;
    return FAILED;
  }
}

describe('our evaluator', () => {
  it('agrees with the library on random expressions', () => {
    const { int, bool, text, list } = sources(3);
    let compared = 0;
    let failed = 0;
    fc.assert(
      fc.property(fc.oneof(int, bool, text, list), (source) => {
        const own = byOwn(source);
        if (own === undefined) return;
        compared += 1;
        if (own === FAILED) failed += 1;
        expect({ source, value: own }).toEqual({ source, value: byLibrary(source) });
      }),
      { numRuns: 2_000 },
    );
    // Both kinds of outcome came up, so that the comparison means something.
    expect(compared).toBeGreaterThan(1_500);
    expect(failed).toBeGreaterThan(20);
    expect(compared - failed).toBeGreaterThan(500);
  });
});
