import { describe, expect, it } from '@jest/globals';
import { compileContext } from '../../../test/support/compile-context.js';
import { compileBlueprint, type CompileResult } from '../index.js';

const compile = (text: string): Promise<CompileResult> => compileBlueprint(Buffer.from(text), compileContext);
const INPUTS =
  'inputs: {host: string, n: int, ratio: number, mode: [fast, slow], note: string?, tags: "string[]", on: bool, who: {name: string, mail: string?}}';
const document = (steps: readonly string[], more = ''): string =>
  `api: xyn/v1\nid: bp.x\n${INPUTS}\n${more}plan:\n${steps.map((step) => `  - ${step}\n`).join('')}`;
const set = (id: string, value: string): string => `{kind: transform, id: ${id}, set: {x: '${value}'}}`;
const act = (id: string, more = ''): string =>
  `{kind: action_task, id: ${id}, action: http.call, with: {url: 'https://x.example'}${more}}`;
const ssh = (id: string, input: string, more = ''): string =>
  `{kind: action_task, id: ${id}, action: ssh.run, with: {${input}}${more}}`;

/** What is told, as `code` and what stands there in the text; unused inputs are not looked at. */
async function told(text: string): Promise<string[]> {
  const { problems } = await compile(text);
  const lines = text.split('\n');
  return problems
    .filter(({ code }) => code !== 'unused_input')
    .map(({ code, severity, line, column, suggestion }) => {
      const rest = lines[line - 1]?.slice(column - 1) ?? '';
      const word = /^[\w".'[-]+/.exec(rest)?.[0] ?? rest.slice(0, 3);
      return `${severity === 'error' ? 'E' : 'W'} ${code} at ${word}${suggestion === undefined ? '' : ` → ${suggestion}`}`;
    });
}

const expressions: [expression: string, ...problems: string[]][] = [
  // numbers, texts, times
  ['inputs.n + 1'],
  ['inputs.n + inputs.host', 'E expression_type at inputs.host → string(inputs.n)'],
  ['inputs.host + inputs.n', 'E expression_type at inputs.n → string(inputs.n)'],
  ['inputs.n + "x" + inputs.m', 'E expression_type at "x" → string(inputs.n)', 'E template_unresolved at m'],
  ['inputs.tags + ["a"]'],
  ['inputs.tags - 1', 'E expression_type at 1'],
  ['now + duration("1h")'],
  ['now - timestamp("2026-01-01T00:00:00Z") > duration("1h")'],
  ['now > inputs.host', 'E expression_type at inputs.host → timestamp(inputs.host)'],
  ['now + 5', 'E expression_type at 5'],
  ['-inputs.host', 'E expression_type at inputs.host'],
  ['inputs.n / 2'],
  ['inputs.ratio / 2'],
  ['event.data.n / 2', 'E untyped_division at event.data.n → int(event.data.n) or double(event.data.n)'],
  ['2 % event.data.n', 'E untyped_division at event.data.n → int(event.data.n) or double(event.data.n)'],
  ['int(event.data.n) / 2'],
  ['(event.data.n + 1) / 2', 'E untyped_division at event.data.n → int(event.data.n + 1) or double(event.data.n + 1)'],
  ['size(inputs.tags) / 2'],
  // comparisons
  ['1 == 1.0'],
  ['"1" == 1', 'E expression_type at 1 → int("1")'],
  ['inputs.n == "5"', 'E expression_type at "5" → int("5")'],
  ['inputs.tags < inputs.tags', 'E expression_type at inputs.tags'],
  ['event.data.n == "5"'],
  ['inputs.mode == "fsat"', 'W comparison_never at "fsat" → fast'],
  ['inputs.mode == "fast"'],
  ['inputs.mode in ["fast", "fsat"]', 'W comparison_never at "fsat" → fast'],
  ['inputs.n in inputs.tags', 'W comparison_never at inputs.tags'],
  ['"a" in inputs.host', 'E expression_type at inputs.host → inputs.host.contains("a")'],
  ['inputs.host == null', 'W comparison_never at inputs.host'],
  ['inputs.note == null'],
  ['event == null'],
  // conditions
  ['inputs.host && inputs.on', 'E expression_type at inputs.host'],
  ['inputs.n ? 1 : 2', 'E expression_type at inputs.n'],
  ['!inputs.on'],
  // fields
  ['inputs.who.name'],
  ['inputs.who.nam', 'E path_unknown at nam → name'],
  ['inputs.who["nam"]', 'E path_unknown at "nam" → name'],
  ['inputs.who.?nam.orValue("")', 'E path_unknown at nam.orValue → name'],
  ['has(inputs.who.nam)', 'E path_unknown at nam → name'],
  ['inputs.host.name', 'E expression_type at name'],
  ['inputs.tags["a"]', 'E expression_type at "a"'],
  ['inputs.tags[0].trim()'],
  ['event.data.anything.at.all[0].b'],
  ['event.dat', 'E path_unknown at dat → data'],
  ['env.stagee', 'E path_unknown at stagee → stage'],
  ['env.vars.anything'],
  ['run.outcome', 'E path_unknown at outcome'],
  ['run.parent_id', 'W maybe_missing at parent_id → .?parent_id'],
  // what may be absent or null
  ['inputs.who.mail', 'W maybe_missing at mail → .?mail'],
  ['inputs.who.?mail.orValue("")'],
  ['has(inputs.who.mail) ? inputs.who.mail : ""'],
  ['inputs.who.?mail.hasValue() && inputs.who.mail == "x"'],
  ['inputs.note.trim()', 'W maybe_missing at inputs.note.trim'],
  ['inputs.note != null && inputs.note.trim() == ""'],
  ['inputs.note == null || inputs.note.trim() == ""'],
  ['inputs.note == null ? "" : inputs.note.trim()'],
  ['inputs.note == null ? inputs.note.trim() : ""', 'W maybe_missing at inputs.note.trim'],
  ['inputs.note + "x"', 'W maybe_missing at inputs.note'],
  ['inputs.who.?mail', 'E expression_type at inputs.who. → .orValue(…)'],
  ['[inputs.who.?mail]', 'E expression_type at inputs.who. → .orValue(…)'],
  ['inputs.who.?mail == "x"', 'E expression_type at inputs.who. → .orValue(…)'],
  ['inputs.who.name.orValue("")', 'E expression_type at inputs.who.name.orValue'],
  ['event.data.?a.?b.orValue(0)'],
  ['event.data.?a.b.orValue(0)'],
  // functions and macros
  ['size(inputs.n)', 'E expression_type at inputs.n'],
  ['inputs.n.contains("a")', 'E expression_type at inputs.n.contains'],
  ['inputs.tags.contains("a")', 'E expression_type at inputs.tags.contains → "a" in inputs.tags'],
  ['inputs.tags.join(1)', 'E expression_type at 1'],
  ['[1, 2].join(",")', 'E expression_type at [1'],
  ['sum(inputs.tags)', 'E expression_type at inputs.tags'],
  ['string(inputs.tags)', 'E expression_type at inputs.tags'],
  ['inputs.tags.map(t, t + 1)', 'E expression_type at 1 → string(1)'],
  ['inputs.tags.filter(t, t.size())', 'E expression_type at t.size'],
  ['inputs.tags.filter(t, t != "").map(t, t.trim())'],
  ['inputs.n.map(t, t)', 'E expression_type at inputs.n.map'],
  ['inputs.who.map(k, k.trim())'],
  ['keys(inputs.who).exists(k, k == "nam")', 'W comparison_never at "nam" → name'],
];

describe('the types of expressions', () => {
  it.each(expressions)('%s', async (expression, ...problems) => {
    // A step before and a text after: an error does not hide others.
    const text = document([set('t', `{{ ${expression.replaceAll("'", "''")} }}`), set('u', '{{ inputs.n.x }}')]);
    expect(await told(text)).toEqual([...problems, 'E expression_type at x']);
  });

  it('choose the division', async () => {
    const value = 'inputs.n / 2, inputs.ratio / 2, inputs.n / 2.0, size(inputs.tags) / inputs.n';
    const { compiled } = await compile(
      document([set('t', `{{ [${value}] }}`), set('u', '{{ steps.t.outputs.x[0] / 2 }}')]),
    );
    expect(JSON.stringify(compiled?.plan.nodes).match(/"\/i?"/g)).toEqual(['"/i"', '"/"', '"/"', '"/i"', '"/"']);
  });

  it('are those of texts: lists are none, null cannot be in one', async () => {
    const text = (value: string): Promise<string[]> => told(document([set('t', value)]));
    expect(await text('n={{ inputs.n }} {{ now }} {{ inputs.on }}')).toEqual([]);
    expect(await text('n={{ inputs.tags }}')).toEqual(['E expression_type at inputs.tags → json(inputs.tags)']);
    expect(await text('n={{ inputs.note }}')).toEqual(['W maybe_missing at inputs.note']);
    expect(await text('{{ inputs.note }}')).toEqual([]);
    expect(await text('n={{ event.data.?x }}')).toEqual(['W maybe_missing at event.data. → .orValue("…")']);
  });
});

const plans: [name: string, steps: string[], ...problems: string[]][] = [
  // what steps give
  ['an output of an action', [act('a'), set('t', '{{ steps.a.outputs.stats }}')], 'W path_unknown at stats → status'],
  ['a field of a step', [act('a'), set('t', '{{ steps.a.outputt }}')], 'E path_unknown at outputt → outputs'],
  [
    'an output read as a field',
    [ssh('a', 'host: w'), set('t', '{{ steps.a.exit_code }}')],
    'E path_unknown at exit_code → outputs.exit_code',
  ],
  [
    'a status',
    [act('a'), set('t', '{{ steps.a.status == "complete" }}')],
    'W comparison_never at "complete" → completed',
  ],
  [
    'a transform',
    [set('a', '{{ inputs.n }}'), set('t', '{{ steps.a.outputs.x + "a" }}')],
    'E expression_type at "a" → string(steps.a.outputs.x)',
  ],
  [
    'own outputs',
    [act('a', ", outputs: {code: '{{result.status}}'}"), set('t', '{{ steps.a.outputs.status }}')],
    'W maybe_missing at status → .?status',
    'E path_unknown at status',
  ],
  [
    'the raw result',
    [ssh('a', 'host: w', ", outputs: {code: '{{result.exitcode}}'}")],
    'E path_unknown at exitcode → exit_code',
  ],
  [
    'an agent',
    [
      '{kind: agent_task, id: a, provider: anthropic, model: m, prompt: p, output: {cause: string, sure: number, fix: [a, b]}}',
      set(
        't',
        '{{ steps.a.outputs.sure > 0.5 && steps.a.outputs.fix == "c" && steps.a.outputs.txt == "" && steps.a.outputs.summary == "" }}',
      ),
    ],
    'W comparison_never at "c"',
    'E path_unknown at txt → text',
  ],
  [
    'a gate',
    ['{kind: gate, id: g, mode: manual}', set('t', '{{ steps.g.outputs.by[0].trim() + steps.g.outputs.when }}')],
    'E path_unknown at when',
  ],
  // holders
  [
    'a block',
    [`{kind: block, id: b, do: [${set('i', '{{ inputs.n }}')}]}`, set('t', '{{ steps.b.outputs.x.trim() }}')],
    'E expression_type at steps.b.outputs.x.trim',
  ],
  [
    'a switch',
    [
      `{kind: switch, id: s, cases: [{name: one, when: inputs.on, do: [${set('i', 'a')}]}], default: [${set('j', 'b')}]}`,
      set(
        't',
        '{{ steps.s.outputs.case == "two" || steps.s.outputs.result.x.trim() == "" || steps.s.outputs.result.y }}',
      ),
    ],
    'W comparison_never at "two"',
    'E path_unknown at y',
  ],
  [
    'a switch that may choose nothing',
    [
      `{kind: switch, id: s, cases: [{when: inputs.on, do: [${set('i', 'a')}]}]}`,
      set('t', '{{ steps.s.outputs.result.x }}'),
    ],
    'W switch_no_default at {ki → add `default`',
    'W maybe_missing at x → .?x',
  ],
  [
    'a parallel',
    [
      `{kind: parallel, id: p, branches: {a: [${set('i', 'a')}], b: {do: [${set('j', 'b')}], outputs: {y: 1}}}}`,
      set('t', '{{ steps.p.outputs.a.x.trim() + steps.p.outputs.b.y + steps.p.outputs.c.x }}'),
    ],
    'E expression_type at steps.p.outputs.b.y → string(steps.p.outputs.b.y)',
    'E path_unknown at c.x',
  ],
  [
    'a parallel of which branches may fail',
    [
      `{kind: parallel, id: p, mode: collect, branches: {a: [${set('i', 'a')}]}}`,
      set('t', '{{ steps.p.outputs.a.x + steps.p.outputs.?a.x.orValue("") }}'),
    ],
    'W maybe_missing at a.x → .?a',
  ],
  [
    'a loop',
    [
      `{kind: for_each, id: l, in: inputs.tags, as: tag, do: [${set('i', '{{ tag + index }}')}]}`,
      set('t', '{{ steps.l.outputs.cuont + size(steps.l.outputs.results.map(r, r.idx)) }}'),
    ],
    'E expression_type at index → string(index)',
    'E path_unknown at cuont → count',
    'E path_unknown at idx → index',
  ],
  [
    'a loop over a map',
    [`{kind: for_each, id: l, in: {a: 1, b: 2}, do: [${set('i', '{{ item.key + item.value }}')}]}`],
    'E expression_type at item.value → string(item.value)',
  ],
  [
    'rounds that have been',
    [
      `{kind: for_each, id: l, in: 3, while: prev == null || prev.x < 5, do: [${set('i', '{{ prev == null ? 0 : prev.y }}')}, ${set('j', '{{ index }}')}]}`,
    ],
    'E path_unknown at y',
  ],
  [
    'rounds before the first',
    [`{kind: for_each, id: l, in: 3, do: [${set('i', '{{ prev.x }}')}]}`],
    'W maybe_missing at x → .?x',
  ],
  ['no list', [`{kind: for_each, id: l, in: inputs.host, do: [${set('i', 'a')}]}`], 'E expression_type at inputs.host'],
  ['null', [`{kind: for_each, id: l, in: null, do: [${set('i', 'a')}]}`], 'E expression_type at null'],
  ['a negative number', [`{kind: for_each, id: l, in: -1, do: [${set('i', 'a')}]}`], 'E number_range at -1'],
  [
    'the last of a loop that may have had no round',
    [`{kind: for_each, id: l, in: inputs.tags, do: [${set('i', 'a')}]}`, set('t', '{{ steps.l.outputs.last.x }}')],
    'W maybe_missing at x → .?x',
  ],
  [
    'the last of a loop that has had one',
    [
      `{kind: for_each, id: l, in: 3, while: prev == null || index < 2, do: [${set('i', 'a')}]}`,
      set('t', '{{ steps.l.outputs.last.x }}'),
    ],
  ],
  // skipped steps
  [
    'a skipped step',
    [act('a', ', when: inputs.on'), set('t', '{{ steps.a.outputs.status }}')],
    'W maybe_skipped at outputs.status → .?outputs.?….orValue(…), or test its `status`',
    'W maybe_missing at status → .?status',
  ],
  [
    'a skipped step whose status is tested',
    [
      ssh('a', 'host: w', ', when: inputs.on'),
      set('t', '{{ steps.a.status == "completed" ? steps.a.outputs : null }}'),
    ],
  ],
  [
    'the same when',
    [
      ssh('a', 'host: w', ', when: inputs.on'),
      ssh('b', "host: '{{ string(steps.a.outputs.?exit_code.orValue(0)) }}'", ', when: inputs.n > 1 && inputs.on'),
    ],
  ],
  [
    'a handled failure',
    [act('a', ', on_error: continue'), set('t', '{{ steps.a.outputs }}')],
    'W maybe_skipped at outputs → .?outputs.?….orValue(…), or test its `status`',
  ],
  [
    'a handled failure with outputs',
    [
      ssh('a', 'host: w', ', on_error: [{outputs: {exit_code: 1}}]'),
      set('t', '{{ steps.a.outputs.exit_code + steps.a.outputs.nothing }}'),
    ],
    'W maybe_missing at exit_code → .?exit_code',
    'E path_unknown at nothing',
  ],
  [
    'the error of a handled failure',
    [act('a', ', on_error: continue'), set('t', '{{ steps.a.error.code }}')],
    'W maybe_missing at error.code → .?error',
  ],
  [
    'the error of a handled failure that is tested',
    [
      act('a', ', on_error: continue'),
      set('t', '{{ steps.a.status == "failed" ? steps.a.error.code : "" }}'),
      set('u', '{{ steps.a.error.code }}').replace('set:', 'when: steps.a.status == "failed", set:'),
    ],
  ],
  [
    'its own outputs in a handler',
    [act('a', `, on_error: [{do: [${set('h', '{{ error.code + json(steps.a.outputs) }}')}]}]`)],
    'W maybe_skipped at outputs → .?outputs.?….orValue(…), or test its `status`',
  ],
  // conditions of steps
  ['a condition that is a number', [set('t', 'a').replace('set:', 'when: 5, set:')], 'E expression_type at 5'],
  [
    'a condition that is a text',
    [set('t', 'a').replace('set:', 'when: inputs.host, set:')],
    'E expression_type at inputs.host',
  ],
  [
    'a condition that is always the same',
    [set('t', 'a').replace('set:', 'when: true, set:')],
    'W condition_constant at true',
  ],
  ['a guarded step', [set('t', '{{ inputs.note.trim() }}').replace('set:', 'when: inputs.note != null, set:')]],
  [
    'an assertion before',
    ['{kind: transform, id: s, assert: [{that: inputs.note != null}]}', set('t', '{{ inputs.note.trim() }}')],
  ],
  [
    'a case',
    [
      `{kind: switch, id: s, cases: [{when: inputs.note == null, do: [${set('i', 'a')}]}], default: [${set('j', '{{ inputs.note.trim() }}')}]}`,
    ],
  ],
  [
    'after what always fails',
    ['{kind: transform, id: s, assert: [{that: false}]}', set('t', 'a')],
    'W unreachable_step at {ki',
  ],
  // waits and inputs of actions
  ['a length', ["{kind: wait, id: w, for: '{{ inputs.n }}'}"], 'E expression_type at inputs.n'],
  [
    'a time that is a text',
    [
      '{kind: wait, id: w, until: now + duration("1h")}',
      '{kind: wait, id: v, until: inputs.host}',
      '{kind: wait, id: u, until: inputs.on}',
    ],
    'E expression_type at inputs.on',
  ],
  [
    'a time that is written out',
    ['{kind: wait, id: w, until: 2026-12-01T00:00:00Z}'],
    'E template_syntax at 2026-12-01T00 → timestamp("2026-12-01T00:00:00Z")',
  ],
  ['an input that never fits', [ssh('a', "host: w, port: '{{ inputs.host }}'")], "E action_input_invalid at '"],
  ['an input that may fit', [ssh('a', "host: w, port: '{{ inputs.ratio }}', env: {a: '{{ event.data.x }}'}")]],
  ['an item that never fits', [ssh('a', "host: w, argv: [ls, '{{ inputs.n }}']")], "E action_input_invalid at '"],
  ['a list that never fits', [ssh('a', "host: w, argv: '{{ [1, 2] }}'")], "E action_input_invalid at '"],
  ['a secret', [ssh('a', "host: w, key: {secret: '{{ inputs.n }}'}")], 'E expression_type at inputs.n'],
  [
    'a secret that is no path',
    [ssh('a', 'host: w, key: {secret: Hunter-2!}')],
    'E secret_literal at Hunter-2 → {secret: path}',
  ],
  // keys
  [
    'a key in a loop',
    [
      `{kind: for_each, id: l, in: 3, do: [${act('a', ', key: once')}, ${act('b', ", key: 'x{{ index }}'")}, ${act('c', ", key: '{{ steps.a.outputs.status }}'").replace("'{{ steps", "'{{ steps")}]}`,
    ],
    'W key_constant at once → read the item or `index` in it',
    'W maybe_missing at status → .?status',
  ],
];

describe('the types of steps', () => {
  it.each(plans)('%s', async (_, steps, ...problems) => {
    expect(await told(document(steps))).toEqual(problems);
  });

  it('end in outputs of a declared type', async () => {
    const outputs = (type: string, value: string): Promise<string[]> =>
      told(`${document([set('t', '{{ inputs.n }}')])}outputs: {x: {type: ${type}, value: ${value}}}\n`);
    expect(await outputs('int', "'{{ steps.t.outputs.x }}'")).toEqual([]);
    expect(await outputs('number', "'{{ steps.t.outputs.x }}'")).toEqual([]);
    expect(await outputs('string', "'{{ steps.t.outputs.x }}'")).toEqual(["E output_invalid at '"]);
    expect(await outputs('{a: int}', '{b: 1}')).toEqual(['E output_invalid at {b:']);
  });

  it('know in a cleanup what may not have run, and how it ended', async () => {
    const last = (value: string): Promise<string[]> =>
      told(`${document([ssh('a', 'host: w')])}finally: [${set('t', value)}]\n`);
    expect(await last('{{ run.outcome == "failed" && error.code == "timeout" }}')).toEqual([]);
    expect(await last('{{ run.outcome == "fialed" }}')).toEqual(['W comparison_never at "fialed" → failed']);
    expect(await last('{{ error.code }}')).toEqual(['W maybe_missing at code → .?code']);
    expect(await last('{{ steps.a.outputs }}')).toEqual([expect.stringMatching(/^W maybe_skipped at outputs/)]);
  });
});
