import type { Command } from 'commander';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { startContractServer } from '../../test/support/api-contract.js';
import { spawnSync } from 'node:child_process';
import { mkdtemp, mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  fakeEvent,
  fakeGate,
  fakeRun,
  fakeServices,
  fakeStep,
  type FakeWorld,
} from '../../test/support/fake-services.js';
import { readSettingsFile } from '../config/settings-file.js';
import { SETTINGS } from '../config/settings.js';
import { XynFault } from '../domain/fault.js';
import { compileContext, createCompiler } from '../main/compiler.js';
import { blueprintSchemaText } from '../main/document-actions.js';
import { junitXml } from '../scenarios/junit.js';
import { mismatchLines } from '../scenarios/report.js';
import { runScenarioFiles } from '../scenarios/scenario-files.js';
import { parseInventory } from '../targets/inventory-file.js';
import { createApp } from '../http/app.js';
import type { HttpServer } from '../http/server.js';
import type { AuditReport, CliActions, PreflightCheck, StatusReport } from './actions.js';
import { CommandBinder } from './context.js';
import { createProgram, runProgram } from './program.js';

const RUN = 'aaaaaaaa-0000-4000-8000-000000000001';
const GATE = 'bbbbbbbb-0000-4000-8000-000000000002';
const NOW = Date.parse('2026-11-21T10:01:00.000Z');

let world: FakeWorld;
let server: HttpServer;
let stateDir: string;
let actions: CliActions;
let status: StatusReport;
let audit: AuditReport;
let actionCalls: unknown[][];
let checks: PreflightCheck[];

beforeEach(async () => {
  const fake = fakeServices();
  world = fake.world;
  const quiet = (): void => undefined;
  const log = { info: quiet, warn: quiet, error: quiet };
  server = await startContractServer(createApp(fake.services, { log, version: '1', allowedHosts: [] }));
  stateDir = await mkdtemp(join(tmpdir(), 'xynctl-'));
  status = {
    api: { url: server.url, ok: true },
    ui: { url: `${server.url}/` },
    temporal: { address: '127.0.0.1:7233', ui_url: 'http://127.0.0.1:8233', ok: true },
    worker: { ok: true, pollers: 1 },
    postgres: { ok: true },
    version: '1.2.3',
  };
  audit = { ok: true, entries: 10, linked: 9, unlinked_tail: 1, heads: 2 };
  actionCalls = [];
  checks = [{ name: 'disk', status: 'ok', message: '9 GiB free' }];
  actions = {
    version: '1.2.3',
    nearestName: () => 'XYN_PORT',
    drawBlueprint: async () => ({ problems: [] }),
    blueprintSchemaText,
    migrateBlueprint: async () => ({ problems: [] }),
    preflight: async () => checks,
    up: async (config) => {
      actionCalls.push(['up', config.host, config.port]);
      return 0;
    },
    down: async () => ({ stopped: true }),
    status: async () => status,
    replayFile: async (path) => {
      actionCalls.push(['file', path]);
      return { ok: false, events: 12, message: 'event 5 differs' };
    },
    replayRun: async (_config, runId) => {
      actionCalls.push(['run', runId]);
      return { ok: true, events: 42 };
    },
    verifyAudit: async () => audit,
    runScenarios: (paths, options) => runScenarioFiles(paths, compileContext(), options),
    mismatchLines,
    junit: junitXml,
  };
});

afterEach(async () => {
  await server.close();
  await rm(stateDir, { recursive: true });
});

interface Result {
  code: number;
  out: string;
  err: string;
}

interface Around {
  env?: NodeJS.ProcessEnv;
  stdin?: string;
  isTTY?: boolean;
}

async function xynctl(args: string[], { env = {}, stdin = '', isTTY = false }: Around = {}): Promise<Result> {
  let out = '';
  let err = '';
  async function* input(): AsyncGenerator<string> {
    yield stdin;
  }
  const code = await runProgram(args, actions, {
    env: { XYN_STATE_DIR: stateDir, XYN_URL: server.url, ...env },
    stdin: input(),
    stdout: { write: (text) => (out += text), isTTY },
    stderr: { write: (text) => (err += text) },
    clock: () => NOW,
  });
  return { code, out, err };
}

/** The words of every command that does something. */
function commandPaths(): string[][] {
  const pathsOf = (command: Command, path: string[]): string[][] =>
    command.commands.length === 0 ? [path] : command.commands.flatMap((one) => pathsOf(one, [...path, one.name()]));
  const io = { env: {}, stdin: process.stdin, stdout: process.stdout, stderr: process.stderr, clock: Date.now };
  const paths = pathsOf(createProgram(actions, io, new CommandBinder(actions, io)), []);
  return paths.filter(([name]) => name !== 'complete');
}

/** Parses an example as a shell and the program would, without doing it. */
async function understood(line: string): Promise<void> {
  class Idle extends CommandBinder {
    override bind(): () => Promise<void> {
      return () => Promise.resolve();
    }
  }
  let said = '';
  const out = { write: (text: string) => (said += text) };
  const io = { env: {}, stdin: process.stdin, stdout: out, stderr: out, clock: Date.now };
  const bare = line
    .trim()
    .replace(/^([A-Z_]+=\S+ )+/, '')
    .replace(/ > \S+$/, '');
  const words = [...bare.matchAll(/'([^']*)'|"([^"]*)"|(\S+)/g)].map(([, a, b, c = '']) => a ?? b ?? c);
  const program = createProgram(actions, io, new Idle(actions, io));
  await program.parseAsync(words.slice(1), { from: 'user' }).catch((error: unknown) => {
    throw new Error(`${line}: ${said}`, { cause: error });
  });
}

describe('usage', () => {
  it('shows for every command examples that it understands, and takes --json', async () => {
    for (const path of commandPaths()) {
      const { code, out } = await xynctl([...path, '--help']);
      expect({ path, code, json: out.includes('--json') }).toEqual({ path, code: 0, json: true });
      const examples = out
        .slice(out.indexOf('\nExamples:'))
        .split('\n')
        .filter((line) => /^ {2}\S/.test(line));
      expect({ path, count: examples.length > 0 }).toEqual({ path, count: true });
      for (const example of examples) {
        expect(example).toContain(`xynctl ${path.join(' ')}`);
        await understood(example);
      }
    }
  });

  it('ends with 2 when it is not understood, and with 0 for the version', async () => {
    for (const args of [[], ['nonsense'], ['runs', 'show'], ['runs', 'list', '--nonsense'], ['events', 'emit']]) {
      const { code, err } = await xynctl(args);
      expect({ args, code }).toEqual({ args, code: 2 });
      expect(err).not.toBe('');
    }
    expect(await xynctl(['--version'])).toEqual({ code: 0, out: '1.2.3\n', err: '' });
  });

  it('names every setting that cannot be used', async () => {
    const { code, err } = await xynctl(['up', '--port', '99999'], { env: { XYN_STAGE: 'live' } });
    expect(code).toBe(2);
    expect(err).toContain('XYN_PORT');
    expect(err).toContain('XYN_STAGE');
  });
});

describe('up, down and status', () => {
  it('hands options on as settings', async () => {
    expect((await xynctl(['up', '--port', '8000', '--host', '127.0.0.2'])).code).toBe(0);
    expect(actionCalls).toEqual([['up', '127.0.0.2', 8000]]);
    expect((await xynctl(['down'])).out).toBe('Stopped.\n');
  });

  it('reports as JSON exactly what was found, and ends with 5 when a part is missing', async () => {
    const good = await xynctl(['status', '--json']);
    expect(good.code).toBe(0);
    expect(JSON.parse(good.out)).toEqual(status);
    status.worker = { ok: false, pollers: 0 };
    const bad = await xynctl(['status']);
    expect(bad.code).toBe(5);
    expect(bad.out).toMatch(/^worker +missing +0 polling$/m);
  });
});

describe('config', () => {
  it('shows values with their source, warns of misspelt variables, and keeps secrets', async () => {
    const env = { XYN_PROT: '1', DATABASE_URL: 'postgres://a:hunter22@h/d' };
    const { code, out, err } = await xynctl(['--actor', 'ann', 'config'], { env });
    expect(code).toBe(0);
    expect(out).toMatch(/^XYN_ACTOR +ann +flag$/m);
    expect(out).toMatch(/^DATABASE_URL +set +environment$/m);
    expect(out).not.toContain('XYN_TARGETS_FILE');
    expect(err).toContain('XYN_PROT is no setting of Xyn; did you mean XYN_PORT?');
    const json = JSON.parse((await xynctl(['config', '--json'], { env })).out) as {
      settings: { variable: string; value: string | null }[];
      unknown: unknown[];
    };
    expect(json.settings.find(({ variable }) => variable === 'DATABASE_URL')?.value).toBe('set');
    expect(json.unknown).toEqual([{ variable: 'XYN_PROT', suggestion: 'XYN_PORT' }]);
  });
});

describe('init', () => {
  it('writes starter files that can be used, and never a second time', async () => {
    const folder = join(stateDir, 'ops');
    const first = await xynctl(['init', folder]);
    expect(first.code).toBe(0);
    expect(first.out.match(/^written/gm)).toHaveLength(4);
    const settings = join(folder, '.env');
    expect((await stat(settings)).mode & 0o777).toBe(0o600);
    expect(readSettingsFile(settings, {}, { required: true })).toEqual({ XYN_TARGETS_FILE: 'targets.yaml' });
    for (const { variable } of Object.values(SETTINGS)) expect(await readFile(settings, 'utf8')).toContain(variable);
    const inventory = await readFile(join(folder, 'targets.yaml'), 'utf8');
    expect(() => parseInventory(inventory, 'targets.yaml')).not.toThrow();
    const { compiled, problems } = await createCompiler()(await readFile(join(folder, 'blueprints/check-health.yaml')));
    expect(problems).toEqual([]);
    expect(compiled?.plan.id).toBe('bp.check_health');
    // Editors find the schema from the blueprint's first line.
    const [, schema = ''] =
      /^# yaml-language-server: \$schema=(\S+)\n/.exec(
        await readFile(join(folder, 'blueprints/check-health.yaml'), 'utf8'),
      ) ?? [];
    expect(await readFile(join(folder, 'blueprints', schema), 'utf8')).toBe(blueprintSchemaText());
    await writeFile(settings, 'XYN_PORT=1');
    const again = await xynctl(['init', folder, '--json']);
    expect(JSON.parse(again.out)).toMatchObject({
      files: Array.from({ length: 4 }, () => ({ outcome: 'kept' })),
    });
    expect(await readFile(settings, 'utf8')).toBe('XYN_PORT=1');
  });
});

describe('preflight', () => {
  it('shows every check with what to do, and ends with 5 when one failed', async () => {
    expect(await xynctl(['preflight'])).toMatchObject({ code: 0, out: 'ok       disk  9 GiB free\n' });
    checks.push({ name: 'agents', status: 'failed', message: 'no key', next: 'Set one.' });
    const { code, out, err } = await xynctl(['preflight']);
    expect(code).toBe(5);
    expect(out).toContain('failed   agents  no key\n                 → Set one.\n');
    expect(err).toContain('1 of 2 checks failed.');
    expect(JSON.parse((await xynctl(['preflight', '--json'])).out)).toEqual({ ok: false, checks });
  });
});

describe('completion', () => {
  const complete = async (...words: string[]): Promise<string[]> =>
    (await xynctl(['complete', '--', ...words])).out.split('\n').filter((line) => line !== '');

  it('knows commands, options and ids', async () => {
    world.runs = [fakeRun({ run_id: RUN })];
    world.gates = [fakeGate({ gate_id: GATE })];
    expect(await complete('ru')).toEqual(['runs']);
    expect(await complete('')).not.toContain('complete');
    expect(await complete('runs', 'st')).toEqual(['start']);
    expect(await complete('runs', 'list', '--st')).toEqual(['--status', '--stuck']);
    expect(await complete('--url', 'http://x', 'gates', 'show', '--j')).toEqual(['--json']);
    expect(await complete('runs', 'list', '--status', '')).toEqual([]);
    expect(await complete('runs', 'show', '')).toEqual([RUN.slice(0, 8)]);
    expect(await complete('gates', 'approve', '')).toEqual([GATE.slice(0, 8)]);
    expect(await complete('artifacts', 'get', '')).toEqual([]);
  });

  it('says nothing that a shell would run, and nothing when the API is away', async () => {
    world.failure = new XynFault('db_unavailable', 'away');
    expect(await complete('runs', 'show', '')).toEqual([]);
  });

  it.each(['bash', 'zsh', 'fish'])('has a script for %s', async (shell) => {
    const { code, out } = await xynctl(['completion', shell]);
    expect({ code, out }).toMatchObject({ code: 0, out: expect.stringContaining('xynctl complete --') as unknown });
    const known = spawnSync(shell, ['-n'], { input: out, encoding: 'utf8' });
    // A shell that this machine lacks cannot be asked.
    if (known.error === undefined)
      expect({ status: known.status, stderr: known.stderr }).toEqual({ status: 0, stderr: '' });
  });
});

describe('finding the API', () => {
  it('uses what runs in the folder for state, and says what to do when nothing does', async () => {
    await mkdir(join(stateDir, 'run'));
    await writeFile(join(stateDir, 'run', 'up.json'), JSON.stringify({ pid: 1, api: { url: server.url } }));
    expect((await xynctl(['runs', 'list'], { env: { XYN_URL: '' } })).code).toBe(0);
    await server.close();
    const { code, err } = await xynctl(['runs', 'list'], { env: { XYN_URL: '' } });
    expect(code).toBe(5);
    expect(err).toMatch(/Nothing answers at .* Start Xyn with `xynctl up`.*\[not_running\]/);
  });

  it('--url wins over the environment', async () => {
    const { code } = await xynctl(['runs', 'list', '--url', server.url], { env: { XYN_URL: 'http://127.0.0.1:1' } });
    expect(code).toBe(0);
  });

  it('notices when something else answers', async () => {
    const other = createServer((_request, response) => response.end('<html>')).listen(0, '127.0.0.1');
    await new Promise((resolve) => other.once('listening', resolve));
    const url = `http://127.0.0.1:${(other.address() as AddressInfo).port}`;
    const { code, err } = await xynctl(['runs', 'list', '--url', url]);
    other.close();
    expect([code, err]).toEqual([5, expect.stringContaining('is not the API of Xyn')]);
  });
});

describe('events', () => {
  it('emits data from the command line, a file and standard input', async () => {
    const file = join(stateDir, 'data.json');
    await writeFile(file, '{"from":"file"}');
    for (const [data, stdin] of [
      ['{"from":"line"}', ''],
      [`@${file}`, ''],
      ['-', '{"from":"stdin"}'],
    ] as const) {
      const args = ['events', 'emit', 'checkmk.alert', '--data', data, '--resource', 'host:web-1', '--actor', 'ann'];
      expect((await xynctl(args, { stdin })).code).toBe(0);
    }
    expect(world.calls.map(({ args }) => (args as { data: unknown }).data)).toEqual([
      { from: 'line' },
      { from: 'file' },
      { from: 'stdin' },
    ]);
    expect(world.calls[0]).toMatchObject({
      caller: { actor: 'ann', source: 'cli' },
      args: { resource: { type: 'host', id: 'web-1' } },
    });
  });

  it.each([
    ['{', 'invalid_json'],
    ['[]', 'body_not_object'],
    ['@/nothing/there', 'request_invalid'],
  ])('refuses --data %s', async (data, code) => {
    const result = await xynctl(['events', 'emit', 'a.b', '--data', data]);
    expect([result.code, result.err]).toEqual([2, expect.stringContaining(`[${code}]`)]);
  });

  it('says why nothing started', async () => {
    const event = fakeEvent({
      verdicts: [{ blueprint_id: 'bp.a', verdict: 'filter_false', detail: null, run_id: null }],
    });
    world.events = [event];
    const { out } = await xynctl(['events', 'show', event.event_id]);
    expect(out).toContain('bp.a: filter_false');
    expect((await xynctl(['events', 'emit', 'a.b'])).out).toContain('no blueprint has a trigger for a.b');
  });
});

describe('runs', () => {
  it('lists runs in columns, without what a terminal would obey', async () => {
    world.runs = [
      fakeRun({ run_id: RUN, name: 'evil\u001b[2Jname', completed_at: '2026-11-21T10:00:02.500Z', status: 'failed' }),
    ];
    const { out } = await xynctl(['runs', 'list']);
    expect(out.split('\n')[0]).toMatch(/^RUN +STATUS +PHASE +NAME +CREATED +TOOK$/);
    expect(out).toMatch(/^aaaaaaaa +failed +evil\ufffd\[2Jname +1 m 00 s ago +2\.5 s$/m);
    expect(out).not.toContain('\u001b');
  });

  it('uses colours on a terminal only, and not with NO_COLOR', async () => {
    world.runs = [fakeRun()];
    const coloured = await xynctl(['runs', 'list'], { isTTY: true });
    expect(coloured.out).toContain('\u001b[36mrunning\u001b[0m');
    expect((await xynctl(['runs', 'list'], { isTTY: true, env: { NO_COLOR: '1' } })).out).not.toContain('\u001b');
  });

  it('shows a run by the beginning of its id, with what it waits for', async () => {
    world.runs = [fakeRun({ run_id: RUN, phase: 'gate' })];
    world.steps = [fakeStep({ run_id: RUN, error: { code: 'exit_nonzero', message: 'exit code 3' } })];
    world.gates = [fakeGate({ gate_id: GATE, run_id: RUN })];
    const { code, out } = await xynctl(['runs', 'show', 'AAAAAAAA']);
    expect(code).toBe(0);
    expect(out).toContain('exit_nonzero: exit code 3');
    expect(out).toContain('xynctl gates approve bbbbbbbb');
    const json = JSON.parse((await xynctl(['runs', 'show', RUN, '--json'])).out);
    expect(json).toMatchObject({ run_id: RUN, waiting_on: [{ kind: 'gate' }], steps: [{ path: 'fix' }] });
  });

  it('tells apart what is no id, unknown and ambiguous', async () => {
    world.runs = [fakeRun({ run_id: RUN }), fakeRun({ run_id: RUN.replace(/1$/, '2') })];
    const of = async (id: string): Promise<[number, string]> => {
      const { code, err } = await xynctl(['runs', 'show', id]);
      return [code, /\[(\w+)\]\n$/.exec(err)?.[1] ?? err];
    };
    expect(await of('aaaa')).toEqual([2, 'request_invalid']);
    expect(await of('cccccccc')).toEqual([3, 'run_not_found']);
    expect(await of('aaaaaaaa')).toEqual([2, 'request_invalid']);
    expect(await of('cccccccc-0000-4000-8000-000000000001')).toEqual([3, 'run_not_found']);
  });

  it('cancels', async () => {
    world.runs = [fakeRun({ run_id: RUN })];
    expect((await xynctl(['runs', 'cancel', RUN, '--reason', 'wrong host'])).out).toContain('is being cancelled');
    expect(world.calls[0]?.args).toEqual({ id: RUN, reason: 'wrong host' });
  });

  it('repeats, or only says what that would do', async () => {
    world.runs = [fakeRun({ run_id: RUN, status: 'failed' })];
    const { out } = await xynctl(['runs', 'rerun', RUN, '--dry-run']);
    expect(out).toMatch(/1 step is taken over, 1 run anew\.[^]*look +taken over[^]*fix +runs anew +failed/);
    expect(world.calls).toEqual([]);
    const options = ['--from', 'fix', '--with-input', 'n:=2', '--latest', '--key', 'k-1'];
    expect((await xynctl(['runs', 'rerun', RUN, ...options])).out).toMatch(/\nrun [0-9a-f-]{36}\n/);
    expect(world.calls[0]).toMatchObject({
      name: 'rerun',
      args: { id: RUN, from: 'fix', inputs: { n: 2 }, latest: true, idempotencyKey: 'k-1' },
    });
    expect((await xynctl(['runs', 'show', world.runs[0]?.run_id ?? ''])).out).toMatch(/rerun of: +\w+, from fix/);
  });
});

describe('runs watch', () => {
  /** Lets the run move on each time the watcher looks. */
  function script(...moves: (() => void)[]): void {
    const gone = world.runs[0];
    if (gone === undefined) throw new Error('no run');
    world.onLook = () => moves.shift()?.();
  }

  it('shows every change until the end', async () => {
    const run = fakeRun({ run_id: RUN });
    const step = fakeStep({ run_id: RUN });
    const gate = fakeGate({ gate_id: GATE, run_id: RUN });
    world.runs = [run];
    script(
      () => undefined,
      () => world.steps.push(step),
      () => Object.assign(step, { status: 'completed', completed_at: '2026-11-21T10:00:01.200Z' }),
      () => world.gates.push(gate),
      () => Object.assign(gate, { status: 'approved' }),
      () => Object.assign(run, { status: 'completed', completed_at: '2026-11-21T10:00:09.000Z' }),
    );
    const { code, out } = await xynctl(['runs', 'watch', RUN]);
    expect(code).toBe(0);
    const lines = out.trimEnd().split('\n');
    expect(lines.map((line) => line.replace(/^ *\+1 m 00 s +/, ''))).toEqual([
      `run ${RUN}  Remediate  (bp.remediate)`,
      expect.stringMatching(/^fix +running$/),
      expect.stringMatching(/^fix +completed {2}1\.2 s$/),
      expect.stringMatching(/^approve +waits for a decision of anybody$/),
      expect.stringContaining('xynctl gates approve bbbbbbbb'),
      expect.stringMatching(/^run +completed {2}in 9\.0 s$/),
    ]);
  });

  it('ends with 1 when the run fails, and streams JSON lines', async () => {
    const run = fakeRun({ run_id: RUN });
    world.runs = [run];
    script(
      () => undefined,
      () => undefined,
      () => Object.assign(run, { status: 'failed', error: { code: 'x', message: 'broke' } }),
    );
    const { code, out } = await xynctl(['runs', 'watch', RUN, '--json']);
    expect(code).toBe(1);
    const records = out
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { type: string; status: string });
    expect(records.map(({ type, status: state }) => [type, state])).toEqual([
      ['run', 'running'],
      ['run', 'failed'],
    ]);
  });

  it('waits for the last steps, which are written a moment after the end', async () => {
    const run = fakeRun({ run_id: RUN, status: 'completed' });
    const step = fakeStep({ run_id: RUN });
    world.runs = [run];
    world.steps = [step];
    script(
      () => undefined,
      () => undefined,
      () => Object.assign(step, { status: 'completed', completed_at: '2026-11-21T10:00:01.000Z' }),
    );
    const lines = (await xynctl(['runs', 'watch', RUN])).out.trimEnd().split('\n');
    expect(lines.slice(-2)).toEqual([expect.stringMatching(/fix +completed/), expect.stringMatching(/run +completed/)]);
  });

  it('waits while the server is away', async () => {
    const run = fakeRun({ run_id: RUN });
    world.runs = [run];
    script(
      () => undefined,
      () => (world.failure = new XynFault('db_unavailable', 'Postgres does not answer.')),
      () => {
        delete world.failure;
        run.status = 'completed';
      },
    );
    const { code, err } = await xynctl(['runs', 'watch', RUN]);
    expect([code, err]).toEqual([0, 'Postgres does not answer. Trying again for a minute.\n']);
  });

  it('does not wait for a run that is not there', async () => {
    expect((await xynctl(['runs', 'watch', RUN])).code).toBe(3);
  });

  it('follows what an event started', async () => {
    world.runs = [fakeRun({ run_id: RUN, status: 'failed' })];
    world.verdicts = [{ blueprint_id: 'bp.remediate', verdict: 'started', detail: null, run_id: RUN }];
    const { code, out } = await xynctl(['events', 'emit', 'checkmk.alert', '--wait']);
    expect(code).toBe(1);
    expect(out).toMatch(new RegExp(`bp\\.remediate: run ${RUN}`));
    expect(out).toMatch(/run +failed/);
  });
});

describe('gates', () => {
  beforeEach(() => {
    world.gates = [fakeGate({ gate_id: GATE, reason: 'required' }), fakeGate({ status: 'approved' })];
  });

  it('lists the open ones', async () => {
    const { out } = await xynctl(['gates', 'list']);
    expect(out).toMatch(/^bbbbbbbb +open +approval/m);
    expect(out.trimEnd().split('\n')).toHaveLength(2);
    expect(JSON.parse((await xynctl(['gates', 'list', '--status', 'all', '--json'])).out).items).toHaveLength(2);
  });

  it('decides by the beginning of the id', async () => {
    const refused = await xynctl(['gates', 'approve', 'bbbbbbbb']);
    expect([refused.code, refused.err]).toEqual([2, expect.stringContaining('[reason_required]')]);
    const done = await xynctl(['gates', 'reject', 'bbbbbbbb', '--reason', 'too late']);
    expect([done.code, done.out]).toEqual([0, 'reject: gate bbbbbbbb is rejected.\n']);
    expect(world.calls.at(-1)?.args).toEqual({ id: GATE, decision: 'reject', reason: 'too late' });
  });

  it('settles recovery gates with outputs', async () => {
    await xynctl(['gates', 'decide', GATE, 'done', '--reason', 'seen', '--outputs', '{"id":7}']);
    expect(world.calls.at(-1)?.args).toEqual({ id: GATE, decision: 'done', reason: 'seen', outputs: { id: 7 } });
  });

  it('prints errors as JSON with --json', async () => {
    const { code, err } = await xynctl(['gates', 'decide', GATE, 'maybe', '--json']);
    expect(code).toBe(2);
    expect(JSON.parse(err)).toMatchObject({
      error: { code: 'request_invalid', details: { problems: [{ path: 'decision' }] } },
    });
  });
});

describe('schedules', () => {
  const ID = 'bp.remediate:1';

  it('are listed with when they fire next', async () => {
    const { out, err } = await xynctl(['schedules', 'list']);
    expect(err).toBe('');
    expect(out).toMatch(/^bp\.remediate:1 +0 3 \* \* \* Europe\/Berlin +active +2026-11-21T11:00:00\+01:00 +-$/m);
    const { out: shown } = await xynctl(['schedules', 'show', ID]);
    expect(shown).toMatch(/next:\n {2}2026-11-21T11:00:00\+01:00 /);
    expect(shown).toContain('3 started, 1 skipped, 0 missed');
    expect((await xynctl(['schedules', 'show', 'bp.none:1'])).code).toBe(3);
  });

  it('are paused with a note, and go on', async () => {
    expect((await xynctl(['schedules', 'pause', ID])).code).toBe(2);
    const { out } = await xynctl(['schedules', 'pause', ID, '--note', 'the rack moves']);
    expect(out).toBe('bp.remediate:1 is paused: the rack moves\n');
    await xynctl(['schedules', 'resume', ID]);
    expect(world.calls.map(({ name, args }) => [name, args])).toEqual([
      ['pause', { id: ID, note: 'the rack moves' }],
      ['resume', { id: ID }],
    ]);
  });

  it('fire by hand, for the past only after they were shown', async () => {
    expect((await xynctl(['schedules', 'trigger', ID, '--overlap', 'allow'])).out).toContain('fires for 2026-11-21T10');
    const range = ['--from', '2026-11-01T00:00:00Z', '--to', '2026-11-02'];
    const { out } = await xynctl(['schedules', 'backfill', ID, ...range]);
    expect(out).toContain('1 of 1 times would fire, queue_all.');
    expect((await xynctl(['schedules', 'backfill', ID, ...range, '--yes'])).out).toContain('1 of 1 times fire');
    expect((await xynctl(['schedules', 'backfill', ID, '--from', 'x', '--to', 'y'])).code).toBe(2);
    expect(world.calls.map(({ args }) => args)).toEqual([
      expect.objectContaining({ id: ID, overlap: 'allow', idempotencyKey: expect.any(String) }),
      expect.objectContaining({ dry_run: true, to: '2026-11-02T00:00:00.000Z' }),
      expect.objectContaining({ dry_run: false, overlap: 'queue_all' }),
    ]);
  });
});

describe('replay and audit verify', () => {
  it('tells runs from files', async () => {
    world.runs = [fakeRun({ run_id: RUN })];
    expect((await xynctl(['replay', 'aaaaaaaa'])).out).toContain('42 events fits');
    const file = await xynctl(['replay', './history.json']);
    expect([file.code, file.out]).toEqual([1, expect.stringContaining('event 5 differs')]);
    expect(actionCalls).toEqual([
      ['run', RUN],
      ['file', './history.json'],
    ]);
  });

  it('ends with 1 when the trail does not verify', async () => {
    expect((await xynctl(['audit', 'verify'])).code).toBe(0);
    audit = { ...audit, ok: false, first_problem: { kind: 'edited', seq: 3, audit_id: '7', message: 'hash differs' } };
    const { code, out } = await xynctl(['audit', 'verify']);
    expect([code, out]).toEqual([1, expect.stringContaining('edited at link 3 (entry 7): hash differs')]);
  });
});

it('the program file is executable and starts the compiled one', async () => {
  const text = await readFile(new URL('../../bin/xynctl.js', import.meta.url), 'utf8');
  expect(text).toMatch(/^#!\/usr\/bin\/env node\n[^]*dist\/src\/main\/xynctl\.js/);
});
