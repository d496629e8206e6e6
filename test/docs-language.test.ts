import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { EVALUATION_COST_LIMIT } from '../src/domain/expression/cost.js';
import { evaluateJson } from '../src/domain/expression/evaluate.js';
import type { Json } from '../src/domain/json.js';
import { parseExpression } from '../src/language/expression/parse.js';
import { FUNCTION_RULES, MACRO_ARGUMENTS } from '../src/language/expression/profile.js';
import { compileBlueprint, type CompileResult } from '../src/language/index.js';
import { PACKS } from '../src/registry/packs.js';
import { ActionRegistry } from '../src/registry/registry.js';

const page = readFileSync(new URL('../docs/blueprint-language.md', import.meta.url), 'utf8');
const [reference = '', problems = ''] = page.split(/^## Problems$/m);
const [tables = ''] = problems.split(/^### Size$/m);
const context = {
  actions: new ActionRegistry(PACKS).catalog(),
  providers: [{ name: 'openai', models: ['gpt-5'] }, { name: 'anthropic' }],
};
const compile = (document: string): Promise<CompileResult> => compileBlueprint(Buffer.from(document), context);

function blocks(text: string): string[] {
  return [...text.matchAll(/^```yaml\n(.*?)^```/gms)].map(([, block = '']) => block);
}

/** The cells of the rows of all tables of a text. */
function rows(text: string): string[][] {
  const lines = text.split('\n').filter((line) => line.startsWith('|') && !/^[| -]+$/.test(line));
  return lines.map((line) => line.split(/(?<!\\)\|/).slice(1, -1).map((cell) => cell.trim().replaceAll('\\|', '|'))); // prettier-ignore
}

/** What stands between the first and the last mark of code. */
const codeIn = (cell: string): string => /^`(.*)`$/.exec(cell)?.[1] ?? '';

interface Shown {
  code: string;
  severity: 'error' | 'warning';
  document: string;
  place: string;
}

function shownProblems(): Shown[] {
  return tables.split(/^### /m).flatMap((section) => {
    const [frame = ''] = blocks(section);
    return rows(section).flatMap(([name = '', example = '', place = '']): Shown[] => {
      const code = /^`([a-z_]+)`/.exec(name)?.[1];
      if (code === undefined) return [];
      const written = codeIn(example).replaceAll('⏎', '\n');
      const document = frame.replace('…', () => written);
      return [{ code, severity: name.endsWith('(W)') ? 'warning' : 'error', document, place }];
    });
  });
}

describe('the documents of the language reference', () => {
  it.each(blocks(reference).map((text) => [/^id: (.*)$/m.exec(text)?.[1], text]))(
    '%s compiles without a problem',
    async (_, text) => {
      const { compiled, problems: found } = await compile(text ?? '');
      expect(found).toEqual([]);
      expect(compiled).toBeDefined();
    },
  );

  it('have the paths that it names', async () => {
    const named = /Of the documents on this page:(.*?)A path is/s.exec(reference)?.[1] ?? '';
    const paths = [...named.matchAll(/`([^`]*\.[^`]*)`/g)].map(([, path = '']) => path.replace(/\[\d+\]|#\d+/, ''));
    const results = await Promise.all(blocks(reference).map(compile));
    const known = results.flatMap(({ compiled }) => compiled?.plan.nodes.map(({ path }) => path) ?? []);
    expect(paths.length).toBeGreaterThan(8);
    expect(paths.filter((path) => !known.includes(path))).toEqual([]);
  });

  it('are many', () => expect(blocks(reference).length).toBeGreaterThan(15));
});

describe('the problems of the language reference', () => {
  const shown = shownProblems();

  it.each(shown.map((one) => [one.code, one] as const))('%s', async (code, { severity, document, place }) => {
    const { compiled, problems: found } = await compile(document);
    expect(found.map((one) => `${one.severity} ${one.code} ${one.line}:${one.column}`)).toContain(
      `${severity} ${code} ${place}`,
    );
    expect(compiled === undefined).toBe(severity === 'error');
  });

  const steps = (count: number): string =>
    Array.from({ length: count }, (_, ix) => `{kind: transform, id: t${ix}, set: {x: 1}}`).join(', ');
  const plan = (list: string): string => `{api: xyn/v1, id: a, limits: {steps: 1000}, plan: [${list}]}`;
  const nested = (depth: number): string =>
    depth === 0 ? steps(1) : `{kind: block, id: b${depth}, do: [${nested(depth - 1)}]}`;
  const set = (value: string): string => plan(`{kind: transform, id: t, set: {x: '${value}'}}`);
  const large: [code: string, document: string][] = [
    ['body_too_large', '#'.repeat(512 * 1024 + 1)],
    ['yaml_depth', `{id: ${'['.repeat(64)}`],
    ['yaml_too_many_nodes', `{id: [${'1,'.repeat(20_000)}]}`],
    ['limit_tags', set('{{ now }}'.repeat(1_001))],
    ['limit_steps', plan(steps(501))],
    ['limit_depth', plan(nested(9))],
    ['limit_plan', set('x'.repeat(262_144))],
    ['limit_expression', set(`{{ 1${' '.repeat(2_000)}}}`)],
  ];

  it.each(large)('%s', async (code, document) => {
    const { compiled, problems: found } = await compile(document);
    expect(found.map((one) => one.code)).toContain(code);
    expect(compiled).toBeUndefined();
  });

  it('are all that the compiler can tell', () => {
    const folder = new URL('../src/language/', import.meta.url);
    const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) =>
      /(?<!\.test)\.ts$/.test(name),
    );
    const told = files.flatMap((name) => {
      const source = readFileSync(new URL(name, folder), 'utf8');
      const calls =
        /(?:\b(?:add|report|tell|warn|error)\(\s*|\bat\(\s*'(?:error|warning)',\s*|\bcode(?::| =) |^ +[A-Z_]+: |(?:\]|place), )'([a-z]+(?:_[a-z]+)+)'/gm;
      return [...source.matchAll(calls)].map(([, code = '']) => code);
    });
    const known = new Set([...shown.map(({ code }) => code), ...large.map(([code]) => code), 'yaml_timeout']);
    expect([...new Set(told)].filter((code) => !known.has(code))).toEqual([]);
    expect([...known].filter((code) => !told.includes(code))).toEqual([]);
  });
});

describe('the functions of the language reference', () => {
  const [table = ''] = (reference.split('| function ')[1] ?? '').split(/^### /m);
  const cells = rows(table);

  it.each(cells.map(([, example = '', gives = '']) => [codeIn(example), codeIn(gives)]))(
    '%s is %s',
    (example = '', gives = '') => {
      const { tree, problems: found } = parseExpression(example, () => undefined);
      expect(found).toEqual([]);
      const scope = { variable: () => undefined, cost: { left: EVALUATION_COST_LIMIT }, uid: () => 'u'.repeat(26) };
      expect(evaluateJson(tree ?? null, scope)).toEqual(JSON.parse(gives) as Json);
    },
  );

  it('are all there are', () => {
    const shown = cells.flatMap(([names = '']) => [...names.matchAll(/`(\w+)`/g)].map(([, name]) => name));
    expect(shown.sort()).toEqual([...FUNCTION_RULES.keys(), ...MACRO_ARGUMENTS.keys(), 'has'].sort());
  });
});
