import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { EVALUATION_COST_LIMIT } from '../../domain/expression/cost.js';
import { evaluateJson } from '../../domain/expression/evaluate.js';
import { EvaluationError } from '../../domain/expression/evaluation-error.js';
import { timestampOfMs } from '../../domain/expression/time.js';
import type { Json } from '../../domain/json.js';
import { compileContext } from '../../../test/support/compile-context.js';
import { compileSource } from '../compile.js';
import { parseExpression } from '../expression/parse.js';
import { readDocument } from '../reader.js';

/** Inputs of every type, each with values that it can have. */
const INPUTS: Record<string, { type: unknown; values: Json[] }> = {
  n: { type: 'int', values: [0, 3, -7] },
  r: { type: 'number', values: [1, 2.5] },
  s: { type: 'string', values: ['', 'abc'] },
  b: { type: 'bool', values: [true, false] },
  e: { type: ['up', 'down'], values: ['up', 'down'] },
  o: { type: 'string?', values: [null, 'x'] },
  i: { type: 'int?', values: [null, 4] },
  l: { type: 'int[]', values: [[], [1, 2]] },
  t: { type: 'string[]', values: [[], ['a']] },
  m: { type: { a: 'int', b: 'string?' }, values: [{ a: 1 }, { a: 2, b: 'x' }, { a: 3, b: null }] },
  d: { type: 'any', values: [null, 1, 'x', true, [1], { a: 1 }] },
};
const NAMES = Object.keys(INPUTS);

const leaf = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom(...NAMES.map((name) => `inputs.${name}`)) },
  fc.constantFrom('1', '2.5', '"x"', 'true', 'null', 'now', '[1]', '[]', '{"a": 1}', 'duration("1h")'),
  fc.constantFrom('inputs.m.a', 'inputs.m.b', 'inputs.m.?b', 'inputs.m.c', 'inputs.d.a', 'inputs.d.?a', 'inputs.l[0]'),
);
type Form = (a: string, b: string) => string;
const binary = (...operators: string[]): Form[] => operators.map((op) => (a, b) => `(${a} ${op} ${b})`);
const CALLS = [
  'size',
  'string',
  'int',
  'double',
  'bool',
  'json',
  'keys',
  'sum',
  'min',
  'sort',
  'timestamp',
  'duration',
];
const METHODS = ['trim', 'hasValue', 'value', 'join', 'getHours'];
/** Forms that fail when what they are made of fails. */
const STRICT: Form[] = [
  ...binary('+', '-', '*', '/', '%', '<', '>='),
  ...CALLS.map(
    (name): Form =>
      (a) =>
        `${name}(${a})`,
  ),
  ...METHODS.map(
    (name): Form =>
      (a) =>
        `${a}.${name}()`,
  ),
  ...['contains', 'split', 'startsWith'].map(
    (name): Form =>
      (a, b) =>
        `${a}.${name}(${b})`,
  ),
  (a) => `${a}.map(x, x + 1)`,
  (a, b) => `${a}.filter(x, x < ${b})`,
  (a) => `(-${a})`,
  (a) => `${a}.a`,
];
/** Whether a computed key is there is known to nobody. */
const COMPUTED: Form = (a, b) => `${a}[${b}]`;
/** Forms whose value does not tell that a part of them was wrong. */
const FORGIVING: Form[] = [
  ...binary('==', '!=', 'in', '&&', '||'),
  (a, b) => `(${a} != null && ${b})`,
  (a, b) => `(${a} == null || ${b})`,
  (a, b) => `${a}.orValue(${b})`,
  (a, b) => `${a}.map(x, ${b})`,
  (a, b) => `${a}.filter(x, x == ${b})`,
  (a) => `!${a}`,
  (a) => `${a}.?a`,
  (a) => `has(${a}.a)`,
];

const expressionOf = (forms: readonly Form[]): fc.Arbitrary<string> =>
  fc.letrec<{ expression: string }>((tie) => ({
    expression: fc.oneof(
      { maxDepth: 3, withCrossShrink: true },
      leaf,
      fc.tuple(fc.constantFrom(...forms), tie('expression'), tie('expression')).map(([form, a, b]) => form(a, b)),
    ),
  })).expression;

/** Codes of what is told of an expression. */
function check(text: string): { errors: string[]; warnings: string[] } {
  const document = {
    api: 'xyn/v1',
    id: 'bp.x',
    inputs: Object.fromEntries(NAMES.map((name) => [name, INPUTS[name]?.type])),
    plan: [{ kind: 'transform', id: 't', set: { x: `{{ ${text} }}` } }],
    outputs: Object.fromEntries(NAMES.map((name) => [name, `{{ inputs.${name} }}`])),
  };
  const read = readDocument(Buffer.from(JSON.stringify(document)));
  if ('problems' in read) throw new Error(JSON.stringify(read.problems));
  const { problems } = compileSource(read.source, 'sha256:x', compileContext);
  const of = (severity: string): string[] => problems.flatMap((one) => (one.severity === severity ? [one.code] : []));
  return { errors: of('error'), warnings: of('warning') };
}

/** What an expression does with these inputs: nothing wrong, or the detail of its error. */
function failureOf(text: string, inputs: Record<string, Json>): string | undefined {
  const { tree = null } = parseExpression(text, () => 'int');
  const scope = {
    variable: (name: string) => (name === 'inputs' ? inputs : name === 'now' ? timestampOfMs(0) : undefined),
    cost: { left: EVALUATION_COST_LIMIT },
  };
  try {
    evaluateJson(tree, scope);
    return undefined;
  } catch (error) {
    if (!(error instanceof EvaluationError)) throw error;
    // A number may have a fraction where an int is wanted.
    return error.message.includes(' an int') ? 'conversion' : (error.detail ?? error.code);
  }
}

/** All inputs at their first, second … values. */
const rows = Array.from({ length: 6 }, (_, row) =>
  Object.fromEntries(Object.entries(INPUTS).map(([name, { values }]) => [name, values[row % values.length] as Json])),
);
/** Failures of data that types do not tell: empty lists, text that is no number. */
const OF_DATA: ReadonlySet<string> = new Set(['index_range', 'conversion', 'number_range', 'division_by_zero']);
/** Seconds are few, and the reader of YAML costs most of them. */
const RUNS = { numRuns: 500 };

describe('types and values', () => {
  it('agree: what is accepted without a word does not fail by its types', () => {
    const property = fc.property(expressionOf([...STRICT, ...FORGIVING]), (text) => {
      // Of `any` nothing is known, and the items of an empty list are any.
      if (text.includes('inputs.d') || text.includes('[]')) return;
      const { errors, warnings } = check(text);
      if (errors.length > 0 || warnings.length > 0) return;
      for (const row of rows) {
        const failure = failureOf(text, row);
        if (failure !== undefined && !OF_DATA.has(failure)) throw new Error(`${JSON.stringify(row)}: ${failure}`);
      }
    });
    fc.assert(property, RUNS);
  });

  it('agree: what is refused fails whatever the values are', () => {
    // In an empty list nothing is of a wrong type.
    const full = rows.filter(({ l, t }) => (l as Json[]).length > 0 && (t as Json[]).length > 0);
    expect(full.length).toBeGreaterThan(2);
    const property = fc.property(expressionOf([...STRICT, COMPUTED]), (text) => {
      const { errors } = check(text);
      const isRefused =
        errors.length > 0 && errors.every((code) => code === 'expression_type' || code === 'path_unknown');
      if (!isRefused || text.includes('[]')) return;
      const accepted = full.filter((row) => failureOf(text, row) === undefined);
      if (accepted.length > 0) throw new Error(`works with ${JSON.stringify(accepted[0])}`);
    });
    fc.assert(property, RUNS);
  });
});
