import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { gzipSync } from 'node:zlib';
import type { Tree } from '../../src/domain/expression/tree.js';
import type { JsonObject } from '../../src/domain/json.js';
import type { PlanNode } from '../../src/domain/plan.js';
import { caller } from '../support/node.js';
import { action, gate, planOf } from '../support/plans.js';
import { getPage, queriesOf, sendForm } from './support/requests.js';
import { startScreens, type Screens } from './support/screens.js';
import { HOSTILE } from './support/seed.js';

const input = (name: string): Tree => ['.', ['v', 'inputs'], name];
const INPUTS = {
  type: 'object',
  additionalProperties: false,
  required: ['host', 'pool', 'count'],
  properties: {
    host: { type: 'string', minLength: 2, description: HOSTILE },
    pool: { type: 'string', enum: ['web', 'api', 'batch'], default: 'web' },
    count: { type: 'integer', minimum: 1, maximum: 20 },
    report_to: { type: 'array', items: { type: 'string', format: 'email' } },
    dry: { type: 'boolean', default: true },
    labels: { type: 'object' },
    token: { type: 'string', 'x-secret': true },
  },
};
const NODES: PlanNode[] = [
  action('read', { action: 'ssh.exec', effect: 'read', with: { host: { $: input('host') } } }),
  gate('approve', { message: 'Go on?', require: 2, approvers: ['maria', 'petra'] }),
  action('restart', {
    action: 'service.restart',
    effect: 'destructive',
    with: { host: { $: ['.', ['.', ['v', 'steps'], 'read'], 'x'] } },
  }),
];

let screens: Screens;
const save = (nodes: PlanNode[], id = 'bp.restart', inputs: JsonObject = INPUTS) =>
  screens.core.blueprints.savePlan(caller(), {
    plan: planOf(nodes, { id, inputs }),
    source: `id: ${id}`,
    debug: {},
  });
const FORM = '/ui/runs/new?blueprint=bp.restart';
const GOOD = {
  'input.host': 'web-1',
  'input.pool': 'api',
  'input.count': '3',
  'input.report_to': 'a@example.test\nb@example.test',
};
const runs = async (): Promise<number> =>
  (await screens.core.runs.list({ blueprint_id: 'bp.restart', limit: 200 })).items.length;

beforeAll(async () => {
  screens = await startScreens();
  await save(NODES);
  const service = { note: { $: ['.', ['.', ['v', 'event'], 'data'], 'service'] as Tree } };
  await save([action('first', { with: service }), action('second', { with: service })], 'bp.reads.event', {});
  await save([gate('ask')], 'bp.untyped', {
    type: 'object',
    required: ['host'],
    properties: { host: {}, count: {}, code: {} },
  });
}, 60_000);

afterAll(async () => screens.close());

describe('what would happen', () => {
  it('says how long it usually takes as a figure, once five runs are known', async () => {
    const figures = async (id: string): Promise<string> => {
      const { text } = await getPage(screens, `/ui/runs/new?blueprint=${id}`);
      return /<dl class="figures">(.*?)<\/dl>/s.exec(text)?.[1] ?? '';
    };
    expect(await figures('bp.restart')).toMatch(
      /<dt>Takes<\/dt><dd>not known yet: it needs five runs<\/dd>.*<b>1<\/b> gate</,
    );
    await save([gate('ask')], 'bp.usual', {});
    await screens.database.catalog.pool.query(
      `INSERT INTO runs (run_id, name, blueprint_id, blueprint_version, digest, status, trigger, inputs, actor, correlation_id,
         env_id, env, started_at, completed_at)
       SELECT gen_random_uuid(), 'Usual', 'bp.usual', 1, '', 'completed', 'manual', '{}', 'a', 'c', 'e', '{}',
         now() - interval '24 min', now() FROM generate_series(1, 5)`,
    );
    expect(await figures('bp.usual')).toMatch(/<b>24.min<\/b><div>95 % under 24.min<\/div>/);
  });
});

describe('a first start', () => {
  it('leads to a blueprint that can be launched, or says how to get one', async () => {
    const empty = await startScreens({ empty: true });
    try {
      expect((await getPage(empty, '/ui')).text).toContain('No blueprint is here yet. Apply the demo:');
      const plan = planOf([gate('ask')], { id: 'bp.first' });
      await empty.core.blueprints.savePlan(caller(), { plan, source: 'id: bp.first', debug: {} });
      const { text } = await getPage(empty, '/ui');
      expect(text).toMatch(/href="\/ui\/runs\/new\?blueprint=bp\.first" data-testid="launch-first"/);
      const { status, location } = await sendForm(empty, '/ui/runs/new?blueprint=bp.first');
      expect(status).toBe(303);
      expect((await getPage(empty, location ?? '')).text).toContain('data-testid="page-run"');
    } finally {
      await empty.close();
    }
  });
});

describe('the launcher', () => {
  it('lets one choose a blueprint', async () => {
    const { text } = await getPage(screens, '/ui/runs/new');
    expect(text).toContain('data-testid="page-launch"');
    expect(text).toContain('href="/ui/runs/new?blueprint=bp.restart"');
  });

  it('makes a form of the inputs, and tells no problem before it was sent', async () => {
    const { status, text } = await getPage(screens, FORM);
    expect(status).toBe(200);
    for (const name of Object.keys(INPUTS.properties)) expect(text).toContain(`data-testid="field-${name}"`);
    expect(text).toMatch(/type="radio" name="input.pool" value="web" checked/);
    expect(text).toMatch(/type="checkbox" id="field-dry" name="input.dry" value="true" checked/);
    expect(text).toContain('A path, never a value');
    expect(text).not.toContain('data-testid="field-error"');
    expect(text).not.toContain('<img src=x');
    expect(text).toContain('U+202E');
  });

  it('shows what would run: steps in order, effects, gates, and targets as far as the inputs decide them', async () => {
    const { status, text } = await getPage(screens, `/ui/runs/new/_preview?blueprint=bp.restart&input.host=web-7`);
    expect(status).toBe(200);
    expect(text).toContain('data-testid="plan-preview"');
    expect(text).not.toContain('<html');
    expect(text).toMatch(
      /read<\/code>.*ssh\.exec · web-7.*approve<\/code>.*gate.*restart<\/code>.*host decided later.*cannot be undone/,
    );
    expect(text).toMatch(/2.approvals of maria, petra/);
    expect(await runs()).toBe(0);
  });

  it('tells every problem under its field and starts nothing', async () => {
    const { status, text } = await sendForm(screens, FORM, {
      'input.host': 'x',
      'input.count': 'many',
      'input.report_to': 'nobody',
      'input.labels': '{',
    });
    expect(status).toBe(422);
    expect(text).toMatch(/id="field-host-problem".*It must have at least 2 characters\./);
    expect(text).toMatch(/id="field-count-problem".*It must be a whole number\./);
    expect(text).toMatch(/id="field-report_to-problem".*Entry 1 is not an email address\./);
    expect(text).toMatch(/id="field-labels-problem".*not JSON/);
    expect(text).toMatch(/data-testid="form-problems"/);
    expect(text).toContain('value="many"');
    expect(await runs()).toBe(0);
  });

  it('tells what is missing together with what does not fit', async () => {
    const { text } = await sendForm(screens, FORM, { 'input.count': 'many' });
    expect(text).toMatch(
      /id="field-host-problem".*It is required\..*id="field-count-problem".*It must be a whole number\./,
    );
  });

  it('says in plain words which steps need the event that a start by hand does not have', async () => {
    const { text } = await getPage(screens, '/ui/runs/new?blueprint=bp.reads.event');
    expect(text).toMatch(/<b>first, second<\/b> need the event that starts this blueprint\./);
    expect(text).not.toContain('takes a map');
  });

  it('takes the text of an input without type as it stands, and JSON where it is JSON', async () => {
    const { location } = await sendForm(screens, '/ui/runs/new?blueprint=bp.untyped', {
      'input.host': 'web-1',
      'input.count': '5',
      'input.code': '"5"',
    });
    const { inputs } = await screens.core.runs.get(location?.split('/').at(-1) ?? '');
    expect(inputs).toEqual({ host: 'web-1', count: 5, code: '5' });
  });

  it('starts one run however often the form is sent', async () => {
    const key = { key: '6a4f7d54-2b59-4f0f-8f10-7f5a76a8a001' };
    const answers = [
      await sendForm(screens, FORM, { ...GOOD, ...key }),
      await sendForm(screens, FORM, { ...GOOD, ...key }),
    ];
    expect(answers.map(({ status }) => status)).toEqual([303, 303]);
    expect(answers[0]?.location).toBe(answers[1]?.location);
    expect(await runs()).toBe(1);
    const run = await screens.core.runs.get(answers[0]?.location?.split('/').at(-1) ?? '');
    expect(run.inputs).toEqual({
      host: 'web-1',
      pool: 'api',
      count: 3,
      report_to: ['a@example.test', 'b@example.test'],
      dry: false,
      labels: null,
      token: null,
    });
  });

  it('asks again when the plan is not the one that was shown', async () => {
    const before = await runs();
    const shown = /name="digest" value="([^"]+)"/.exec((await getPage(screens, FORM)).text)?.[1] ?? '';
    await save([...NODES, action('more')]);
    const { status, text } = await sendForm(screens, FORM, { ...GOOD, digest: shown });
    expect(status).toBe(409);
    expect(text).toContain('The plan changed since you saw it.');
    expect(text).toContain('value="web-1"');
    expect(await runs()).toBe(before);
  });

  it('refuses a form without the token, and a blueprint that is not there', async () => {
    const answer = await fetch(`${screens.url}/ui/runs`, {
      method: 'POST',
      headers: { Origin: screens.url },
      body: new URLSearchParams({ blueprint: 'bp.restart' }),
    });
    expect(answer.status).toBe(403);
    expect((await getPage(screens, '/ui/runs/new?blueprint=bp.nothing')).status).toBe(404);
  });

  it('fits its budget: 10 kB; the plan is read once, from memory', async () => {
    const { text } = await getPage(screens, FORM);
    expect(gzipSync(text, { level: 5 }).length).toBeLessThan(10_000);
    expect(await queriesOf(screens, FORM)).toBeLessThanOrEqual(5);
  });
});
