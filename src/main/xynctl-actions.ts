import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { auditChain } from '../catalog/audit-chain.js';
import { connectCatalog } from '../catalog/connect.js';
import type { AuditReport, CliActions, ReplayReport, StatusReport } from '../cli/actions.js';
import { apiUrl } from '../cli/endpoint.js';
import type { Printer } from '../cli/printer.js';
import type { Config } from '../config/config.js';
import { createLogger } from '../config/log.js';
import { upStateFile, upStateSchema, type UpState } from '../config/up-state.js';
import { XynFault } from '../domain/fault.js';
import { workflowIdOf } from '../domain/ids.js';
import { nearestName } from '../language/suggestion.js';
import { healthSchema, type Health } from '../http/schemas/health.js';
import { startPostgres } from '../servers/postgres.js';
import { endProcess, processRef } from '../servers/process-ref.js';
import { junitXml } from '../scenarios/junit.js';
import { mismatchLines } from '../scenarios/report.js';
import { runScenarioFiles } from '../scenarios/scenario-files.js';
import { readStateFile } from '../servers/state-file.js';
import { AuditHeads } from '../services/audit-heads.js';
import { verifyAudit } from '../services/audit-verification.js';
import { RunGateway } from '../temporal/gateway.js';
import { replayHistory } from '../temporal/replay.js';
import { installRuntime } from '../temporal/worker.js';
import { compileContext } from './compiler.js';
import { blueprintSchemaText, drawBlueprint, migrateBlueprint } from './document-actions.js';
import { fileLog } from './file-log.js';
import { Lifecycle } from './lifecycle.js';
import { packagePaths, packageVersion } from './package-paths.js';
import { preflight } from './preflight.js';
import { terminalProgress } from './progress.js';
import { up } from './up.js';

/** Stopping includes draining the worker, up to 35 s. */
const DOWN_MS = 60_000;
const STATUS_MS = 3_000;

/** What `xynctl` does on this machine itself, past the API. */
export const cliActions: CliActions = {
  version: packageVersion(),
  nearestName,
  drawBlueprint,
  migrateBlueprint,
  blueprintSchemaText,
  preflight,
  up: runUp,
  down: stopUp,
  status: readStatus,
  replayFile: async (file) => replay(await historyIn(file), `file:${path.basename(file)}`),
  replayRun: fetchAndReplay,
  verifyAudit: verify,
  runScenarios: (paths, options) => runScenarioFiles(paths, compileContext(), options),
  mismatchLines,
  junit: junitXml,
};

async function runUp(config: Config, printer: Printer): Promise<number> {
  const log = await fileLog(config, 'up');
  const lifecycle = new Lifecycle(log);
  const progress = terminalProgress(process.stderr);
  try {
    const state = await up({
      config,
      log,
      lifecycle,
      onProgress: progress.show,
      onNotice: (message) => printer.note(message),
    });
    progress.done();
    printer.result(state, () => describe(state, config).forEach((line) => printer.line(line)));
  } catch (error) {
    progress.done();
    const isWanted = lifecycle.ending.aborted;
    await lifecycle.close();
    if (isWanted) return 0;
    throw error;
  }
  await lifecycle.ended;
  await lifecycle.close();
  return Number(process.exitCode ?? 0);
}

function describe(state: Awaited<ReturnType<typeof up>>, config: Config): string[] {
  const moved = new URL(state.api.url).port !== String(config.port);
  return [
    `Xyn ${state.version} is up.`,
    `  API       ${state.api.url}/api/v1${moved && config.port !== 0 ? `   (port ${config.port} is taken)` : ''}`,
    `  Page      ${state.ui.url}`,
    `  Temporal  ${state.temporal.ui_url ?? state.temporal.address}`,
    'Ctrl-C stops all of it.',
  ];
}

const readUp = (config: Config): Promise<UpState | undefined> =>
  readStateFile(upStateFile(config.stateDir), upStateSchema);

async function stopUp(config: Config): Promise<{ stopped: boolean }> {
  const state = await readUp(config);
  const ref = state && (await processRef(state.pid));
  if (!ref) return { stopped: false };
  await endProcess(ref, DOWN_MS);
  return { stopped: true };
}

async function readStatus(config: Config): Promise<StatusReport> {
  const url = apiUrl(config);
  const health = await askHealth(url);
  const state = await readUp(config);
  return {
    api: { url, ok: health !== undefined },
    ui: { url },
    temporal: health?.checks.temporal ?? { address: state?.temporal?.address ?? '', ui_url: null, ok: false },
    worker: health?.checks.worker ?? { ok: false, pollers: 0 },
    postgres: health?.checks.postgres ?? { ok: false },
    version: health?.version ?? packageVersion(),
  };
}

async function askHealth(url: string): Promise<Health | undefined> {
  try {
    const answer = await fetch(`${url}/api/v1/health`, { signal: AbortSignal.timeout(STATUS_MS) });
    return healthSchema.parse(await answer.json());
  } catch {
    // Whatever the reason: the API does not answer, and that is what the report says.
    return undefined;
  }
}

async function historyIn(file: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(file, 'utf8'));
  } catch (error) {
    throw new XynFault('request_invalid', `${file} is not a JSON file that can be read.`, { cause: error });
  }
}

async function replay(history: unknown, workflowId: string): Promise<ReplayReport> {
  // What the SDK says about a replay is in the verdict.
  installRuntime({ log: () => undefined });
  const verdict = await replayHistory(packagePaths.workflowBundle, history, workflowId);
  const events = (history as { events?: unknown[] }).events?.length ?? 0;
  return { ok: verdict.fits, events, ...(verdict.difference === undefined ? {} : { message: verdict.difference }) };
}

async function fetchAndReplay(config: Config, runId: string): Promise<ReplayReport> {
  const address = config.temporalAddress ?? (await readUp(config))?.temporal?.address;
  if (address === undefined) {
    throw new XynFault('not_running', 'No Temporal server is known here; start `xynctl up`, or set TEMPORAL_ADDRESS.');
  }
  const log = createLogger({ level: 'silent', name: 'replay' });
  const gateway = new RunGateway({ address, namespace: config.temporalNamespace, taskQueue: config.taskQueue, log });
  try {
    const history = await gateway.history(runId);
    if (!history) throw new XynFault('run_not_found', `Temporal holds no history of run ${runId}.`);
    return await replay(history, workflowIdOf(runId));
  } finally {
    await gateway.close();
  }
}

async function verify(config: Config, onProgress: (checked: number) => void): Promise<AuditReport> {
  const postgres =
    config.databaseUrl === undefined
      ? await startPostgres({ dir: path.join(config.stateDir, 'postgres'), log: await fileLog(config, 'verify') })
      : undefined;
  const catalog = connectCatalog({ url: config.databaseUrl ?? postgres?.appUrl ?? '', applicationName: 'xyn-verify' });
  try {
    const heads = await AuditHeads.openForReading(path.join(config.stateDir, 'audit'));
    return await verifyAudit({ chain: auditChain(catalog), heads, onProgress });
  } finally {
    await catalog.close();
    if (postgres && !postgres.reused) await postgres.stop();
  }
}
