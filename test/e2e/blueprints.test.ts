import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { readdirSync, readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ActionFailure } from '../../src/domain/action.js';
import type { AgentRouter } from '../../src/domain/agent.js';
import type { JsonObject } from '../../src/domain/json.js';
import { startDemoSshServer, type DemoSshServer } from '../../src/main/demo-ssh-server.js';
import { startBlueprintRig, type BlueprintRig } from '../support/blueprint-rig.js';
import { testResources } from '../support/action-resources.js';
import { caller } from '../support/node.js';
import { describeWith } from '../support/parts.js';
import { sideBySide } from '../support/side-by-side.js';
import { standInsOf, type StandIn } from '../support/stand-ins.js';
import { until } from '../support/until.js';

const shipped = (name: string): string =>
  readFileSync(new URL(`../../blueprints/${name}.yaml`, import.meta.url), 'utf8');
const examples = new URL('../fixtures/examples/', import.meta.url);
const example = (name: string): string => readFileSync(new URL(`${name}.yaml`, examples), 'utf8');
/** A document without the lines that say something which is not there yet. */
const without = (text: string, ...fields: string[]): string =>
  text
    .split('\n')
    .filter((line) => !fields.some((field) => line.trimStart().startsWith(`${field}:`)))
    .join('\n');

const noting = (id: string, event: string): string =>
  `api: xyn/v1\nid: ${id}\ntriggers: [{event: ${event}}]\nplan:\n  - {kind: transform, id: note, set: {seen: true}}\n`;

const SCENARIOS = 'scenarios: [{name: notes, start: {inputs: {}}, expect: {status: completed}}]\n';

/** Models, by what they are asked. The first proposal of a blueprint is none. */
const agents: AgentRouter = {
  ask: ({ prompt }) => {
    const [, id = 'bp.example.proposed', event = 'unit.gone'] =
      /with the id (\S+), .* event (\S+)\./.exec(prompt) ?? [];
    const definition = prompt.includes('last try: none') ? 'id: 7\n' : noting(id, event);
    const text = prompt.includes('managers') ? 'A quiet week.' : 'Restart it.';
    return Promise.resolve({ outputs: { text, summary: text, definition, tests: SCENARIOS }, footprints: [] });
  },
};

const hosts = ['web-1', 'web-2', 'web-3'].map((name) => ({ name }));
const inDays = (days: number): string => new Date(Date.now() + days * 86_400_000).toISOString();
const looked = { count: 0 };
/** Percent of a disk, as one measure after the other frees some of it. */
const usage = [91, 78, 60];
const answers: Readonly<Record<string, StandIn>> = {
  'artifacts.bundle': ({ name }) => ({ artifact: name ?? null }),
  'disk.usage': () => ({ percent: usage.shift() ?? 0 }),
  'dns.record.upsert': () => ({ previous: null }),
  // The record is not seen at once.
  'dns.record.lookup': () => ({ values: (looked.count += 1) > 1 ? ['x'] : [] }),
  'docker.logs': () => ({ log: 'out of memory' }),
  'edge.cert.issue': ({ challenge }) => ({ serial: challenge ?? null }),
  'edge.cert.status': () => ({
    certificates: [
      { name: '*.a.example', zone: 'a.example', not_after: inDays(3) },
      { name: 'b.example', zone: 'b.example', not_after: inDays(20) },
      { name: 'c.example', zone: 'c.example', not_after: inDays(80) },
    ],
  }),
  'inventory.hosts': () => ({ hosts }),
  'jvm.thread_dump': () => {
    throw new ActionFailure({ code: 'no_such_process', message: 'no Java runs there', retryable: false });
  },
  'notify.send': ({ channel }) => {
    if (channel !== 'slack') return {};
    throw new ActionFailure({ code: 'channel_unavailable', message: 'no such channel', retryable: false });
  },
  'os.packages.upgrade': ({ host }) => ({ packages: 3, reboot_required: host === 'web-2' }),
  'os.reboot': () => ({}),
  'runs.search': ({ cursor }) =>
    cursor === null
      ? { items: [{ status: 'completed' }, { status: 'failed' }], next_cursor: 'two' }
      : { items: [{ status: 'completed' }, { status: 'completed' }], next_cursor: null },
  // The way over the bastion never answers, and is stopped when the other one did.
  'ssh.ping': ({ via }, { signal }) =>
    via === undefined
      ? { ms: 1 }
      : new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error))),
};

let rig: BlueprintRig;
let ssh: DemoSshServer;
let http: Server;
let origin: string;
const posted: JsonObject[] = [];

beforeAll(async () => {
  ssh = await startDemoSshServer('ops');
  http = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { pathname, searchParams } = new URL(request.url ?? '', 'http://x');
      if (request.method === 'POST') posted.push(JSON.parse(Buffer.concat(chunks).toString()) as JsonObject);
      const items = [{ status: 'completed' }, { status: searchParams.has('cursor') ? 'completed' : 'failed' }];
      const body = pathname === '/api/v1/runs' ? { items, next_cursor: searchParams.has('cursor') ? null : 'two' } : {};
      const status = pathname === '/gone' ? 404 : 200;
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    });
  });
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  origin = `http://127.0.0.1:${(http.address() as AddressInfo).port}`;
  const standIns = await standInsOf(new URL('actions.yaml', examples), answers);
  const { port, user, hostKey } = ssh;
  const target = { address: '127.0.0.1', port, user, hostKey, key: 'demo/key', labels: {} };
  const key = ssh.clientKey;
  rig = await startBlueprintRig({
    packs: [standIns.pack],
    contracts: (installed) => standIns.contracts(installed),
    agents,
    rails: { startsPerMinute: 1_000, eventBacklogMs: 60_000, causeDepth: 2, places: { workcell: 10, ci: 10 } },
    resources: testResources({
      targets: ['web-1', 'bastion'].map((name) => ({ ...target, name })),
      variables: { XYN_SECRET_DEMO_KEY: key, XYN_SECRET_SSH_READONLY: key },
    }),
  });
});

afterAll(async () => {
  await (rig as BlueprintRig | undefined)?.stop();
  await ssh.close();
  await new Promise((resolve) => http.close(resolve));
});

const emit = async (name: string, data: JsonObject = {}) => rig.node.events.emit(caller(), { event_name: name, data });
const filesOf = async (runId: string) => rig.node.access.artifacts.list({ run_id: runId, kind: 'file' }, 10);

describeWith('temporal')('documents that run', () => {
  const together = sideBySide();

  together('the shipped alert remediation: acts once a person agrees', async () => {
    await rig.apply(shipped('demo-alert-remediation'));
    const { verdicts } = await emit('checkmk.alert', { host: 'web-1', service: 'nginx' });
    const runId = verdicts[0]?.run_id ?? '';
    await rig.approve(runId, 'approve');
    expect(await rig.ended(runId)).toMatchObject({ status: 'completed', outputs: { summary: 'Restart it.' } });
  });

  together(
    'the daily health check: looks at addresses and machines, and tells when something does not answer',
    async () => {
      await rig.apply(noting('bp.listener', 'checks.daily.failed'));
      await rig.apply(shipped('daily-healthcheck'));
      const well = await rig.start('bp.checks.daily', { urls: [`${origin}/health`], hosts: ['web-1'], max_used: 100 });
      const ill = await rig.start('bp.checks.daily', { urls: [`${origin}/gone`, origin], hosts: [] });
      expect(await rig.ended(well)).toMatchObject({ status: 'completed', outputs: { looked_at: 2 } });
      const failed = await rig.ended(ill);
      expect(failed).toMatchObject({ status: 'failed', error: { code: 'no_answer', step: 'verdict' } });
      const told = await until('the listener started', async () => {
        const { items } = await rig.node.runs.list({ blueprint_id: 'bp.listener', limit: 5 });
        return items[0];
      });
      expect(told).toMatchObject({
        trigger: 'checks.daily.failed',
        actor: 'ann',
        correlation_id: failed.correlation_id,
      });
    },
  );

  together('the weekly report: writes about a week, keeps that as a file and sends it on', async () => {
    await rig.apply(shipped('weekly-report'));
    const runId = await rig.start('bp.report.weekly', { api: origin, webhook: `${origin}/hook` });
    const text = '4 runs, 1 failed. A quiet week.';
    const { status, outputs } = await rig.ended(runId);
    expect({ status, outputs }).toMatchObject({ status: 'completed', outputs: { text, success_percent: 75 } });
    expect(posted).toContainEqual({ text });
    const [file] = await filesOf(runId);
    expect(file).toMatchObject({ artifact_id: outputs?.['artifact'], content_type: 'text/markdown; charset=utf-8' });
    expect(file?.name).toMatch(/^weekly-report-\d{4}-\d\d-\d\d\.md$/);
  });

  together('debugging on demand: looks at a machine over the way that works', async () => {
    await rig.apply(shipped('on-demand-debug').replace('id: bp.debug.on_demand', 'id: bp.debug.shipped'));
    const inputs = { host: 'web-1', depth: 'full', bastion: 'nobody' };
    const run = await rig.ended(await rig.start('bp.debug.shipped', inputs));
    expect(run).toMatchObject({ status: 'completed', outputs: { reached: ['direct'], deadlocks: 0 } });
    expect(run.outputs?.['state']).toMatch(/Filesystem/);
  });

  together('the self-building blueprint: proposes, repairs, and promotes when a person agrees', async () => {
    await rig.apply(shipped('self-building').replace('id: bp.meta.propose_blueprint', 'id: bp.meta.shipped'));
    const inputs = { wish: 'note a failed unit', name: 'bp.unit.note', event_type: 'unit.failed' };
    const runId = await rig.start('bp.meta.shipped', inputs);
    expect((await emit('unit.failed')).verdicts).toEqual([]);
    await rig.approve(runId, 'review');
    expect(await rig.ended(runId)).toMatchObject({
      status: 'completed',
      outputs: { blueprint_id: 'bp.unit.note', version: '1' },
    });
    const [started] = (await emit('unit.failed')).verdicts;
    expect(started).toMatchObject({ blueprint_id: 'bp.unit.note', verdict: 'started' });
    expect(await rig.ended(started?.run_id ?? '')).toMatchObject({ status: 'completed' });
  });

  together('a blueprint that emits what starts it ends as a loop', async () => {
    await rig.apply(
      'api: xyn/v1\nid: bp.loop\ntriggers: [{event: loop.again}]\nplan:\n' +
        '  - {kind: action_task, id: again, action: events.emit, with: {event_name: loop.again}}\n',
    );
    const first = await emit('loop.again');
    const verdicts = await until('the chain ends', async () => {
      const events = await rig.node.access.events.list({ event_name: 'loop.again' }, 10);
      const all = await Promise.all(events.map(({ event }) => rig.node.events.get(event.event_id)));
      const found = all.flatMap((one) => one.verdicts.map(({ verdict }) => verdict));
      return found.includes('loop') && { found, correlations: all.map((one) => one.correlation_id) };
    });
    // Three runs: the event from outside is the cause of the first, and two more may follow.
    expect(verdicts.found).toEqual(['loop', 'started', 'started', 'started']);
    expect(new Set(verdicts.correlations)).toEqual(new Set([first.correlation_id]));
  });
  together('a run that is open keeps its version when another one becomes active', async () => {
    const asking = (text: string): string =>
      `api: xyn/v1\nid: bp.kept\nplan:\n  - {kind: gate, id: ask, mode: manual}\n  - {kind: transform, id: t, set: {v: ${text}}}\n` +
      'outputs: {v: "{{steps.t.outputs.v}}"}\n';
    const { digest } = await rig.apply(asking('one'));
    const runId = await rig.start('bp.kept');
    await rig.apply(asking('two'));
    await rig.approve(runId, 'ask');
    expect(await rig.ended(runId)).toMatchObject({ blueprint_version: 1, digest, outputs: { v: 'one' } });
  });

  together('example 01: byte for byte but for its id; the command of the skeleton is none', async () => {
    const plan = await rig.apply(
      example('01-alert-remediation').replace('bp.checkmk.auto_remediate', 'bp.example.alert'),
    );
    const runId = await rig.start(plan.id, { host: 'web-1', service: 'nginx' });
    await rig.approve(runId, 'approve');
    expect(await rig.ended(runId)).toMatchObject({ status: 'failed', error: { code: 'exit_nonzero' } });
  });

  together('example 04, without its lock: patches a fleet and keeps the report', async () => {
    const { id } = await rig.apply(without(example('04-fleet-patch'), 'lock'));
    const runId = await rig.start(id, { group: 'web', reboot: true });
    await rig.approve(runId, 'go');
    expect(await rig.ended(runId)).toMatchObject({ status: 'completed', outputs: { patched: 3, failed: 0 } });
    expect(await filesOf(runId)).toMatchObject([{ name: 'patch-web.json', content_type: 'application/json' }]);
    const { items } = await rig.node.runs.steps(runId, { limit: 100 });
    const restarts = items.filter(({ node_id: node }) => node === 'restart').map(({ status }) => status);
    expect(restarts.sort()).toEqual(['completed', 'skipped', 'skipped']);
  });

  together('example 05, without its undo and with short pauses: renews what runs out', async () => {
    const run = await rig.run(without(example('05-cert-renewal'), 'undo').replace('first: 15s', 'first: 1s'));
    expect(run).toMatchObject({ status: 'completed', outputs: { renewed: 2 } });
  });

  together('example 09: collects what there is, the first way that answers is enough', async () => {
    const plan = await rig.apply(example('09-on-demand-debug'));
    const run = await rig.ended(await rig.start(plan.id, { host: 'web-1', depth: 'full', container: 'shop' }));
    expect(run).toMatchObject({ status: 'completed', outputs: { artifact: 'debug-web-1', deadlocks: 0 } });
  });

  together('example 10: counts, and a channel that fails is no failure', async () => {
    const run = await rig.run(example('10-weekly-report').replace('bp.report.weekly', 'bp.example.weekly'));
    expect(run).toMatchObject({ status: 'completed', outputs: { success_percent: 75, undelivered: 1 } });
  });

  together('example 11: proposes with tests, and a person promotes', async () => {
    const { id } = await rig.apply(example('11-self-building'));
    const runId = await rig.start(id, { wish: 'x', name: 'bp.example.proposed', event_type: 'unit.gone' });
    await rig.approve(runId, 'review');
    expect(await rig.ended(runId)).toMatchObject({
      status: 'completed',
      outputs: { blueprint_id: 'bp.example.proposed' },
    });
  });

  together('example 12, with short pauses: one alert starts it, and it stops cleaning when there is room', async () => {
    await rig.apply(example('12-disk-cleanup').replace('for: 10s', 'for: 1s'));
    const alert = { host: 'web-1', mount: '/var', percent: 95 };
    const [started] = (await emit('disk.almost_full', alert)).verdicts;
    const [again] = (await emit('disk.almost_full', alert)).verdicts;
    expect(again).toMatchObject({ verdict: 'duplicate_of', detail: { duplicate_of: started?.run_id, key: 'web-1' } });
    const runId = started?.run_id ?? '';
    await rig.approve(runId, 'allow');
    expect(await rig.ended(runId)).toMatchObject({
      status: 'completed',
      outputs: { percent: 78, tried: ['1_package_cache', '2_journal'] },
    });
  });
});

/** Examples that use what comes later, and what that is. */
const LATER: Readonly<Record<string, string[]>> = {
  '02-nightly-backup': ['blueprint', 'lock', 'requires', 'undo'],
  '03-canary-deploy': ['event', 'rollback: auto', 'undo'],
  '04-fleet-patch': ['lock'],
  '05-cert-renewal': ['undo'],
  '06-db-failover': ['escalate', 'form', 'lock', 'remind', 'requires', 'rollback: auto', 'undo'],
  '07-incident-triage': ['blueprint', 'budget'],
  '08-cicd-promotion': ['requires', 'rollback: auto', 'undo'],
};

describe('the examples of the language that use what comes later', () => {
  const names = readdirSync(examples).map((file) => file.replace('.yaml', ''));

  it.each(names.filter((name) => name !== 'actions'))('%s is refused for what it uses, or compiles', async (name) => {
    const { compiled, problems } = await rig.compile(example(name));
    const errors = problems.filter(({ severity }) => severity === 'error');
    const missing = errors.flatMap(({ message }) => /`([^`]+)` (?:is|are) not available yet/.exec(message)?.[1] ?? []);
    expect([...new Set(missing)].sort()).toEqual(LATER[name] ?? []);
    expect(compiled === undefined).toBe(name in LATER);
  });
});
