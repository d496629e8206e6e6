import { describe, expect, it } from '@jest/globals';
import { compileContext } from '../../../test/support/compile-context.js';
import type { CatalogAction } from '../../domain/action-catalog.js';
import { compileBlueprint } from '../index.js';

const ssh = compileContext.actions.find('ssh.run') as CatalogAction;
const wipe: CatalogAction = {
  ...ssh,
  contract: 'sha256:wipe',
  input: { type: 'object', properties: { what: { type: 'string' }, mode: { enum: ['soft', 'hard'] } } },
  traits: { effect: 'destructive', idempotency: 'none' },
};
const tail: CatalogAction = { ...ssh, traits: { effect: 'read', idempotency: 'safe' } };
const known: Record<string, CatalogAction> = { 'disk.wipe': wipe, 'log.tail': tail };
const context = {
  ...compileContext,
  actions: { ...compileContext.actions, find: (name: string) => known[name] ?? compileContext.actions.find(name) },
};

const HEAD = `api: xyn/v1
id: bp.x
triggers: [{event: a.b}]
inputs: {host: string, mode: [soft, hard], n: int, hosts: 'string[]', key: {type: string, x-secret: true, default: ssh/ops}}
plan:
`;
const plan = (...steps: string[]): string => HEAD + steps.map((step) => `  - ${step}\n`).join('');
const on = (host: string, more = ''): string =>
  `{kind: action_task, id: a, action: ssh.run, with: {host: '${host}', argv: [ls]}${more}}`;
const act = (action: string, input: string): string =>
  `{kind: action_task, id: a, action: ${action}, with: {${input}}}`;
const gate = (id: string, more = ''): string => `{kind: gate, id: ${id}, mode: manual${more}}`;
const set = (id: string, value: string, more = ''): string =>
  `{kind: transform, id: ${id}, set: {x: '${value}'}${more}}`;

/** Severities of what is told of targets. */
async function told(text: string): Promise<string[]> {
  const { problems } = await compileBlueprint(Buffer.from(text), context);
  const others = problems.filter(({ code, severity }) => severity === 'error' && code !== 'tainted_target');
  expect(others).toEqual([]);
  return problems.flatMap(({ code, severity }) => (code === 'tainted_target' ? [severity] : []));
}

describe('a target that text from outside chooses', () => {
  it.each([
    ['an input', [on('{{ inputs.host }}')]],
    ['the event', [on('{{ event.data.host }}')]],
    ['a text with it', [on('web-{{ inputs.host }}')]],
    ['a part of it', [on('{{ inputs.host.split(".")[0] }}')]],
    ['what a step passes on', [set('t', '{{ {"h": inputs.host} }}'), on('{{ steps.t.outputs.x.h }}')]],
    [
      'what a body passes on',
      [`{kind: block, id: b, do: [${set('t', '{{ inputs.host }}')}]}`, on('{{ steps.b.outputs.x }}')],
    ],
    ['an item', [`{kind: for_each, id: l, in: inputs.hosts, do: [${on('{{ item }}')}]}`]],
    [
      'what another one said',
      [act('http.call', "url: 'https://x.example'").replace('id: a', 'id: h'), on('{{ steps.h.outputs.body }}')],
    ],
    [
      'what a model answers',
      ['{kind: agent_task, id: m, provider: anthropic, model: m, prompt: p}', on('{{ steps.m.outputs.text }}')],
    ],
    ['a command', [act('log.tail', "host: web, argv: [tail, '{{ inputs.host }}']")]],
    ['a URL, though it is only read', [act('http.call', "url: 'https://{{ inputs.host }}/'")]],
    ['any input of what destroys', [act('disk.wipe', "what: '{{ inputs.host }}'")]],
    ['which secret is used', [act('ssh.run', "host: web, key: {secret: '{{ inputs.key }}'}")]],
    ['what a later result decides', [gate('g'), set('t', '{{ inputs.host }}'), on('{{ steps.t.outputs.x }}')]],
    [
      'an item, which a gate cannot show',
      [gate('g'), `{kind: for_each, id: l, in: inputs.hosts, do: [${on('{{ item }}')}]}`],
    ],
    ['behind a gate that may not open', [gate('g', ', when: inputs.n > 1'), on('{{ inputs.host }}')]],
    [
      'behind a gate in another list',
      [`{kind: block, id: b, when: inputs.n > 1, do: [${gate('g')}]}`, on('{{ inputs.host }}')],
    ],
    [
      'behind a gate inside, which shows only what it holds',
      [gate('g'), `{kind: block, id: b, do: [${gate('h')}]}`, on('{{ inputs.host }}')],
    ],
  ])('%s: is refused', async (_, steps) => {
    expect(await told(plan(...steps))).toEqual(['error']);
  });

  it.each([
    ['a gate before', [gate('g'), on('{{ inputs.host }}')]],
    ['a gate around', [gate('g'), `{kind: block, id: b, do: [${on('{{ inputs.host }}')}]}`]],
    [
      'a gate with the same condition',
      [gate('g', ', when: inputs.n > 1'), on('{{ inputs.host }}', ', when: inputs.n > 1')],
    ],
    [
      'a gate whose condition holds around',
      [
        gate('g', ', when: inputs.n > 1'),
        `{kind: block, id: b, when: inputs.n > 1 && true, do: [${on('{{ inputs.host }}')}]}`,
      ],
    ],
    [
      'a result that is there when the gate opens',
      [set('t', '{{ inputs.host }}'), gate('g'), on('{{ steps.t.outputs.x }}')],
    ],
    ['the last of two gates', [gate('g'), set('t', '{{ inputs.host }}'), gate('h'), on('{{ steps.t.outputs.x }}')]],
    ['a closed set', [on('{{ inputs.mode }}')]],
    ['a choice', [on('{{ inputs.host == "a" ? "web" : "db" }}')]],
    ['trust', [on('{{ trust(inputs.host, "checked by the source") }}')]],
    ['a number', [on('web-{{ inputs.n }}')]],
    ['a digest', [on('{{ sha256(inputs.host) }}')]],
    ['the name of a target, to read there', [act('log.tail', "host: '{{ inputs.host }}', argv: [tail]")]],
    ['other inputs', [act('ssh.run', "host: web, env: {a: '{{ inputs.host }}'}")]],
    ['the environment', [on('{{ env.vars.host }}')]],
  ])('%s: is let be', async (_, steps) => {
    expect(await told(plan(...steps))).toEqual([]);
  });

  it('is one only where an event can fill the input', async () => {
    const of = (triggers: string): string => plan(on('{{ inputs.host }}')).replace('[{event: a.b}]', triggers);
    expect(await told(of('[{manual: {}}]'))).toEqual([]);
    expect(await told(of('[{event: a.b, inputs: {host: web, n: 1, mode: soft, hosts: []}}]'))).toEqual([]);
    expect(await told(of("[{event: a.b, inputs: {host: '{{ event.data.x }}', n: 1, mode: soft, hosts: []}}]"))).toEqual(
      ['error'],
    );
    expect(await told(of('[{schedule: {every: 6h}, inputs: {host: web, n: 1, mode: soft, hosts: []}}]'))).toEqual([]);
  });

  it('is never a secret that an event names', async () => {
    const inputs = "{host: web, n: 1, mode: soft, hosts: [], key: '{{ event.data.key }}'}";
    const text = plan(gate('g'), on('web')).replace('[{event: a.b}]', `[{event: a.b, inputs: ${inputs}}]`);
    expect(await told(text)).toEqual(['error']);
  });

  it('is a warning in v0', async () => {
    const v0 = (steps: string): string =>
      `id: bp.x\ntrigger: {event_type: a.b}\ninputs: [{name: host}]\nplan: [${steps}]\n`;
    expect(await told(v0(on('{{ inputs.host }}')))).toEqual(['warning']);
    expect(await told(v0(`${gate('g')}, ${on('{{ inputs.host }}')}`))).toEqual([]);
  });
});

describe('gates and codes', () => {
  const warned = async (...steps: string[]): Promise<string[]> => {
    const { problems } = await compileBlueprint(Buffer.from(plan(...steps)), context);
    return problems.flatMap(({ code, severity }) =>
      severity === 'warning' && !/unused|default/.test(code) ? [code] : [],
    );
  };
  const write = act('ssh.run', 'host: web, argv: [ls]');

  it('know a gate that holds nothing back', async () => {
    expect(await warned(write, gate('g'))).toEqual(['gate_unreachable']);
    expect(await warned(gate('g'), write)).toEqual([]);
    expect(await warned(gate('g'))).toEqual([]);
    expect(await warned(`{kind: for_each, id: l, in: 2, do: [${write}, ${gate('g')}]}`)).toEqual([]);
    expect(await warned(write, gate('g'), set('t', '{{ steps.g.outputs.reason }}'))).toEqual([]);
    expect(await warned(write, gate('g', `, on_error: [{do: [${write.replace('id: a', 'id: b')}]}]`))).toEqual([]);
  });

  it('know what a list can fail with', async () => {
    const block = (codes: string): string =>
      `{kind: block, id: b, do: [${write}, {kind: transform, id: t, assert: [{that: inputs.n > 1, code: too_few}]}], on_error: [{codes: [${codes}], then: fail}]}`;
    expect(await warned(block('exit_nonzero, too_few, timeout, gate_expired'))).toEqual([]);
    expect(await warned(block('too_fwe'))).toEqual(['error_code_unknown']);
    const agent =
      '{kind: agent_task, id: m, provider: anthropic, model: m, prompt: p, on_error: [{codes: [anything], then: fail}]}';
    expect(await warned(agent)).toEqual([]);
  });
});
