import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { compileContext } from '../../test/support/compile-context.js';
import { junitXml } from './junit.js';
import { mismatchLines, type ScenarioFileReport } from './report.js';
import { runScenarioFiles, type ScenarioOptions } from './scenario-files.js';

const BLUEPRINT = `api: xyn/v1
id: bp.roll
inputs: {hosts: {type: array, items: string}, unit: {type: string, default: nginx}}
plan:
  - kind: gate
    id: approve
    mode: manual
    require: 2
    timeout: 1h
  - kind: for_each
    id: roll
    in: '{{inputs.hosts}}'
    do:
      - {kind: action_task, id: restart, action: svc.restart, with: {host: '{{item}}', unit: '{{inputs.unit}}'}}
      - {kind: wait, id: settle, for: 1m}
      - kind: action_task
        id: probe
        action: svc.probe
        with: {host: '{{item}}'}
      - kind: switch
        id: verdict
        cases:
          - {name: bad, when: '!steps.probe.outputs.ok', do: [{kind: transform, id: stop, assert: [{that: 'false', code: host_down}]}]}
        default: [{kind: transform, id: fine, set: {ok: true}}]
    outputs: {host: '{{item}}'}
    on_error:
      - codes: [for_each_failed]
        do: [{kind: action_task, id: tell, action: svc.tell, with: {text: '{{error.cause.code}}'}}]
        then: fail
outputs: {done: '{{steps.roll.outputs.completed}}'}
`;
const CONTRACTS = `svc.restart: {effect: write, idempotency: none, input: {host: {type: string, x-sink: host}, unit: string}, output: {}}
svc.probe: {effect: read, idempotency: safe, input: {host: string}, output: {ok: bool}, errors: {connect_failed: true}}
svc.tell: {effect: write, idempotency: keyed, input: {text: string}, output: {}}
`;

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'xyn-scenarios-'));
  await writeFile(join(folder, 'roll.yaml'), BLUEPRINT);
  await writeFile(join(folder, 'actions.yaml'), CONTRACTS);
});

afterEach(() => rm(folder, { recursive: true }));

const HEAD = 'blueprint: ./roll.yaml\nactions: ./actions.yaml\nscenarios:\n';

async function run(scenarios: string, options?: ScenarioOptions): Promise<ScenarioFileReport> {
  await writeFile(join(folder, 'roll.test.yaml'), HEAD + scenarios);
  const { files } = await runScenarioFiles([folder], compileContext, options);
  return files[0] as ScenarioFileReport;
}

/** What a scenario says that was not as expected; throws where the file itself is wrong. */
async function differencesOf(scenario: string, options?: ScenarioOptions): Promise<string[]> {
  const report = await run(`  - ${scenario.trim().replaceAll('\n', '\n    ')}\n`, options);
  if (report.problems.length > 0) throw new Error(JSON.stringify(report.problems));
  return (report.scenarios[0]?.mismatches ?? []).flatMap(mismatchLines).map((line) => line.trimEnd());
}

const TWO_HOSTS = 'start: {inputs: {hosts: [a, b]}}';
const APPROVED = 'gates: {approve: {decide: approve, by: [ann, ben], after: 10m}}';
const WELL = `"roll[*]": {returns: {}}\n  "roll[*].probe": {returns: {ok: true}, takes: 2s}`;

describe('a scenario', () => {
  it('runs in virtual time, with retries, gates, waits, loops and handlers', async () => {
    const differences = await differencesOf(
      `
name: the second host does not come back
${TWO_HOSTS}
${APPROVED}
mocks:
  restart: {returns: {}}
  "roll[*].probe": [{fails: {code: connect_failed}}, {returns: {ok: true}, takes: 4s}]
  "roll[1].probe": {returns: {ok: false}}
  tell: {returns: {}}
expect:
  status: failed
  error: {code: for_each_failed, step: roll, cause: {code: host_down, path: "roll[1].verdict:bad.stop"}}
  path:
    - approve
    - roll[0].restart
    - roll[0].settle
    - roll[0].probe
    - roll[0].verdict:default.fine
    - roll[1].restart
    - roll[1].settle
    - roll[1].probe
    - roll[1].verdict:bad.stop
    - tell
  path_contains: [approve, tell]
  skipped: {"roll[0].verdict:bad.stop": not_selected}
  calls: {"roll[0].probe": {times: 2}, restart: {times: 2, with: {unit: nginx}}, tell: {with: {text: host_down}}}
  elapsed: {min: 12m5s, max: 12m5s}`,
      { chaos: true },
    );
    expect(differences).toEqual([]);
  });

  it('tells both sides of what differs, and where', async () => {
    const differences = await differencesOf(`
name: all wrong
${TWO_HOSTS}
${APPROVED}
mocks:
  ${WELL}
expect:
  status: failed
  error: {code: boom}
  path: [approve, "roll[0].probe"]
  path_contains: ["roll[1].probe", approve]
  skipped: {fine: when}
  calls: {probe: {times: 3}, restart: {with: {unit: apache}}}
  outputs: {done: 1}
  elapsed: {max: 1m}`);
    expect(differences).toEqual(
      expect.arrayContaining([
        'status',
        '  ≠ failed    completed',
        'path, at roll[0].restart',
        '    approve        approve',
        '  ≠ roll[0].probe  roll[0].restart',
        'path_contains (approve is missing, or not in this order)',
        'skipped.fine, at roll[0].verdict:default.fine',
        '  ≠ skipped (when)  completed',
        'calls.probe.times, at probe',
        'calls.restart.with, at roll[0].restart',
        '  ≠ {"unit":"apache"}  {"unit":"nginx"}',
        'outputs',
        '  ≠ {"done":1}  {"done":2}',
        'elapsed',
        '  ≠ at most 1m  12m4s',
      ]),
    );
  });

  it('fails at a call that nobody scripted, and at a list that is used up', async () => {
    const rest = `${TWO_HOSTS}\n${APPROVED}\nexpect: {}`;
    expect(await differencesOf(`name: none\nmocks: {}\n${rest}`)).toContain('mocks, at roll[0].restart');
    const list = 'mocks: {restart: {returns: {}}, probe: [{fails: {code: connect_failed}}]}';
    expect(await differencesOf(`name: list\n${list}\n${rest}`)).toContain('mocks, at roll[0].probe');
  });

  it('asks people what became of an effect, and lets them say so', async () => {
    const scenario = (decisions: string): string => `
name: unknown
start: {inputs: {hosts: [a]}}
mocks:
  restart: [{fails: {outcome: unknown}}, {returns: {}}]
  probe: {returns: {ok: true}}
gates:
  approve: {decide: approve, by: [ann, ben]}
  "roll[0].restart~recover": ${decisions}
force: continue_as_new
expect:`;
    const retried = `${scenario('{decide: retry, after: 1m}')} {status: completed, calls: {restart: {times: 2}}}`;
    expect(await differencesOf(retried, { chaos: true })).toEqual([]);
    const failed = `${scenario('{decide: fail}')} {status: failed, error: {cause: {code: outcome_unknown}}, calls: {tell: {times: 1}}}`;
    expect(await differencesOf(failed.replace('mocks:', 'mocks:\n  tell: {returns: {}}'))).toEqual([]);
    const wrong = `${scenario('{decide: approve}')} {}`;
    expect(await differencesOf(wrong)).toContain('decision, at roll[0].restart~recover');
  });

  it.each([
    ['stop', '5m'],
    ['finish', '5m30s'],
    ['ignore', '6m'],
  ])('is cancelled while a task runs that will %s', async (how, elapsed) => {
    const differences = await differencesOf(
      `
name: cancelled
start: {inputs: {hosts: [a]}}
gates: {approve: {decide: approve, by: [ann, ben]}}
mocks: {restart: {returns: {}, takes: 5m30s, on_cancel: ${how}}}
cancel: {at: 5m, by: ann, reason: enough}
expect:
  status: cancelled
  skipped: {"roll[0].settle": cancelled}
  elapsed: {min: ${elapsed}, max: ${elapsed}}`,
      { chaos: true },
    );
    expect(differences).toEqual([]);
  });

  it('starts by an event only where a trigger takes it', async () => {
    const differences = await differencesOf(`name: by event\nstart: {event: {name: app.down}}\nexpect: {}`);
    expect(differences).toContain('  ≠ a run     none: disabled');
    const inputs = await differencesOf(`name: inputs\nstart: {inputs: {hosts: 5}}\nexpect: {}`);
    expect(inputs[2]).toContain('none: input_invalid');
  });
});

describe('a file of scenarios', () => {
  it('tells line and column of what is wrong with it', async () => {
    const report = await run(`  - name: x
    mocks: {restrat: {returns: {}}, settle: {returns: {}}, probe: {returns: {ok: maybe}}}
    gates: {tell: {decide: approve}}
    expect: {}
`);
    expect(report.problems).toMatchObject([
      { code: 'step_unknown', line: 5, column: 13, suggestion: 'restart' },
      { code: 'mock_forbidden', line: 5 },
      { code: 'output_invalid', line: 5, path: '/scenarios/0/mocks/probe/returns' },
      { code: 'mock_forbidden', line: 6 },
    ]);
    expect(report.scenarios).toEqual([]);
  });

  it.each([
    ['locks: [{name: x}]', 'locks'],
    ['results: []', 'results'],
    ['policy: {}', 'policy'],
    ['events: []', 'events'],
    ['mocks: {restart~undo: {returns: {}}}', 'restart~undo'],
    ['gates: {restart~policy: {decide: approve}}', 'restart~policy'],
  ])('refuses what the engine cannot do yet: %s', async (field, name) => {
    const report = await run(`  - name: x\n    ${field}\n    expect: {}\n`);
    expect(report.problems).toMatchObject([
      { code: 'not_available_yet', line: 5, message: `\`${name}\` is not available yet; leave it out.` },
    ]);
    const undo = await run('  - {name: x, expect: {undo: none}}\n');
    expect(undo.problems).toMatchObject([{ code: 'not_available_yet' }]);
  });

  it('is refused with wrong fields, a missing document, and one that does not compile', async () => {
    const fields = await run('  - {name: x, expects: {}, cancel: {at: soon}}\n');
    expect(fields.problems.map(({ code, line }) => [code, line])).toEqual([
      ['field_required', 4],
      ['field_unknown', 4],
      ['field_conflict', 4],
    ]);
    await writeFile(join(folder, 'roll.yaml'), BLUEPRINT.replace('outputs: {done', 'output: {done'));
    expect((await run('  - {name: x, expect: {}}\n')).problems).toMatchObject([
      { file: join(folder, 'roll.yaml'), code: 'field_unknown', suggestion: 'outputs' },
    ]);
    await rm(join(folder, 'roll.yaml'));
    expect((await run('  - {name: x, expect: {}}\n')).problems).toMatchObject([{ code: 'file_missing', line: 1 }]);
    await writeFile(
      join(folder, 'actions.yaml'),
      'svc.x: {effect: write, idempotency: none, input: {a: strin}, output: {}}',
    );
    expect((await run('  - {name: x, expect: {}}\n')).problems).toMatchObject([
      { code: 'input_schema_invalid', line: 1, suggestion: 'string' },
    ]);
  });

  it('is found in folders below; a folder without any is an error', async () => {
    await mkdir(join(folder, 'more'));
    await expect(runScenarioFiles([join(folder, 'more')], compileContext)).rejects.toThrow('There is no *.test.yaml');
    await expect(runScenarioFiles([join(folder, 'none')], compileContext)).rejects.toThrow('Cannot read');
    const text =
      HEAD.replaceAll('./', '../') + '  - {name: x, start: {inputs: {hosts: []}}, expect: {status: failed}}\n';
    await writeFile(join(folder, 'more', 'below.test.yaml'), text);
    const report = await runScenarioFiles([folder], compileContext);
    expect(report).toMatchObject({ ok: true, passed: 1, failed: 0 });
  });

  it('says what no scenario reached, and reports for CI systems', async () => {
    const text = `  - name: '<one> & "two"'
    ${TWO_HOSTS}
    ${APPROVED}
    mocks: {"roll[*]": {returns: {}}, probe: {returns: {ok: true}}}
    expect: {status: failed}
`;
    const report = await run(text, { coverage: true });
    expect(report.coverage).toEqual({
      total: 12,
      missed: ['handler roll!0', 'case verdict:bad', 'step stop', 'step tell'],
    });
    const xml = junitXml({ ok: false, passed: 0, failed: 1, files: [report] });
    expect(xml).toContain('name="&lt;one&gt; &amp; &quot;two&quot;"');
    expect(xml).toContain('<failure message="status">');
    expect(xml.match(/<testcase /g)).toHaveLength(1);
  });

  it('runs a hundred scenarios in less than a second of CPU time', async () => {
    const one = (ix: number): string =>
      `  - {name: s${ix}, ${TWO_HOSTS}, ${APPROVED}, mocks: {"roll[*]": {returns: {}}, probe: {returns: {ok: true}}}, expect: {status: completed, outputs: {done: 2}}}\n`;
    await writeFile(join(folder, 'many.test.yaml'), HEAD + Array.from({ length: 100 }, (_, ix) => one(ix)).join(''));
    await runScenarioFiles([folder], compileContext);
    // A thousand take less than ten seconds then; what else the machine does, and what is compiled once, is no matter.
    const before = process.cpuUsage();
    const report = await runScenarioFiles([folder], compileContext);
    const { user, system } = process.cpuUsage(before);
    expect(report).toMatchObject({ ok: true, passed: 100 });
    expect((user + system) / 1_000_000).toBeLessThan(1);
  });
});
