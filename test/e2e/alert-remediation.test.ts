import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { ApiClient } from '../../src/client/api-client.js';
import { startDemoSshServer, type DemoSshServer } from '../../src/main/demo-ssh-server.js';
import { describeWith } from '../support/parts.js';
import { until } from '../support/until.js';
import { XynProcesses } from '../support/xyn-processes.js';

const blueprint = (name: string): Promise<Buffer> =>
  readFile(new URL(`../../blueprints/${name}.yaml`, import.meta.url));
/** Of the skeleton example of the source plan (001 §7.2), as it stands there. */
const SOURCE_SHA256 = '70a45baf1015abd66c0269fc8c7c3b5d7df656c0b7ec1bcbfdb7fa0577f97ae4';

let ssh: DemoSshServer;
let folder: string;
let processes: XynProcesses;
let client: ApiClient;

describeWith('temporal')('the alert remediation of the source plan', () => {
  beforeAll(async () => {
    ssh = await startDemoSshServer('ops');
    folder = await mkdtemp(path.join(tmpdir(), 'xyn-targets-'));
    const targetsFile = path.join(folder, 'targets.yaml');
    const target = { name: 'web-1', address: '127.0.0.1', port: ssh.port, user: ssh.user, host_key: ssh.hostKey };
    await writeFile(targetsFile, JSON.stringify({ targets: [{ ...target, key: { secret: 'demo/ssh-key' } }] }));
    processes = await XynProcesses.start({
      name: 'remediation',
      shared: true,
      workerEnv: { XYN_AGENTS: 'scripted', XYN_TARGETS_FILE: targetsFile, XYN_SECRET_DEMO_SSH_KEY: ssh.clientKey },
    });
    client = new ApiClient({ url: processes.apiUrl, actor: 'ann' });
  });

  afterAll(async () => {
    await (processes as XynProcesses | undefined)?.stopAll();
    await ssh.close();
    await rm(folder, { recursive: true, force: true });
  });

  it('is the document itself, and the demo changes its command only', async () => {
    const source = await blueprint('alert-remediation');
    expect(createHash('sha256').update(source).digest('hex')).toBe(SOURCE_SHA256);
    const lines = source.toString().split('\n');
    const demo = (await blueprint('demo-alert-remediation')).toString().split('\n');
    expect(demo).toHaveLength(lines.length);
    const changed = demo.filter((line, at) => line !== lines[at]);
    expect(changed).toEqual([expect.stringMatching(/^ {6}cmd: "[^"{]+"$/)]);
  });

  it('runs byte for byte: analysed, approved, and its command ends as exit_nonzero', async () => {
    const applied = await client.applyBlueprint(await blueprint('alert-remediation'));
    expect(applied).toMatchObject({
      blueprint_id: 'bp.checkmk.auto_remediate',
      version: 1,
      created: true,
      warnings: [{ code: 'unused_input', severity: 'warning' }],
    });
    expect(await client.applyBlueprint(await blueprint('alert-remediation'))).toMatchObject({
      version: 1,
      created: false,
    });
    const data = { host: 'web-1', service: 'nginx' };
    const event = await client.emitEvent({ event_name: 'checkmk.alert', data });
    const runId = event.verdicts[0]?.run_id ?? '';
    const gate = await until('its gate opens', async () => {
      const { items } = await client.listGates({ run_id: runId, status: 'open' });
      return items[0];
    });
    expect((await client.getGate(gate.gate_id)).binds).toMatchObject([
      { path: 'run_fix', action: 'ssh.run', input: { host: 'web-1', cmd: '...' } },
    ]);
    await client.decideGate(gate.gate_id, { decision: 'approve' });
    const run = await until('it ends', async () => {
      const seen = await client.getRun(runId);
      return seen.completed_at === null ? undefined : seen;
    });
    expect(run).toMatchObject({ status: 'failed', error: { code: 'exit_nonzero' } });
    const steps = await until('its records are written', async () => {
      const seen = await client.steps(runId);
      return seen.length === 3 && seen.every(({ completed_at: end }) => end !== null) ? seen : undefined;
    });
    expect(steps.map(({ path: step, status }) => [step, status])).toEqual([
      ['analyze', 'completed'],
      ['approve', 'completed'],
      ['run_fix', 'failed'],
    ]);
    const log = await until('its log is kept', async () => {
      const { items } = await client.listArtifacts({ run_id: runId, kind: 'run_log' });
      return items[0];
    });
    const chunks: Uint8Array[] = [];
    for await (const chunk of client.downloadArtifact(log)) chunks.push(chunk);
    const lines = Buffer.concat(chunks).toString().trimEnd().split('\n');
    const happened = lines.map((line) => JSON.parse(line) as { event: string; path: string | null });
    expect(happened.map(({ event: what, path: step }) => `${what} ${step ?? ''}`)).toEqual(
      expect.arrayContaining(['attempt.ended analyze', 'gate.decided approve', 'step.ended run_fix', 'run.ended ']),
    );
  });

  it('runs a document of 200 steps and refuses one of 201', async () => {
    const steps = (count: number): string =>
      Array.from({ length: count }, (_, ix) => `  - {id: s${ix}, kind: transform, set: {n: ${ix}}}\n`).join('');
    const document = (count: number): Buffer =>
      Buffer.from(`id: bp.long\nname: Long\ntrigger: {event_type: long.event}\nplan:\n${steps(count)}`);
    expect(await client.validateBlueprint(document(201))).toMatchObject({ problems: [{ code: 'limit_steps' }] });
    await client.applyBlueprint(document(200));
    const run = await client.startRun({ blueprint_ref: 'bp.long', inputs: {} });
    await until('the run is completed', async () => (await client.getRun(run.run_id)).status === 'completed');
  });

  it('refuses a broken document with every problem and its place', async () => {
    const broken = (await blueprint('alert-remediation'))
      .toString()
      .replace('prompt:', 'promt:')
      .replace('ssh.run', 'ssh.rum');
    const report = await client.validateBlueprint(Buffer.from(broken));
    expect(report.is_valid).toBe(false);
    expect(report.problems).toEqual(
      expect.arrayContaining([
        expect.objectContaining({
          code: 'field_unknown',
          line: 13,
          column: 5,
          suggestion: expect.stringContaining('prompt'),
        }),
        expect.objectContaining({ code: 'action_unknown', line: 19, suggestion: expect.stringContaining('ssh.run') }),
      ]),
    );
    expect(await client.validateBlueprint(Buffer.from(''))).toMatchObject({ problems: [{ code: 'yaml_empty' }] });
  });
});
