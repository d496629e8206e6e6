import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { waitUntil } from './wait-until.js';

/** A download that has not begun after this time is not possible here: no network, or a proxy that refuses it. */
const beginMs = 10_000;
const finishMs = 180_000;

/**
 * The SDK can download a server only as a part of starting one, so this starts one in memory and stops it. It runs in a
 * process of its own: the SDK's native runtime exists once per process, and a stuck download could not be ended.
 */
const script = `
const { createRequire } = require('node:module');
const [entry, folder, version] = process.argv.slice(1);
const { native } = createRequire(entry)('@temporalio/core-bridge');
const runtime = native.newRuntime({
  logExporter: { type: 'console', filter: 'OFF', format: null },
  telemetry: { attachServiceName: false, metricPrefix: 'xyn_' },
  metricsExporter: null,
  workerHeartbeatIntervalMillis: null,
});
const exe = { type: 'cached-download', downloadDir: folder, version, ttl: 3600000, sdkName: 'xyn', sdkVersion: version };
const config = {
  type: 'dev-server', exe, namespace: 'default', ip: '127.0.0.1', port: null, uiPort: null, dbFilename: null,
  ui: false, log: { format: 'json', level: 'error' }, extraArgs: [],
};
native.newEphemeralServer(runtime, config)
  .then((server) => native.ephemeralServerShutdown(server))
  .then(() => process.exit(0), (error) => { process.stderr.write(String(error.message)); process.exit(1); });
`;

/**
 * Downloads the Temporal CLI through the SDK.
 * @param target where the program is to lie; its folder must exist.
 * @throws Error saying why not, in one line; at the latest after three minutes, after 10 s when nothing arrives.
 */
export async function downloadWithSdk(target: string, cliVersion: string, env: NodeJS.ProcessEnv): Promise<void> {
  const entry = createRequire(import.meta.url).resolve('@temporalio/worker');
  const folder = await mkdtemp(path.join(path.dirname(target), 'download-'));
  const child = spawn(process.execPath, ['-e', script, entry, folder, `v${cliVersion}`], {
    env,
    stdio: ['ignore', 'ignore', 'pipe'],
    detached: true,
  });
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => (said = (said + chunk.toString('utf8')).slice(-2_000)));
  let exitCode: number | undefined;
  child.once('error', (error) => ((said = error.message), (exitCode = 1)));
  child.once('exit', (code) => (exitCode = code ?? 1));
  try {
    const begun = async (): Promise<boolean> => exitCode !== undefined || (await readdir(folder)).length > 0;
    if (!(await waitUntil(begun, { timeoutMs: beginMs })))
      throw new Error(`nothing arrived within ${beginMs / 1_000} s`);
    const ended = await waitUntil(() => exitCode !== undefined, { timeoutMs: finishMs });
    if (!ended) throw new Error(`not finished after ${finishMs / 1_000} s`);
    const program = (await readdir(folder)).find((name) => name === `temporal-v${cliVersion}`);
    // A server that was downloaded but did not start in time is still a download; the caller tries it anyway.
    if (program === undefined) throw new Error(said.split('\n')[0] || 'the download failed');
    await rename(path.join(folder, program), target);
  } finally {
    endGroup(child.pid, exitCode);
    await rm(folder, { recursive: true, force: true });
  }
}

function endGroup(pid: number | undefined, exitCode: number | undefined): void {
  if (pid === undefined || exitCode !== undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // It ended by itself in this very moment.
  }
}
