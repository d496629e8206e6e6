import { expect, it } from '@jest/globals';
import { cliWorld } from '../../test/support/cli-world.js';
import { mismatchLines } from '../scenarios/report.js';

const ID = '4b1c9f52-6b0c-4d7e-8f7e-2d6f3a1c5e90';
const cli = cliWorld({ name: 'remediate.yaml', text: 'id: bp.remediate\n' }, { mismatchLines });
const xynctl = (...args: string[]) => cli.xynctl(args, 'id: bp.from.stdin\n');

it('saves a file under its name, with what the author saw', async () => {
  const { code, out } = await xynctl(
    'drafts',
    'save',
    cli.file,
    '--notes',
    'twice',
    '--expected',
    '0',
    '--base',
    'none',
  );
  expect([code, out]).toEqual([0, `bp.remediate is now at revision 1 (${ID})\n`]);
  expect(cli.world.calls).toMatchObject([
    {
      name: 'save-draft',
      args: {
        draft: { kind: 'blueprint', name: 'remediate' },
        definition: 'id: bp.remediate\n',
        notes: 'twice',
        expected_revision: 0,
        base_version: null,
      },
    },
  ]);
  expect((await xynctl('drafts', 'save', '-', '--name', 'other')).code).toBe(0);
  expect(cli.world.calls[1]?.args).toMatchObject({ draft: { name: 'other' }, definition: 'id: bp.from.stdin\n' });
  expect((await xynctl('drafts', 'save', '-')).code).toBe(2);
  expect((await xynctl('drafts', 'save', cli.file, '--expected', 'x')).code).toBe(2);
});

it.each([[ID], [ID.slice(0, 8)], ['bp.remediate']])('finds the draft %s', async (given) => {
  const { code, out } = await xynctl('drafts', 'show', given);
  expect(code).toBe(0);
  expect(out).toContain(ID);
  expect(out).toContain('  id: bp.remediate');
});

it('says that a draft is not there', async () => {
  const { code, err } = await xynctl('drafts', 'show', 'bp.else');
  expect([code, err]).toEqual([3, expect.stringContaining('[draft_not_found]')]);
});

it('lists, and shows what changed', async () => {
  const { out } = await xynctl('drafts', 'list', '--status', 'draft', '--search', 'remediate');
  expect(out).toContain('4b1c9f52');
  const { out: lines, err } = await xynctl('drafts', 'diff', ID);
  expect(lines).toBe('@@ 3 unchanged @@\n+id: bp.remediate\n');
  expect(err).toBe('1 added, 0 removed\n');
});

it('validates, tests and promotes, with exit codes', async () => {
  expect(await xynctl('drafts', 'validate', ID)).toMatchObject({ code: 0, out: 'revision 1 is valid\n' });
  const tested = await xynctl('drafts', 'test', ID, cli.file);
  expect(tested).toMatchObject({ code: 0, out: expect.stringContaining('1 passed, 0 failed') });
  const promoted = await xynctl('drafts', 'promote', ID, '--revision', '1', '--reason', 'reviewed');
  expect(promoted.out).toMatch(/^bp\.remediate is now version 2 \(sha256:/);
  expect(cli.world.calls.map(({ name, args }) => [name, args])).toMatchObject([
    ['validate-draft', { id: ID }],
    ['test-draft', { scenarios: 'id: bp.remediate\n' }],
    ['promote-draft', { expected_revision: 1, reason: 'reviewed' }],
  ]);
});

it('goes back to a version, and by itself to the one before', async () => {
  const named = await xynctl('blueprints', 'rollback', 'bp.remediate', '--to', '1', '--reason', 'worse');
  expect([named.code, named.out]).toEqual([0, expect.stringMatching(/^bp\.remediate is now version 1 /)]);
  expect(cli.world.calls).toMatchObject([{ name: 'activate', args: { version: 1, reason: 'worse' } }]);
  // The blueprint of the fake has no earlier version.
  expect((await xynctl('blueprints', 'rollback', 'bp.remediate')).code).toBe(3);
  expect((await xynctl('blueprints', 'rollback', 'bp.remediate', '--to', 'one')).code).toBe(2);
});
