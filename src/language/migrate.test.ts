import { describe, expect, it } from '@jest/globals';
import { readFile } from 'node:fs/promises';
import { compileContext } from '../main/compiler.js';
import { compileBlueprint, migrateDocument } from './index.js';

const context = compileContext();
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const fixtures = [
  'blueprints/alert-remediation.yaml',
  'blueprints/demo-alert-remediation.yaml',
  'test/fixtures/alert-remediation.yaml',
];

const OLD = `# What to do about disks
id: bp.old
name: Old
trigger:
  event_type: disk.full # from the monitor
  filter: event.data.percent > 90
inputs:
  # where it is full
  - name: host
  - name: percent # how full
plan:
  - kind: transform
    id: Facts
    set: {Line: 'steps["my-id"] on {{inputs.host}}', twice: '{{steps.Facts.outputs.Line + "steps.Facts"}}', percent: '{{inputs.percent}}'}
    assert: [{that: size(steps.Facts.outputs.Line) > 3, message: 'for {{steps["Facts"].outputs["Line"]}}'}]
  # think first
  - kind: agent_task
    id: my-id
    agent: openai
    model: gpt-5
    prompt_template: 'Why? {{steps.Facts.outputs.twice}}'
  - {kind: gate, id: my_id, mode: manual}
  - {kind: action_task, id: import, action: http.call, with: {method: POST, url: 'https://x.example/', body: '{{steps["my-id"].outputs.text + steps[ "my-id" ].outputs.summary}}'}}
  - {kind: action_task, id: last, action: http.call, with: {url: 'https://x.example/', query: {q: '{{string(steps["import"].outputs.status)}}'}}}
outputs:
  - name: summary
  - name: status
  - name: nothing
`;

describe('migrate', () => {
  it.each(fixtures)('gives %s a v1 form with the same plan', async (file) => {
    const source = await readFile(new URL(`../../${file}`, import.meta.url));
    const { compiled: before } = await compileBlueprint(source, context);
    const { text = '', problems } = await migrateDocument(source, context);
    expect(problems.filter(({ severity }) => severity === 'error')).toEqual([]);
    const { compiled: after } = await compileBlueprint(bytes(text), context);
    expect(after?.plan.language).toBe('xyn/v1');
    const same = { language: '', digest: '', source: '' };
    expect({ ...after?.plan, ...same }).toEqual({ ...before?.plan, ...same });
  });

  it('renames what v1 does not take, with its references, and keeps comments', async () => {
    const { text, problems } = await migrateDocument(bytes(OLD), context);
    expect(problems.filter(({ severity }) => severity === 'error')).toEqual([]);
    expect(text).toMatchSnapshot();
  });

  it('leaves a v1 document as it is, and tells what is wrong with others', async () => {
    const v1 = 'api: xyn/v1\nid: bp.a\ntriggers: [{manual: {}}]\nplan: [{kind: transform, id: a, set: {x: 1}}]\n';
    expect((await migrateDocument(bytes(v1), context)).text).toBe(v1);
    const broken = await migrateDocument(bytes('id: bp.a\nplan: []\n'), context);
    expect(broken.text).toBeUndefined();
    expect(broken.problems.map(({ code }) => code)).toContain('plan_empty');
  });

  it('says what v1 is stricter about', async () => {
    const source = `id: bp.a\nname: a\ntrigger: {event_type: a.b}\ninputs: [{name: host}]\nplan:\n  - {kind: action_task, id: a, action: ssh.run, with: {host: '{{inputs.host}}', argv: [uptime]}}\n`;
    const { text, problems } = await migrateDocument(bytes(source), context);
    expect(text).toContain('api: xyn/v1');
    expect(problems.map(({ code, severity }) => `${severity} ${code}`)).toEqual(['error tainted_target']);
  });
});
