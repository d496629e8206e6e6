import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { planDigest } from '../domain/plan-digest.js';
import { compileContext as context } from '../../test/support/compile-context.js';
import { compileBlueprint, type CompileResult } from './index.js';

async function compile(document: string | object): Promise<CompileResult> {
  const body = typeof document === 'string' ? document : JSON.stringify(document);
  return compileBlueprint(new TextEncoder().encode(body), context);
}

describe('the skeleton of the source plan', () => {
  const fixture = readFileSync('test/fixtures/alert-remediation.yaml', 'utf8');

  it('compiles as it is, with one warning', async () => {
    const { compiled, problems } = await compile(fixture);
    expect(problems).toEqual([
      expect.objectContaining({ code: 'unused_input', severity: 'warning', line: 7, column: 11 }),
    ]);
    expect(compiled?.plan).toMatchObject({
      format: 'xyn.plan/0',
      language: 'xyn/v0',
      id: 'bp.checkmk.auto_remediate',
      actions: { 'ssh.run': { pack: 'core@1.0.0', contract: 'sha256:ssh' } },
      triggers: [{ kind: 'event', event: 'checkmk.alert' }],
      inputs: { properties: { host: {}, service: {} }, required: ['host', 'service'], additionalProperties: false },
      outputs: { summary: { $: ['.', ['.', ['.', ['v', 'steps'], 'analyze'], 'outputs'], 'summary'] } },
    });
    expect(compiled?.plan.nodes).toMatchObject([
      { kind: 'agent_task', id: 'analyze', provider: 'openai', model: 'gpt-5', keep: [['summary']] },
      { kind: 'gate', id: 'approve', mode: 'manual', keep: [] },
      {
        kind: 'action_task',
        with: { host: { $: ['.', ['v', 'inputs'], 'host'] }, cmd: '...' },
        retry: { attempts: 1 },
      },
    ]);
    expect(compiled?.plan.digest).toBe(planDigest(compiled!.plan));
    expect(compiled?.debug).toMatchObject({ nodes: [{ path: 'analyze', line: 9, column: 5 }, {}, {}] });
  });

  it('is the document of the source plan, without comments', () => {
    expect(fixture).toContain('id: bp.checkmk.auto_remediate\n');
    expect(fixture.split('\n').filter((line) => line.startsWith('#'))).toEqual([]);
  });
});

const V1 = 'api: xyn/v1\nid: bp.x\n';
const V0 = 'id: bp.x\ntrigger: {event_type: a.b}\n';
const plan = (step: string): string => `${V1}inputs: {host: string, n: int}\nplan:\n  - ${step}\n`;
const set = (value: string): string => plan(`{kind: transform, id: t, set: {a: ${value}}}`);
const gate = (fields: string): string => plan(`{kind: gate, id: g, mode: manual, ${fields}}`);
const ssh = (input: string): string => plan(`{kind: action_task, id: a, action: ssh.run, with: {${input}}}`);

/** Code, document, line, column, suggestion. Columns of a step: `  - ` is four characters. */
const REFUSED: [string, string, number, number, string?][] = [
  ['blueprint_not_object', '[1]', 1, 1],
  ['api_unknown', 'api: xyn/v2\n', 1, 6, 'xyn/v1'],
  ['field_required', V1, 1, 1],
  ['field_unknown', `${V1}plan: [{kind: gate, id: g, mode: manual, mesage: x}]`, 3, 42, 'message'],
  ['field_unknown', `${V0}plan: [{kind: gate, id: g, mode: manual, when: "true"}]`, 3, 42, 'add `api: xyn/v1`'],
  ['field_unknown', gate('undo: auto'), 5, 39],
  [
    'field_conflict',
    `${V1}trigger: {event: a.b}\ntriggers: []\nplan: [{kind: gate, id: g, mode: manual}]`,
    4,
    1,
    'keep one',
  ],
  [
    'alias_conflict',
    `${V0}plan: [{kind: agent_task, id: g, agent: openai, provider: anthropic, model: m, prompt: p}]`,
    3,
    49,
    'keep one',
  ],
  ['type_mismatch', gate('require: "2"'), 5, 48, '2'],
  ['value_unknown', gate('reason: requird'), 5, 47, 'required'],
  ['id_format', plan('{kind: gate, id: Run Fix, mode: manual}'), 5, 22, 'run_fix'],
  ['step_id_duplicate', `${gate('name: a')}  - {kind: gate, id: g, mode: manual}`, 6, 22],
  ['step_kind_unknown', plan('{kind: action, id: a}'), 5, 12, 'action_task'],
  ['step_kind_unknown', plan('{kind: blueprint, id: a}'), 5, 12],
  ['gate_mode_unknown', plan('{kind: gate, id: g, mode: auto}'), 5, 31, 'manual'],
  ['plan_empty', `${V1}plan: []`, 3, 7],
  ['action_unknown', plan('{kind: action_task, id: a, action: ssh.exec, with: {}}'), 5, 40, 'ssh.run'],
  ['action_input_invalid', ssh('host: web, prot: 22'), 5, 67, 'port'],
  ['action_input_invalid', ssh('host: web, port: x'), 5, 73],
  ['provider_unknown', plan('{kind: agent_task, id: a, provider: opnai, model: m, prompt: p}'), 5, 41, 'openai'],
  ['trigger_invalid', `${V1}triggers: [{}]\nplan: [{kind: gate, id: g, mode: manual}]`, 3, 12],
  [
    'trigger_invalid',
    `${V1}triggers: [{event: a.b, dedupe: {key: x}}]\nplan: [{kind: gate, id: g, mode: manual}]`,
    3,
    33,
  ],
  [
    'trigger_invalid',
    `${V1}triggers: [{schedule: {every: 1h}, dedupe: {key: x, while: open}}]\nplan: [{kind: gate, id: g, mode: manual}]`,
    3,
    36,
  ],
  [
    'field_required',
    `${V1}triggers: [{event: a.b, dedupe: {while: open}}]\nplan: [{kind: gate, id: g, mode: manual}]`,
    3,
    34,
  ],
  [
    'value_unknown',
    `${V1}triggers: [{event: a.b, dedupe: {key: x, while: opne}}]\nplan: [{kind: gate, id: g, mode: manual}]`,
    3,
    49,
    'open',
  ],
  [
    'event_name_format',
    `${V1}trigger: {event: Checkmk Alert}\nplan: [{kind: gate, id: g, mode: manual}]`,
    3,
    18,
    'checkmk.alert',
  ],
  ['input_schema_invalid', `${V1}inputs: {host: strin}\nplan: [{kind: gate, id: g, mode: manual}]`, 3, 16, 'string'],
  ['template_unclosed', set('"x {{ inputs.n"'), 5, 42],
  ['template_syntax', set('"{{ inputs.n b }}"'), 5, 52],
  ['template_syntax', set('"{{}}"'), 5, 42],
  ['template_unresolved', set('"{{host}}"'), 5, 42, 'inputs.host'],
  ['template_unresolved', set('"{{input.host}}"'), 5, 42, 'inputs'],
  ['template_unresolved', set('"\\t{{inputs.hots}}"'), 5, 51, 'host'],
  ['template_unresolved', set('"{{steps.x.outputs.y}}"'), 5, 48],
  ['template_forbidden_key', set('"{{inputs.host.__proto__}}"'), 5, 54],
  ['template_in_static', plan("{kind: action_task, id: a, action: '{{x}}'}"), 5, 41],
  ['template_in_static', gate("on_error: [{codes: [timeout, 'x{{inputs.host}}'], then: fail}]"), 5, 70],
  ['template_in_script', ssh("host: web, cmd: 'rm {{inputs.n}}'"), 5, 76, 'pass the value by `env` or `argv`'],
  ['reference_order', `${set("'{{steps.g.outputs}}'")}  - {kind: gate, id: g, mode: manual}`, 5, 48],
  ['reference_cycle', gate("message: '{{steps.g.status}}'"), 5, 57],
  ['expression_unsupported', set('"{{type(inputs.n)}}"'), 5, 42],
  ['function_unknown', set('"{{inputs.host.lower()}}"'), 5, 54, 'lowerAscii'],
  ['filter_unknown', set('"{{inputs.host | upper}}"'), 5, 54, 'inputs.host.upperAscii()'],
  ['regex_unsafe', set('"{{inputs.host.matches(\'a\')}}"'), 5, 54, 'glob(text, pattern)'],
  ['expression_nesting', set('"{{[1].map(x, [2].map(y, y))}}"'), 5, 57, 'compute the inner one in a transform before'],
  ['limit_expression', set(`"{{${'1-'.repeat(30)}1}}"`), 5, 42],
  [
    'expression_mixed',
    plan('{kind: gate, id: g, mode: manual, when: "x {{inputs.n}}"}'),
    5,
    48,
    'write it without {{ }}',
  ],
  ['untyped_division', set('"{{event.data.n / 2}}"'), 5, 42, 'int(event.data.n) or double(event.data.n)'],
  ['duration_invalid', gate('timeout: 5 min'), 5, 48, '5m'],
  ['duration_range', gate('timeout: 0s'), 5, 48],
  ['limit_range', gate('require: 0'), 5, 48],
  ['modifier_forbidden', plan('{kind: transform, id: t, set: {}, timeout: 1s}'), 5, 39],
  ['retry_forbidden', ssh('host: web}, retry: {attempts: 3'), 5, 86, 'attempts: 1'],
  ['until_forbidden', ssh('host: web}, retry: {until: result.exit_code == 0'), 5, 76, 'a loop with `while`'],
  ['value_unknown', plan('{kind: action_task, id: a, action: ssh.run, mode: local, with: {host: web}}'), 5, 55],
  ['field_unknown', `${V0}plan: [{kind: action_task, id: a, action: ssh.run, with: {host: w}, mode: remote}]`, 3, 69],
  ['secret_context_forbidden', set('{secret: ssh/ops}'), 5, 39],
  ['secret_literal', ssh('host: web, key: hunter2'), 5, 72, '{secret: path}'],
  ['secret_literal', set('AKIAABCDEFGHIJKLMNOP'), 5, 39, '{secret: path}'],
  [
    'tainted_target',
    `${V1}trigger: {event: a.b}\ninputs: {host: string}\nplan: [{kind: action_task, id: a, action: ssh.run, with: {host: "{{inputs.host}}"}}]`,
    5,
    65,
    'add a gate before, an enum input, or trust(value, "why")',
  ],
];

const WARNED: [string, string, number, number, string?][] = [
  ['model_unknown', plan('{kind: agent_task, id: a, provider: openai, model: gpt-4, prompt: p}'), 5, 56, 'gpt-5'],
  ['unused_input', gate('name: a'), 3, 10],
  ['output_unbound', `${V0}plan: [{kind: gate, id: g, mode: manual}]\noutputs: [{name: x}]`, 4, 18],
  ['looks_like_expression', set('inputs.host'), 5, 39, "'{{inputs.host}}'"],
  [
    'tainted_target',
    `${V0}inputs: [{name: host}]\nplan: [{kind: action_task, id: a, action: ssh.run, with: {host: "{{inputs.host}}"}}]`,
    4,
    65,
    'add a gate before, an enum input, or trust(value, "why")',
  ],
];

describe('problems', () => {
  it.each(REFUSED)('%s in %j', async (...[code, document, line, column, suggestion]) => {
    const { compiled, problems } = await compile(document);
    const found = problems.filter(({ severity }) => severity === 'error');
    const place = suggestion === undefined ? { line, column } : { line, column, suggestion };
    expect(found).toContainEqual(expect.objectContaining({ code, ...place }));
    expect(compiled).toBeUndefined();
  });

  it.each(WARNED)('warns of %s in %j', async (...[code, document, line, column, suggestion]) => {
    const { compiled, problems } = await compile(document);
    const place = suggestion === undefined ? { line, column } : { line, column, suggestion };
    expect(problems).toContainEqual(expect.objectContaining({ code, severity: 'warning', ...place }));
    expect(compiled).toBeDefined();
  });
});

describe('edge cases of expressions', () => {
  const codes = async (value: string): Promise<string[]> => {
    const { problems } = await compile(
      `${V1}inputs: {n: int, b: bool}\nplan: [{kind: transform, id: t, set: {x: '${value}', y: '{{[inputs.n, inputs.b]}}'}}]`,
    );
    return problems.map(({ code }) => code);
  };

  it.each([
    ['1 == 1.0, which is true', '{{1 == 1.0}}', []],
    ['"1" == 1, which types refuse', '{{"1" == 1}}', ['expression_type']],
    ['a number in a text', 'n={{inputs.n}}', []],
    ['null in a text', 'n={{null}}', ['expression_type']],
    ['null as a whole', '{{null}}', []],
    ['int and fractions', '{{[7 / 2, -7 / 2, 7 % -2]}}', []],
    ['an int that JSON cannot keep', '{{9007199254740992}}', ['number_range']],
    ['the end of a run outside of finally', '{{run.outcome}}', ['path_unknown']],
  ])('%s', async (_, value, expected) => {
    expect(await codes(value)).toEqual(expected);
  });

  it.each(['null', '"null"', "'{{ null }}'", '5', '"5"', '[true]', '{a: true}'])(
    'a condition is not %s',
    async (when) => {
      const { problems } = await compile(`${V1}plan: [{kind: gate, id: g, mode: manual, when: ${when}}]`);
      expect(problems).toMatchObject([{ code: 'expression_type', severity: 'error', line: 3 }]);
    },
  );
});

describe('bounds', () => {
  const steps = (count: number): object[] =>
    Array.from({ length: count }, (_, ix) => ({ kind: 'gate', id: `g${ix}`, mode: 'manual' }));

  it('takes 200 steps, and 500 where the limit is raised', async () => {
    const head = { id: 'bp.x', trigger: { event_type: 'a.b' } };
    expect((await compile({ ...head, plan: steps(200) })).problems).toEqual([]);
    const { problems } = await compile({ ...head, plan: steps(201) });
    expect(problems).toMatchObject([{ code: 'limit_steps', path: '/plan/200' }]);
    const raised = { api: 'xyn/v1', id: 'bp.x', limits: { steps: 1000 } };
    expect((await compile({ ...raised, plan: steps(500) })).problems).toEqual([]);
    expect((await compile({ ...raised, plan: steps(501) })).problems).toMatchObject([{ code: 'limit_steps' }]);
  });

  it('takes 1 000 placeholders', async () => {
    const of = (count: number): object => ({
      api: 'xyn/v1',
      id: 'bp.x',
      plan: [{ kind: 'transform', id: 't', set: { a: '{{now}}'.repeat(count) } }],
    });
    expect((await compile(of(1000))).problems).toEqual([]);
    expect((await compile(of(1001))).problems).toMatchObject([{ code: 'limit_tags' }]);
  });
});

describe('values', () => {
  it('quotes literal maps with a key `$` and finds the end of a placeholder by its quotes', async () => {
    const { compiled } = await compile({
      api: 'xyn/v1',
      id: 'bp.x',
      plan: [{ kind: 'transform', id: 't', set: { a: { $: 1 }, b: `{{ "}}" }}`, c: 'n={{ 7 / 2 }}!' } }],
    });
    const [node] = compiled?.plan.nodes ?? [];
    expect(node).toMatchObject({
      set: [
        ['a', { $: ['m', '$', 1] }],
        ['b', { $: '}}' }],
        ['c', { $: ['t', 'n=', ['/i', 7, 2], '!'] }],
      ],
    });
  });

  it.each([
    ['a call that reads and is bounded by 5 s', { with: { url: 'https://x.example' }, timeout: '5s' }, 'local'],
    ['one that may take longer', { with: { url: 'https://x.example' }, timeout: '6s' }, undefined],
    ['one without a bound of its own', { with: { url: 'https://x.example' } }, undefined],
    ['one that writes', { with: { url: 'https://x.example', method: 'POST' }, timeout: '5s' }, undefined],
    ['one whose author forbids it', { with: { url: 'https://x.example' }, timeout: '5s', mode: 'remote' }, undefined],
  ])('says where to run %s', async (_, fields, mode) => {
    const call = { kind: 'action_task', id: 'a', action: 'http.call', ...fields };
    const { compiled } = await compile({ api: 'xyn/v1', id: 'bp.x', plan: [call] });
    expect((compiled?.plan.nodes[0] as { mode?: string }).mode).toBe(mode);
  });

  it('reads `retry.until` where the action reads', async () => {
    const call = { kind: 'action_task', id: 'a', action: 'http.call', with: { url: 'https://x.example' } };
    const step = { ...call, retry: { until: 'result.status == 200' } };
    const { compiled } = await compile({ api: 'xyn/v1', id: 'bp.x', plan: [step] });
    expect(compiled?.plan.nodes[0]).toMatchObject({ retry: { until: ['==', ['.', ['v', 'result'], 'status'], 200] } });
  });

  it('does not warn of a target behind a gate', async () => {
    const head = { api: 'xyn/v1', id: 'bp.x', trigger: { event: 'a.b' }, inputs: { host: 'string' } };
    const fix = { kind: 'action_task', id: 'a', action: 'ssh.run', with: { host: '{{inputs.host}}' } };
    const { problems } = await compile({ ...head, plan: [{ kind: 'gate', id: 'g', mode: 'manual' }, fix] });
    expect(problems).toEqual([]);
  });
});
