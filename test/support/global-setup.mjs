// One Postgres and one Temporal server for all test files. What cannot be had is said aloud: on a developer's machine the
// tests that need it are skipped and counted, in CI it is a failure.
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import pg from 'pg';

const root = fileURLToPath(new URL('../..', import.meta.url));
const log = { debug() {}, info() {}, warn() {}, error() {} };

export default async function setup() {
  const { startPostgres } = await import('../../dist/src/servers/postgres.js');
  const { findTemporalBinary } = await import('../../dist/src/servers/temporal-binary.js');
  const { startTemporal } = await import('../../dist/src/servers/temporal.js');
  const { terminalProgress } = await import('../../dist/src/main/progress.js');
  const progress = terminalProgress(process.stderr);
  const dir = await mkdtemp(path.join(tmpdir(), 'xyn-tests-'));
  // Root starts Postgres under another account, which has to get in.
  await chmod(dir, 0o711);
  const stops = [() => rm(dir, { recursive: true, force: true })];
  globalThis.xynStopServers = async () => {
    for (const stop of stops.reverse()) await stop();
  };
  if (!process.env.XYN_TEST_POSTGRES_URL) {
    const postgres = await startPostgres({ dir: path.join(dir, 'postgres'), log, onProgress: progress.show });
    await unsyncedPostgres(postgres.ownerUrl);
    process.env.XYN_TEST_POSTGRES_URL = postgres.ownerUrl;
    stops.push(() => postgres.stop());
  }
  if (!process.env.XYN_TEST_TEMPORAL_ADDRESS) {
    try {
      const options = { stateDir: dir, env: process.env, goModule: path.join(root, 'tools/temporal-cli') };
      const found = await findTemporalBinary({ ...options, onProgress: progress.show });
      const binary = { ...found, path: await unsyncedTemporal(dir, found.path) };
      const temporal = await startTemporal({ dir: path.join(dir, 'temporal'), binary, log, onProgress: progress.show });
      process.env.XYN_TEST_TEMPORAL_ADDRESS = temporal.address;
      stops.push(() => temporal.stop());
    } catch (error) {
      if (process.env.CI || error.code !== 'server_missing') {
        await globalThis.xynStopServers();
        throw error;
      }
      process.stderr.write(`\nTESTS ARE SKIPPED, since there is no Temporal server: ${error.message}\n`);
      process.env.XYN_TEST_MISSING = 'temporal';
    }
  }
  progress.done();
}

/** Nothing here outlives the tests, and waiting for the disk is half the time of a new database on a busy machine. */
async function unsyncedPostgres(url) {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  for (const name of ['fsync', 'synchronous_commit']) await client.query(`ALTER SYSTEM SET ${name} = off`);
  await client.query('SELECT pg_reload_conf()');
  await client.end();
}

/**
 * The same for Temporal: a program that starts the server, with a third less time for each start of a workflow. Its timers
 * are exact, which otherwise take a second where less was asked for.
 */
async function unsyncedTemporal(dir, program) {
  const file = path.join(dir, 'temporal-unsynced');
  const more = `--sqlite-pragma synchronous=OFF --dynamic-config-value 'history.timerProcessorMaxTimeShift="10ms"'`;
  await writeFile(file, `#!/bin/sh\nexec '${program}' "$@" ${more}\n`, { mode: 0o755 });
  return file;
}
