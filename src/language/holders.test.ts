import { describe, expect, it } from '@jest/globals';
import { compileContext } from '../../test/support/compile-context.js';
import type { Plan } from '../domain/plan.js';
import { compileBlueprint, type CompileResult } from './index.js';

const HEAD =
  'api: xyn/v1\nid: bp.x\ninputs: {host: {type: string, enum: [web, db]}, n: int, list: "string[]"}\nplan:\n';
const compile = (text: string): Promise<CompileResult> => compileBlueprint(Buffer.from(text), compileContext);
const plan = (...steps: string[]): string => HEAD + steps.map((step) => `  - ${step}\n`).join('');

async function compiled(text: string): Promise<Plan> {
  const result = await compile(text);
  expect(result.problems.filter(({ severity }) => severity === 'error')).toEqual([]);
  return result.compiled?.plan as Plan;
}

const act = (id: string, more = ''): string =>
  `{kind: action_task, id: ${id}, action: http.call, with: {url: 'https://x.example'}${more}}`;
const set = (id: string, value: string): string => `{kind: transform, id: ${id}, set: {x: ${value}}}`;

describe('holders', () => {
  it('are compiled to nodes in document order, each with its address', async () => {
    const { nodes, root } = await compiled(
      plan(
        `{kind: block, id: b, timeout: 1m, retry: {attempts: 2}, do: [${act('a')}, {kind: switch, id: s, cases: [{name: one, when: inputs.n > 1, do: [${act('c')}]}, {when: inputs.n > 2, do: [${act('d')}]}], default: [${act('e')}]}], finally: [${act('z')}]}`,
        `{kind: parallel, id: p, join: 1, branches: {y: {do: [${act('f')}], outputs: {u: 1}}, x: [${act('g')}]}}`,
        `{kind: for_each, id: l, in: '{{inputs.list}}', as: one, concurrency: 3, tolerate: "5%", max_items: 1000, do: [${act('h')}]}`,
        `{kind: wait, id: w, for: 90s}`,
      ),
    );
    expect(nodes.map(({ path }) => path)).toEqual([
      ...['b', 'b.a', 'b.s', 'b.s:one.c', 'b.s:case1.d', 'b.s:default.e', 'b~finally.z'],
      ...['p', 'p:x.g', 'p:y.f', 'l', 'l.h', 'w'],
    ]);
    expect(root.do).toEqual([0, 7, 10, 12]);
    expect(nodes[0]).toMatchObject({
      kind: 'block',
      timeout_ms: 60_000,
      retry: { attempts: 2 },
      bodies: { do: { do: [1, 2], finally: [6] } },
    });
    expect(nodes[2]).toMatchObject({
      cases: [{ name: 'one' }, { name: 'case1' }],
      bodies: { one: { do: [3] }, case1: { do: [4] }, default: { do: [5] } },
    });
    expect(nodes[7]).toMatchObject({
      kind: 'parallel',
      join: 1,
      mode: 'fail_fast',
      concurrency: 450,
      bodies: { y: { outputs: { u: 1 } } },
    });
    expect(nodes[10]).toMatchObject({
      kind: 'for_each',
      as: 'one',
      concurrency: 3,
      tolerate: { percent: 5 },
      max_items: 1_000,
      bodies: { do: { do: [11] } },
    });
    expect(nodes[12]).toMatchObject({ kind: 'wait', for: '90s' });
  });

  it('have handlers, and so has the plan', async () => {
    const { nodes, root } = await compiled(
      plan(
        act(
          'a',
          `, on_error: [{codes: [http_*], when: error.attempt > 1, do: [${set('h', "'{{error.message}}'")}], outputs: {x: '{{steps.h.outputs.x}}'}, then: continue}]`,
        ),
        act('b', ', on_error: continue'),
      ) + `on_error:\n  - do: [${act('tell')}]\nfinally: [${set('last', "'{{run.outcome}}'")}]\n`,
    );
    expect(nodes.map(({ path }) => path)).toEqual(['a', 'a!0.h', 'b', '!0.tell', '~finally.last']);
    expect(nodes[0]?.on_error).toMatchObject([{ codes: ['http_*'], do: [1], then: 'continue', outputs: { x: {} } }]);
    expect(nodes[2]?.on_error).toEqual([{ do: [], then: 'continue' }]);
    expect(root).toMatchObject({ on_error: [{ do: [3], then: 'continue' }], finally: [4] });
  });

  it('keep of their inside what their result needs, and no more', async () => {
    const { nodes } = await compiled(
      plan(
        `{kind: block, id: b, do: [${act('a')}, ${act('c', ', when: inputs.n > 1')}]}`,
        `{kind: block, id: unread, do: [${act('d')}]}`,
        `{kind: block, id: own, do: [${act('e')}], outputs: {code: '{{steps.e.outputs.status}}'}}`,
        set('t', "'{{string(steps.b.outputs.status)}} {{string(steps.own.outputs.code)}}'"),
      ),
    );
    const keep = Object.fromEntries(nodes.map((node) => [node.id, node.keep]));
    expect(keep).toEqual({
      b: [['status']],
      a: '*',
      c: '*',
      unread: [],
      d: [],
      own: [['code']],
      e: [['status']],
      t: [],
    });
  });

  it('let their inside see what stands before, and items', async () => {
    await compiled(
      plan(
        set('t', '1'),
        `{kind: for_each, id: l, in: 3, while: prev == null, do: [${set('u', "'{{steps.t.outputs.x + index + item}}'")}, {kind: for_each, id: m, in: 2, as: inner, do: [${set('v', "'{{steps.u.outputs.x + inner + item}}'")}]}]}`,
        `{kind: block, id: b, do: [${set('w', "'{{steps.l.outputs.count}}'")}], finally: [${set('y', "'{{steps.w.status}}'")}]}`,
      ),
    );
  });
});

const LOOP = `{kind: for_each, id: l, in: 2, do: [${set('t', '1')}]}`;
/** Code, document, what stands at the place of the problem, suggestion. */
const REFUSED: [string, string, string, string?][] = [
  ['reference_scope', plan(LOOP, set('u', "'{{steps.t.outputs.x}}'")), 't.outputs.x', 'steps.l.outputs'],
  [
    'reference_scope',
    plan(`{kind: parallel, id: p, branches: {a: [${set('t', '1')}], b: [${set('u', "'{{steps.t.status}}'")}]}}`),
    't.status',
  ],
  ['reference_cycle', plan(`{kind: block, id: b, do: [${set('t', "'{{steps.b.status}}'")}]}`), 'b.status'],
  [
    'reference_order',
    plan(`{kind: block, id: b, do: [${set('t', "'{{steps.z.status}}'")}]}`, set('z', '1')),
    'z.status',
  ],
  ['template_unresolved', plan(set('t', "'{{item}}'")), 'item}}'],
  ['step_id_duplicate', plan(set('t', '1'), `{kind: block, id: b, do: [${set('t', '1')}]}`), 't, set'],
  ['body_empty', plan('{kind: block, id: b, do: []}'), '[]'],
  ['case_empty', plan('{kind: switch, id: s, cases: [{when: "true", do: []}], default: []}'), '[]'],
  ['field_required', plan('{kind: parallel, id: p}'), 'kind'],
  ['field_required', plan('{kind: switch, id: s}'), 'kind'],
  ['field_required', plan('{kind: for_each, id: l}'), 'kind'],
  ['field_required', plan('{kind: wait, id: w}'), 'kind'],
  ['field_required', plan(act('a', ', on_error: [{codes: [timeout]}]')), 'codes'],
  ['field_conflict', plan('{kind: wait, id: w, for: 1s, until: "2026-01-01T00:00:00Z"}'), 'until', 'keep one'],
  [
    'field_conflict',
    plan(`{kind: parallel, id: p, join: 1, mode: collect, branches: {a: [${set('t', '1')}]}}`),
    'mode',
    'keep one',
  ],
  ['duration_range', plan('{kind: wait, id: w, for: 31d}'), '31d'],
  ['duration_invalid', plan('{kind: wait, id: w, for: soon}'), 'soon'],
  ['join_impossible', plan(`{kind: parallel, id: p, join: 2, branches: {a: [${set('t', '1')}]}}`), '2, branches', '1'],
  ['limit_range', plan('{kind: parallel, id: p, branches: {}}'), '{}'],
  ['limit_range', plan('{kind: switch, id: s, cases: []}'), '[]'],
  [
    'while_concurrent',
    plan(`{kind: for_each, id: l, in: 2, concurrency: 2, while: index < 1, do: [${set('t', '1')}]}`),
    '2, while',
    'concurrency: 1',
  ],
  [
    'while_concurrent',
    plan(`{kind: for_each, id: l, in: 2, concurrency: 2, do: [${set('t', "'{{prev}}'")}]}`),
    '2, do',
    'concurrency: 1',
  ],
  [
    'name_shadowed',
    plan(`{kind: for_each, id: l, in: 2, as: x, do: [{kind: for_each, id: m, in: 2, as: x, do: [${set('t', '1')}]}]}`),
    'x, do: [{kind: transform',
    'inner_x',
  ],
  ['name_reserved', plan(`{kind: for_each, id: l, in: 2, as: inputs, do: [${set('t', '1')}]}`), 'inputs, do'],
  [
    'name_reserved',
    plan(`{kind: switch, id: s, cases: [{name: default, when: "true", do: [${set('t', '1')}]}]}`),
    'default',
  ],
  ['type_mismatch', plan(`{kind: for_each, id: l, in: 2, tolerate: half, do: [${set('t', '1')}]}`), 'half'],
  ['type_mismatch', plan('{kind: block, id: b, do: [1]}'), '1]}'],
  ['type_mismatch', plan('{kind: switch, id: s, cases: [1]}'), '1]}'],
  ['type_mismatch', plan('{kind: parallel, id: p, branches: {a: 1}}'), '1}}'],
  ['type_mismatch', plan(act('a', ', on_error: [1]')), '1]}'],
  [
    'modifier_forbidden',
    plan(`{kind: switch, id: s, retry: {attempts: 2}, cases: [{when: "true", do: [${set('t', '1')}]}]}`),
    'retry',
  ],
  ['modifier_forbidden', plan(`{kind: parallel, id: p, outputs: {}, branches: {a: [${set('t', '1')}]}}`), 'outputs'],
  ['modifier_forbidden', plan(set('t', '1, y: 2}, finally: [').replace('}}', ']}')), 'finally'],
  [
    'finally_blocking',
    plan(
      `{kind: block, id: b, do: [${set('t', '1')}], finally: [{kind: block, id: c, do: [{kind: gate, id: g, mode: manual}]}]}`,
    ),
    'gate',
  ],
  [
    'value_unknown',
    plan(`{kind: parallel, id: p, mode: colect, branches: {a: [${set('t', '1')}]}}`),
    'colect',
    'collect',
  ],
  ['step_kind_unknown', `id: bp.x\ntrigger: {event_type: a.b}\nplan:\n  - ${LOOP}\n`, 'for_each', 'add `api: xyn/v1`'],
  ['step_kind_unknown', plan('{kind: paralel, id: p}'), 'paralel', 'parallel'],
  ['field_unknown', plan(`{kind: block, id: b, rollback: auto, do: [${set('t', '1')}]}`), 'auto'],
  [
    'tainted_target',
    `${HEAD.replace('plan:', 'triggers: [{event: a.b}]\nplan:')}  - {kind: for_each, id: l, in: '{{inputs.list}}', do: [{kind: action_task, id: a, action: ssh.run, with: {host: '{{item}}', argv: [ls]}}]}\n`,
    "'{{item}}'",
    'add a gate before, an enum input, or trust(value, "why")',
  ],
];

describe('problems of holders', () => {
  it.each(REFUSED)('%s in %j', async (...[code, document, place, suggestion]) => {
    const { compiled: result, problems } = await compile(document);
    const lines = document.split('\n');
    const found = problems
      .filter(({ severity, line, column }) => severity === 'error' && lines[line - 1]?.startsWith(place, column - 1))
      .map((one) => (suggestion === undefined ? [one.code] : [one.code, one.suggestion]));
    expect(found).toContainEqual(suggestion === undefined ? [code] : [code, suggestion]);
    expect(result).toBeUndefined();
  });

  it.each([
    ['handler_unreachable', act('a', ', on_error: [{then: fail}, {codes: [timeout], then: fail}]')],
    ['handler_unreachable', act('a', ', on_error: [{codes: [cancelled], then: fail}]')],
    ['error_code_unknown', act('a', ', on_error: [{codes: [tiemout], then: fail}]')],
    ['switch_no_default', `{kind: switch, id: s, cases: [{when: inputs.n > 1, do: [${set('t', '1')}]}]}`],
  ])('warns of %s', async (code, step) => {
    const { compiled: result, problems } = await compile(plan(step));
    expect(problems).toContainEqual(expect.objectContaining({ code, severity: 'warning' }));
    expect(result).toBeDefined();
  });

  it('are told for all steps, also where one cannot be compiled', async () => {
    const broken = plan(
      `{kind: block, id: b, do: [{kind: action_task, id: a, action: ssh.rum, with: {}}]}`,
      act('c'),
      set('t', "'{{inputs.x}}'"),
    );
    const { problems } = await compile(broken);
    expect(problems.flatMap(({ code, severity }) => (severity === 'error' ? [code] : []))).toEqual([
      'action_unknown',
      'template_unresolved',
    ]);
  });

  it('counts depth, and steps on the straight path', async () => {
    const nested = (depth: number): string =>
      depth === 0 ? set('t', '1') : `{kind: block, id: b${depth}, do: [${nested(depth - 1)}]}`;
    await compiled(plan(nested(8)));
    expect((await compile(plan(nested(9)))).problems).toContainEqual(expect.objectContaining({ code: 'limit_depth' }));
    const sets = (from: number, to: number): string =>
      Array.from({ length: to - from }, (_, ix) => set(`t${from + ix}`, '1')).join(', ');
    const split = (first: string, second: string): string =>
      plan(`{kind: switch, id: s, cases: [{when: inputs.n > 1, do: [${first}]}], default: [${second}]}`);
    await compiled(split(sets(0, 200), sets(200, 400)));
    expect((await compile(split(sets(0, 201), sets(201, 210)))).problems).toContainEqual(
      expect.objectContaining({ code: 'limit_steps' }),
    );
    await compiled(plan(`{kind: for_each, id: l, in: 2, do: [${sets(0, 201)}]}`));
  });
});
