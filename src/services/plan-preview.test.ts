import { describe, expect, it } from '@jest/globals';
import { createCompiler, createTargetFields } from '../main/compiler.js';
import type { CatalogAccess } from '../catalog/unit-of-work.js';
import type { PreviewList, PreviewStep } from '../domain/plan-preview.js';
import { BlueprintService } from './blueprints.js';
import type { PlanPreviewDto, PreviewRequest } from './plan-preview.js';

const env = { id: 'local', name: 'local', stage: 'dev' as const, vars: { site: 'hel' } };
const service = new BlueprintService({
  // A preview of a document asks no catalog.
  catalog: {} as CatalogAccess,
  compile: createCompiler(),
  clock: () => Date.parse('2026-11-21T10:00:00.000Z'),
  envId: 'local',
  preview: { env, targetFields: createTargetFields() },
});

type Asked = Omit<Extract<PreviewRequest, { source: Uint8Array }>, 'source'>;

const preview = (source: string, asked: Asked): Promise<PlanPreviewDto> =>
  service.preview({ source: new TextEncoder().encode(source), ...asked });

function* stepsIn(lists: readonly PreviewList[]): Generator<PreviewStep> {
  for (const step of lists.flatMap(({ steps }) => steps)) {
    yield step;
    yield* stepsIn(step.lists ?? []);
  }
}

async function stepsOf(source: string, asked: Asked): Promise<Record<string, PreviewStep>> {
  const { lists } = await preview(source, asked);
  return Object.fromEntries([...stepsIn(lists)].map((step) => [step.id, step]));
}

const FLEET = `
api: xyn/v1
id: bp.fleet
triggers:
  - event: fleet.patch
    filter: event.data.wanted
    inputs: {hosts: '{{trust(event.data.hosts, "an operator named them")}}', stage: prod}
inputs: {hosts: 'string[]', stage: string}
plan:
  - {kind: gate, id: allow, mode: manual}
  - {kind: transform, id: facts, set: {unit: 'app-{{inputs.stage}}', boss: 'team:{{env.vars.site}}'}}
  - kind: switch
    id: route
    cases:
      - name: prod
        when: inputs.stage == "prod"
        do:
          - {kind: gate, id: ok, mode: manual, approvers: ['role:Operator', '{{steps.facts.outputs.boss}}'], require: 2,
             message: 'Patch {{size(inputs.hosts)}} hosts?', timeout: 2h}
      - {name: test, when: inputs.stage == "test", do: [{kind: wait, id: settle, for: 30s}]}
    default: [{kind: transform, id: noted, set: {skipped: true}}]
  - kind: for_each
    id: each
    in: '{{inputs.hosts}}'
    as: host
    concurrency: 3
    do:
      - {kind: action_task, id: restart, action: ssh.run, with: {host: '{{host}}', argv: [systemctl, restart, '{{steps.facts.outputs.unit}}']}}
    on_error: [{codes: [for_each_failed], do: [{kind: transform, id: sorry, set: {x: 1}}]}]
  - kind: action_task
    id: report
    when: size(steps.each.outputs.failures) > 0
    action: http.call
    timeout: 20s
    with: {method: POST, url: 'https://chat.example/{{inputs.stage}}', body: '{{steps.each.outputs}}', headers: {x-run: '{{run.id}}'}}
  - {kind: action_task, id: probe, when: inputs.stage == "prod", action: http.call, with: {url: 'https://{{inputs.hosts[7]}}/'}}
finally:
  - {kind: action_task, id: bye, action: http.call, with: {url: 'https://chat.example/bye'}}
`;

describe('a preview', () => {
  it('tells what is decided, and what is decided later', async () => {
    const steps = await stepsOf(FLEET, { inputs: { hosts: ['web-1', 'web-2'], stage: 'prod' } });
    expect(Object.keys(steps)).toEqual([
      'allow',
      'facts',
      'route',
      'ok',
      'settle',
      'noted',
      'each',
      'restart',
      'sorry',
      'report',
      'probe',
      'bye',
    ]);
    expect(steps['ok']).toMatchObject({
      path: 'route:prod.ok',
      would_run: 'yes',
      timeout_ms: 7_200_000,
      gate: { approvers: ['role:Operator', 'team:hel'], require: 2, reject: 1, message: 'Patch 2 hosts?' },
    });
    expect([steps['settle']?.would_run, steps['noted']?.would_run]).toEqual(['no', 'no']);
    expect(steps['each']).toMatchObject({ items: 2, concurrency: 3 });
    expect(steps['restart']).toMatchObject({
      action: 'ssh.run',
      effect: 'write',
      idempotency: 'none',
      attempts: 1,
      targets: ['web-1', 'web-2'],
      input: { argv: ['systemctl', 'restart', 'app-prod'] },
      later: ['host'],
    });
    expect(steps['report']).toMatchObject({
      would_run: 'later',
      timeout_ms: 20_000,
      targets: ['https://chat.example/prod'],
      input: { method: 'POST', url: 'https://chat.example/prod' },
      later: ['body', 'headers'],
    });
    expect([steps['sorry']?.would_run, steps['bye']?.would_run]).toEqual(['later', 'yes']);
    expect(steps['probe']).toMatchObject({ would_run: 'yes', faults: [{ field: 'url', code: 'expression_error' }] });
    const others = await stepsOf(FLEET, { inputs: { hosts: [], stage: 'test' } });
    expect(others['probe']).toMatchObject({ would_run: 'no', faults: [] });
    expect(others['settle']).toMatchObject({ would_run: 'yes', input: { for: '30s' } });
    expect([others['each']?.items, others['restart']?.would_run]).toEqual([0, 'no']);
  });

  it('takes the inputs that the trigger makes of an event', async () => {
    const event = { event_name: 'fleet.patch', data: { wanted: true, hosts: ['db-1'] } };
    const found = await preview(FLEET, { inputs: {}, event });
    expect(found).toMatchObject({ verdict: 'started', inputs: { hosts: ['db-1'], stage: 'prod' } });
    expect(await preview(FLEET, { inputs: { stage: 'test' }, event })).toMatchObject({ inputs: { stage: 'test' } });
  });

  it.each([
    [{ event_name: 'fleet.patch', data: { wanted: false, hosts: [] } }, 'filter_false'],
    [{ event_name: 'fleet.patch', data: { wanted: true } }, 'filter_error'],
    [{ event_name: 'fleet.other', data: {} }, 'no_trigger'],
  ])('says that %j starts nothing', async (event, verdict) => {
    expect(await preview(FLEET, { inputs: {}, event })).toMatchObject({ verdict, lists: [] });
  });

  it('leaves the id, the time and the actor of an event to the run', async () => {
    const source = `
id: bp.a
name: a
trigger: {event_type: a.b}
plan:
  - {kind: gate, id: allow, mode: manual}
  - {kind: action_task, id: one, action: http.call, with: {url: 'https://x.example/{{event.data.a}}', body: '{{event.event_id}}'}}
  - {kind: action_task, id: two, action: http.call, with: {url: 'https://x.example/{{uid("a")}}', body: '{{string(now)}}'}}
`;
    const steps = await stepsOf(source, { inputs: {}, event: { event_name: 'a.b', data: { a: 1 } } });
    expect(steps['one']).toMatchObject({ input: { url: 'https://x.example/1' }, later: ['body'] });
    expect(steps['two']).toMatchObject({ targets: [], later: ['url', 'body'] });
  });

  it('tells values that need the event apart, when there is none', async () => {
    const source = `
api: xyn/v1
id: bp.a
triggers: [{event: a.b}, {manual: {}}]
inputs: {hosts: 'string[]'}
plan:
  - {kind: gate, id: allow, mode: manual}
  - {kind: action_task, id: one, action: http.call, with: {url: 'https://x.example/{{event.data.a}}'}}
  - {kind: action_task, id: two, action: http.call, with: {url: 'https://{{inputs.hosts[7]}}/'}}
  - {kind: action_task, id: both, action: http.call, with: {url: 'https://{{inputs.hosts[7]}}/{{event == null ? "" : event.data.a}}'}}
  - {kind: transform, id: three, set: {by: '{{event == null ? "a person" : "an event"}}'}}
`;
    const steps = await stepsOf(source, { inputs: { hosts: [] } });
    expect(steps['one']?.faults).toEqual([expect.objectContaining({ field: 'url', needs_event: true })]);
    for (const id of ['two', 'both']) {
      expect(steps[id]?.faults).toHaveLength(1);
      expect(steps[id]?.faults[0]).not.toHaveProperty('needs_event');
    }
    expect(steps['three']).toMatchObject({ faults: [], input: { by: 'a person' } });
  });

  it('refuses inputs that no run would take, and documents that do not compile', async () => {
    await expect(preview(FLEET, { inputs: { stage: 'prod' } })).rejects.toMatchObject({ code: 'input_missing' });
    await expect(preview(FLEET, { inputs: { hosts: [], stage: 1 } })).rejects.toMatchObject({ code: 'input_invalid' });
    await expect(preview('id: 1', { inputs: {} })).rejects.toMatchObject({ code: 'blueprint_invalid' });
  });

  it('stays small, whatever the inputs are', async () => {
    const calls = Array.from(
      { length: 12 },
      (_, ix) =>
        `  - {kind: action_task, id: s${ix}, action: http.call, with: {url: 'https://x.example/', body: '{{inputs.big}}'}}\n`,
    );
    const source = `api: xyn/v1\nid: bp.big\ntriggers: [{manual: {}}]\ninputs: {big: any}\nplan:\n${calls.join('')}`;
    const found = await preview(source, { inputs: { big: Array(20).fill('x'.repeat(10_000)) } });
    expect(JSON.stringify(found).length).toBeLessThan(2_000_000);
    expect([...stepsIn(found.lists)].at(-1)?.later).toContain('body');
  });
});
