import { confirm, isCancel } from '@clack/prompts';
import { readFile } from 'node:fs/promises';
import { ApiClient } from '../client/api-client.js';
import { plain } from '../cli/format.js';
import { Printer } from '../cli/printer.js';
import { ERROR_CODES } from '../domain/error-codes.js';
import { XynFault } from '../domain/fault.js';
import { usedBy, verifiedAudit } from './demo-facts.js';
import { DemoRun } from './demo-run.js';
import { announceTarget, DEMO_ALERT, demoSetup, type DemoSetup } from './demo-setup.js';
import { startDemoSshServer } from './demo-ssh-server.js';
import { fileLog } from './file-log.js';
import { Lifecycle } from './lifecycle.js';
import { packagePaths } from './package-paths.js';
import { terminalProgress } from './progress.js';
import { applySettingsFile } from './settings-file.js';
import { up, type UpState } from './up.js';

/** `npm run demo`: starts everything, sends an alert, shows what becomes of it, and stays up until Ctrl-C. */
const USER = 'ops';

interface Demo {
  setup: DemoSetup;
  lifecycle: Lifecycle;
  printer: Printer;
}

async function start({ setup, lifecycle, printer }: Demo): Promise<UpState> {
  const { config, env } = setup;
  const ssh = await startDemoSshServer(USER);
  lifecycle.onClose('ssh server', () => ssh.close());
  printer.line(
    `SSH server    127.0.0.1:${ssh.port} stands for the machine web-1; it takes one key and its host key is pinned`,
  );
  const progress = terminalProgress(process.stderr);
  try {
    return await up({
      config,
      log: await fileLog(config, 'demo'),
      lifecycle,
      onProgress: progress.show,
      onNotice: (message) => printer.note(message),
      env,
      workerEnv: await announceTarget(config, ssh),
    });
  } finally {
    progress.done();
  }
}

async function applyBlueprint(client: ApiClient, printer: Printer): Promise<void> {
  const answer = await client.applyBlueprint(await readFile(packagePaths.demoBlueprint));
  if ('is_valid' in answer) {
    const [first] = answer.problems;
    throw new XynFault(
      'blueprint_invalid',
      `The demo's blueprint is not valid: ${first?.message ?? 'no reason given'}`,
    );
  }
  printer.line(`Blueprint     ${answer.blueprint_id} version ${answer.version}`);
  for (const { line, column, message } of answer.warnings)
    printer.line(`              warning ${line}:${column} ${plain(message)}`);
}

function decider({ lifecycle, printer }: Demo): () => Promise<boolean> {
  return async () => {
    if (!process.stdin.isTTY || !process.stdout.isTTY) {
      printer.line('              no terminal to ask at: the demo approves by itself');
      return true;
    }
    const answer = await confirm({ message: 'Run the command on web-1?', signal: lifecycle.ending });
    if (!isCancel(answer)) return answer;
    // In its own mode the terminal hands Ctrl-C to the question, not to the process.
    void lifecycle.close();
    lifecycle.ending.throwIfAborted();
    return false;
  };
}

async function tell({ setup, lifecycle, printer }: Demo, client: ApiClient, runId: string): Promise<void> {
  const used = await usedBy(setup.config, runId);
  const amounts = used.map(
    ({ metric, quantity, unit }) => `${metric} ${Math.round(quantity)}${unit === 'ms' ? ' ms' : ''}`,
  );
  const { items } = await client.listArtifacts({ run_id: runId });
  const kept = items.map(({ name, byte_length: bytes }) => `${plain(name)} (${bytes ?? '?'} bytes)`);
  const audit = await verifiedAudit(setup.config, lifecycle.ending);
  const verdict = audit.ok ? printer.status('ok') : `broken: ${audit.first_problem?.message ?? ''}`;
  printer.line();
  printer.line(`Artifacts     ${kept.length === 0 ? 'none' : kept.join(', ')}`);
  printer.line(`Footprints    ${amounts.length === 0 ? 'none' : amounts.join(', ')}`);
  printer.line(
    `Audit trail   ${verdict}: ${audit.linked} of ${audit.entries} entries linked by hash, ${audit.heads} signed heads`,
  );
}

function showAddresses({ setup, printer }: Demo, state: UpState, runId: string): void {
  const { config } = setup;
  const isMoved = config.port !== 0 && new URL(state.api.url).port !== String(config.port);
  printer.line();
  printer.line(`Page          ${state.ui.url}${isMoved ? `   (port ${config.port} is taken)` : ''}`);
  printer.line(`API           ${state.api.url}/api/v1`);
  printer.line(`Temporal      ${state.temporal.ui_url ?? state.temporal.address}`);
  printer.line(`Look closer   xynctl --url ${state.api.url} runs show ${runId.slice(0, 8)}`);
  printer.line('It stays up until Ctrl-C, which stops all of it.');
}

async function show(demo: Demo): Promise<void> {
  const { setup, lifecycle, printer } = demo;
  const state = await start(demo);
  const client = new ApiClient({ url: state.api.url, actor: 'demo', program: `xyn-demo/${state.version}` });
  printer.line(`Xyn           ${state.version} is up at ${state.api.url}`);
  printer.line(`Agent         ${setup.agents.told}`);
  await applyBlueprint(client, printer);
  const event = await client.emitEvent(DEMO_ALERT);
  printer.line(`Event         ${event.event_name} ${event.event_id}`);
  const runId = event.verdicts.find(({ run_id: id }) => id !== null)?.run_id;
  if (runId === null || runId === undefined) throw new XynFault('internal', 'The alert started no run.');
  printer.line(`Run           ${runId}`);
  printer.line();
  const run = new DemoRun({ client, printer, ending: lifecycle.ending, decide: decider(demo) });
  await run.follow(runId);
  await tell(demo, client, runId);
  showAddresses(demo, state, runId);
  await lifecycle.ended;
}

function explain(error: unknown, printer: Printer): number {
  const fault = error instanceof XynFault ? error : undefined;
  const text = error instanceof Error ? (fault ? error.message : (error.stack ?? error.message)) : String(error);
  printer.note(`${text}${fault ? ` [${fault.code}]` : ''}`);
  return fault ? ERROR_CODES[fault.code].exit : ERROR_CODES.internal.exit;
}

async function main(): Promise<number> {
  const { stdout, stderr, env } = process;
  const printer = new Printer({ stdout, stderr, env, json: false });
  let lifecycle: Lifecycle | undefined;
  try {
    applySettingsFile(env, { orUsual: true });
    const setup = demoSetup(env);
    lifecycle = new Lifecycle(await fileLog(setup.config, 'demo'));
    lifecycle.ending.addEventListener('abort', () => printer.note('Stopping …'));
    await show({ setup, lifecycle, printer });
    return Number(process.exitCode ?? 0);
  } catch (error) {
    // What breaks because the end was asked for is no failure.
    return lifecycle?.ending.aborted === true ? Number(process.exitCode ?? 0) : explain(error, printer);
  } finally {
    await lifecycle?.close();
    printer.note('Stopped.');
  }
}

process.exitCode = await main();
// Ended streams and servers leave nothing open; what a library still holds must not keep the demo alive.
process.exit();
