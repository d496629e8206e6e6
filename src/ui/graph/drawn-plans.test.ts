import { describe, expect, it } from '@jest/globals';
import { createCompiler } from '../../main/compiler.js';
import type { Plan } from '../../domain/plan.js';
import { mermaidOf } from './mermaid.js';
import { standaloneSvg } from './standalone-svg.js';

const SOURCE = `
api: xyn/v1
id: bp.drawn
name: 'All "constructs" <b>'
triggers: [{manual: {}}]
inputs: {hosts: 'string[]', stage: string}
plan:
  - {kind: gate, id: ok, mode: manual}
  - kind: switch
    id: route
    cases: [{name: prod, when: inputs.stage == "prod", do: [{kind: wait, id: settle, for: 30s}]}]
  - kind: for_each
    id: each
    in: '{{inputs.hosts}}'
    as: host
    do: [{kind: action_task, id: restart, action: ssh.run, with: {host: '{{host}}', argv: [uptime]}}]
    on_error: [{codes: [for_each_failed], do: [{kind: transform, id: sorry, set: {x: 1}}], then: fail}]
  - kind: parallel
    id: probes
    branches:
      web: [{kind: action_task, id: web, action: http.call, with: {url: 'https://a.example/'}}]
      ask: [{kind: agent_task, id: think, provider: openai, model: gpt-5, prompt: why}]
  - {kind: block, id: late, when: inputs.stage == "prod", do: [{kind: transform, id: noted, set: {y: 1}}], on_error: continue}
finally:
  - {kind: transform, id: bye, set: {z: 1}}
`;

async function planOf(source: string): Promise<Plan> {
  const { compiled, problems } = await createCompiler()(new TextEncoder().encode(source));
  if (compiled === undefined) throw new Error(JSON.stringify(problems));
  return compiled.plan;
}

describe('a plan as a Mermaid flowchart', () => {
  it('has conditions, branches, loops, handlers and last steps', async () => {
    expect(mermaidOf(await planOf(SOURCE))).toMatchSnapshot();
  });

  it('draws no line from or to what it does not show', async () => {
    const chart = mermaidOf(await planOf(SOURCE));
    const shown = new Set([...chart.matchAll(/^ +(\w+)(?:\(|\[|\{)/gm)].map(([, id]) => id));
    const lines = [...chart.matchAll(/^ {2}(\w+) (?:-->|-\.->)(?:\|"[^"|]*"\|)? (\w+)$/gm)];
    expect(lines.length).toBeGreaterThan(15);
    for (const [, from, to] of lines) expect([shown.has(from), shown.has(to)]).toEqual([true, true]);
  });
});

describe('a plan as a picture of its own', () => {
  it('is the same each time, and needs nothing from elsewhere', async () => {
    const svg = standaloneSvg(await planOf(SOURCE));
    expect(svg).toMatchSnapshot();
    expect(svg).toContain('All &quot;constructs&quot; &lt;b&gt;');
    expect(svg).not.toMatch(/ (?:href|style|class|id|on\w+)=/);
  });
});
