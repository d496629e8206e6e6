import { describe, expect, it } from '@jest/globals';
import { join } from 'node:path';
import { cliWorld } from '../../test/support/cli-world.js';
import { fakeEvent, fakeProblem } from '../../test/support/fake-services.js';

const cli = cliWorld({ name: 'a.yaml', text: 'id: bp.a\nplan: []\n' });
const { xynctl } = cli;

describe('blueprints', () => {
  it('prints problems as a compiler does, and ends with 1', async () => {
    cli.world.problems = [
      fakeProblem({ code: 'unused_input', severity: 'warning', line: 2, column: 1, message: 'Never read.' }),
      fakeProblem({ suggestion: 'did you mean `prompt`?' }),
    ];
    for (const command of ['validate', 'apply']) {
      const { code, out } = await xynctl(['blueprints', command, cli.file]);
      expect(code).toBe(1);
      expect(out).toBe(
        [
          `${cli.file}:2:1: warning unused_input: Never read.`,
          `${cli.file}:3:5: error field_unknown: \`promt\` is not a field of agent_task.`,
          '  → did you mean `prompt`?',
          `${cli.file}: not valid, 1 error, 1 warning`,
          '',
        ].join('\n'),
      );
    }
    const { code, out } = await xynctl(['blueprints', 'validate', cli.file, '--json']);
    expect([code, JSON.parse(out)]).toEqual([
      1,
      { files: [{ file: cli.file, is_valid: false, problems: cli.world.problems }] },
    ]);
  });

  it('applies files and standard input, and says which version they are', async () => {
    const { code, out } = await xynctl(['blueprints', 'apply', cli.file, '-'], 'id: bp.b\n');
    expect(code).toBe(0);
    expect(out).toMatch(
      /a\.yaml: bp\.remediate is now version 2 \(sha256:0+\)\n<stdin>: bp\.remediate is now version 2/,
    );
    expect(cli.world.calls.map(({ args }) => args)).toEqual([
      { source: 'id: bp.a\nplan: []\n' },
      { source: 'id: bp.b\n' },
    ]);
    expect((await xynctl(['blueprints', 'validate', cli.file])).out).toBe(`${cli.file}: valid\n`);
  });

  it('lists and shows them, and refuses what cannot be read', async () => {
    expect((await xynctl(['blueprints', 'list'])).out).toContain('bp.remediate');
    expect((await xynctl(['blueprints', 'show', 'bp.remediate'])).out).toContain('  id: bp.remediate');
    expect((await xynctl(['blueprints', 'show', 'bp.nothing'])).code).toBe(3);
    expect((await xynctl(['blueprints', 'apply', join(cli.dir, 'none.yaml')])).code).toBe(2);
  });
});

describe('runs start', () => {
  it('starts a run of a blueprint with its inputs', async () => {
    const args = ['--input', 'host=web-1=a', '--input', 'count:=3', '--name', 'by hand'];
    const { code, out } = await xynctl(['runs', 'start', 'bp.remediate', ...args]);
    expect([code, out]).toEqual([0, expect.stringMatching(/^run [0-9a-f-]{36}\n$/)]);
    expect(cli.world.calls.at(-1)?.args).toMatchObject({
      blueprint_ref: 'bp.remediate',
      inputs: { host: 'web-1=a', count: 3 },
      name: 'by hand',
    });
  });

  it('applies the document of --file first, and starts nothing when it has errors', async () => {
    expect((await xynctl(['runs', 'start', '--file', cli.file])).code).toBe(0);
    expect(cli.world.calls.map(({ name }) => name)).toEqual(['apply', 'create']);
    expect(cli.world.calls[1]?.args).toMatchObject({ blueprint_ref: 'bp.remediate@2' });
    cli.world.problems = [fakeProblem()];
    const { code, out } = await xynctl(['runs', 'start', '--file', cli.file]);
    expect([code, out]).toEqual([1, expect.stringContaining(`${cli.file}:3:5: error field_unknown`)]);
    expect(cli.world.calls.map(({ name }) => name)).toEqual(['apply', 'create', 'apply']);
  });

  it.each([[[]], [['bp.a', '--file', 'a.yaml']], [['bp.a', '--input', 'host']], [['bp.a', '--input', 'count:=x']]])(
    'refuses %j',
    async (args) => {
      expect((await xynctl(['runs', 'start', ...args])).code).toBe(2);
      expect(cli.world.calls).toEqual([]);
    },
  );
});

describe('why did nothing start?', () => {
  it.each([
    ['filter_false', { trigger: 0 }, 'the filter of trigger 1 is false for this event'],
    [
      'filter_error',
      { trigger: 1, field: 'filter', code: 'no_such_field', message: 'no `x`' },
      'the filter of trigger 2 could not be evaluated (no_such_field: no `x`)',
    ],
    [
      'filter_error',
      { trigger: 0, field: 'inputs', code: 'type', message: 'm' },
      'the inputs of trigger 1 could not be evaluated (type: m)',
    ],
    ['filter_error', { code: 'plan_digest_mismatch' }, 'the stored plan is damaged'],
    [
      'input_invalid',
      { trigger: 0, code: 'input_missing', problems: [{ path: 'host', message: '`host` is required.' }] },
      'the inputs that trigger 1 gives do not fit (input_missing: `host` is required.)',
    ],
    ['disabled', { reason: 'blueprint' }, 'the blueprint is switched off'],
    ['disabled', { trigger: 0, reason: 'trigger' }, 'trigger 1 is switched off'],
    ['loop', { trigger: 0, cause_depth: 9, allowed: 8 }, 'a chain of 9 runs that caused one another; 8 are'],
    ['backlog', { starts_per_minute: 5 }, 'the blueprint starts too often (5 a minute'],
    ['backlog', { expired: true }, 'too old'],
  ] as const)('says %s in words', async (verdict, detail, reason) => {
    const event = fakeEvent({
      verdicts: [{ blueprint_id: 'bp.a', verdict, detail: { ...detail } as never, run_id: null }],
    });
    cli.world.events = [event];
    const { out } = await xynctl(['events', 'show', event.event_id]);
    expect(out).toContain(`bp.a: ${verdict}: `);
    expect(out).toContain(reason);
  });
});
