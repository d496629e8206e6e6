import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startContractServer } from '../../test/support/api-contract.js';
import { fakeServices } from '../../test/support/fake-services.js';
import type { CatalogAccess } from '../catalog/unit-of-work.js';
import { createApp } from '../http/app.js';
import type { HttpServer } from '../http/server.js';
import { createCompiler, createTargetFields } from '../main/compiler.js';
import { BlueprintService } from '../services/blueprints.js';
import { drawBlueprint, migrateBlueprint } from '../main/document-actions.js';
import type { CliActions } from './actions.js';
import { runProgram } from './program.js';

const BLUEPRINT = `
api: xyn/v1
id: bp.a
triggers: [{event: disk.full}]
inputs: {host: string}
plan:
  - {kind: gate, id: ok, mode: manual, approvers: ['role:Operator'], message: 'Clean {{inputs.host}}?', timeout: 1h}
  - kind: for_each
    id: each
    in: [/tmp, /var]
    do: [{kind: action_task, id: clean, action: ssh.run, with: {host: '{{inputs.host}}', argv: [clean, '{{item}}']}}]
  - {kind: action_task, id: tell, action: http.call, with: {url: 'https://chat.example/', body: '{{steps.each.outputs}}'}}
`;
let server: HttpServer;
let dir: string;
let file: string;

beforeEach(async () => {
  const { services } = fakeServices();
  const blueprints = new BlueprintService({
    catalog: {} as CatalogAccess,
    compile: createCompiler(),
    clock: Date.now,
    envId: 'local',
    preview: { env: { id: 'local', name: 'local', stage: 'dev', vars: {} }, targetFields: createTargetFields() },
  });
  services.blueprints.preview = (request) => blueprints.preview(request);
  const quiet = (): void => undefined;
  const app = createApp(services, { log: { info: quiet, warn: quiet, error: quiet }, version: '1', allowedHosts: [] });
  server = await startContractServer(app);
  dir = await mkdtemp(join(tmpdir(), 'xynctl-'));
  file = join(dir, 'a.yaml');
  await writeFile(file, BLUEPRINT);
});

afterEach(async () => {
  await server.close();
  await rm(dir, { recursive: true });
});

async function xynctl(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  let out = '';
  let err = '';
  async function* stdin(): AsyncGenerator<string> {
    yield '{"event_name": "disk.full", "data": {"host": "db-1"}}';
  }
  const code = await runProgram(args, { version: '1', drawBlueprint, migrateBlueprint } as unknown as CliActions, {
    env: { XYN_STATE_DIR: dir, XYN_URL: server.url },
    stdin: stdin(),
    stdout: { write: (text) => (out += text) },
    stderr: { write: (text) => (err += text) },
    clock: Date.now,
  });
  return { code, out, err };
}

it('shows what would run, where, and who is asked', async () => {
  const { code, out } = await xynctl('plan', file, '--input', 'host=web-1');
  expect([code, out.slice(out.indexOf('•'))]).toEqual([
    0,
    `• ok  gate, timeout 1 h 00 m
    1 to approve, 1 to reject: role:Operator
    "Clean web-1?"
• each  for_each, 2 items, 1 at once
  • clean  ssh.run → web-1, write/none, timeout 10 m 00 s, 1 try
      host: web-1
      decided later: argv
• tell  http.call → https://chat.example/, read/safe, timeout 10 m 00 s, 3 tries
    url: https://chat.example/
    decided later: body
`,
  ]);
});

it('takes an event, and gives JSON', async () => {
  const { code, out } = await xynctl('plan', file, '--event', '-', '--json');
  expect([code, JSON.parse(out)]).toMatchObject([0, { verdict: 'started', inputs: { host: 'db-1' } }]);
});

it('tells what is wrong', async () => {
  expect(await xynctl('plan', file)).toMatchObject({ code: 2, err: expect.stringContaining('[input_missing]') });
  await writeFile(file, 'id: bp.a\nplan: []\n');
  expect(await xynctl('plan', file)).toMatchObject({ code: 1, out: expect.stringContaining(`${file}:2:7: error`) });
});

it('draws a document, and gives its v1 form, without a server', async () => {
  const drawn = await xynctl('blueprints', 'graph', file);
  expect([drawn.code, drawn.out]).toEqual([0, expect.stringMatching(/^flowchart TD\n/)]);
  const picture = await xynctl('blueprints', 'graph', file, '--format', 'svg', '--json');
  expect(JSON.parse(picture.out)).toMatchObject({ text: expect.stringContaining('<svg') });
  expect(await xynctl('blueprints', 'graph', file, '--format', 'png')).toMatchObject({ code: 2 });
  expect(await xynctl('blueprints', 'migrate', file)).toMatchObject({ code: 0, out: BLUEPRINT });
  await writeFile(file, 'id: bp.a\nplan: []\n');
  for (const command of ['graph', 'migrate']) {
    const { code, out } = await xynctl('blueprints', command, file);
    expect([code, out]).toEqual([1, expect.stringContaining('plan_empty')]);
  }
});
