import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startContractServer } from '../../test/support/api-contract.js';
import { fakeServices, type FakeWorld } from '../../test/support/fake-services.js';
import { createApp } from '../http/app.js';
import type { HttpServer } from '../http/server.js';
import { mismatchLines } from '../scenarios/report.js';
import type { CliActions } from './actions.js';
import { runProgram } from './program.js';

const ID = '4b1c9f52-6b0c-4d7e-8f7e-2d6f3a1c5e90';
let world: FakeWorld;
let server: HttpServer;
let dir: string;
let file: string;

beforeEach(async () => {
  const fake = fakeServices();
  world = fake.world;
  const quiet = (): void => undefined;
  const log = { info: quiet, warn: quiet, error: quiet };
  server = await startContractServer(createApp(fake.services, { log, version: '1', allowedHosts: [] }));
  dir = await mkdtemp(join(tmpdir(), 'xynctl-'));
  file = join(dir, 'remediate.yaml');
  await writeFile(file, 'id: bp.remediate\n');
});

afterEach(async () => {
  await server.close();
  await rm(dir, { recursive: true });
});

async function xynctl(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  let out = '';
  let err = '';
  async function* input(): AsyncGenerator<string> {
    yield 'id: bp.from.stdin\n';
  }
  const code = await runProgram(args, { version: '1', mismatchLines } as CliActions, {
    env: { XYN_STATE_DIR: dir, XYN_URL: server.url },
    stdin: input(),
    stdout: { write: (text) => (out += text) },
    stderr: { write: (text) => (err += text) },
    clock: () => Date.parse('2026-11-21T10:01:00.000Z'),
  });
  return { code, out, err };
}

it('saves a file under its name, with what the author saw', async () => {
  const { code, out } = await xynctl('drafts', 'save', file, '--notes', 'twice', '--expected', '0', '--base', 'none');
  expect([code, out]).toEqual([0, `bp.remediate is now at revision 1 (${ID})\n`]);
  expect(world.calls).toMatchObject([
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
  expect(world.calls[1]?.args).toMatchObject({ draft: { name: 'other' }, definition: 'id: bp.from.stdin\n' });
  expect((await xynctl('drafts', 'save', '-')).code).toBe(2);
  expect((await xynctl('drafts', 'save', file, '--expected', 'x')).code).toBe(2);
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
  const tested = await xynctl('drafts', 'test', ID, file);
  expect(tested).toMatchObject({ code: 0, out: expect.stringContaining('1 passed, 0 failed') });
  const promoted = await xynctl('drafts', 'promote', ID, '--revision', '1', '--reason', 'reviewed');
  expect(promoted.out).toMatch(/^bp\.remediate is now version 2 \(sha256:/);
  expect(world.calls.map(({ name, args }) => [name, args])).toMatchObject([
    ['validate-draft', { id: ID }],
    ['test-draft', { scenarios: 'id: bp.remediate\n' }],
    ['promote-draft', { expected_revision: 1, reason: 'reviewed' }],
  ]);
});

it('goes back to a version, and by itself to the one before', async () => {
  const named = await xynctl('blueprints', 'rollback', 'bp.remediate', '--to', '1', '--reason', 'worse');
  expect([named.code, named.out]).toEqual([0, expect.stringMatching(/^bp\.remediate is now version 1 /)]);
  expect(world.calls).toMatchObject([{ name: 'activate', args: { version: 1, reason: 'worse' } }]);
  // The blueprint of the fake has no earlier version.
  expect((await xynctl('blueprints', 'rollback', 'bp.remediate')).code).toBe(3);
  expect((await xynctl('blueprints', 'rollback', 'bp.remediate', '--to', 'one')).code).toBe(2);
});
