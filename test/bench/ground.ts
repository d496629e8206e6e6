import { Client, Connection } from '@temporalio/client';
import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { connectCatalog, type Catalog } from '../../src/catalog/connect.js';
import { grantAppRole } from '../../src/catalog/grants.js';
import { migrate } from '../../src/catalog/migrate.js';
import { packagePaths } from '../../src/main/package-paths.js';
import { startPostgres } from '../../src/servers/postgres.js';
import { findTemporalBinary } from '../../src/servers/temporal-binary.js';
import { startTemporal } from '../../src/servers/temporal.js';

/** What all measurements stand on: private servers, as `xynctl up` starts them, and nothing else. */
export interface Ground {
  dir: string;
  address: string;
  databaseUrl: string;
  databaseOwnerUrl: string;
  catalog: Catalog;
  client: Client;
  /** Of the hand-written workflow. */
  baselineBundle: string;
  /** The first process of each group whose CPU time is ours. */
  roots: Record<string, number>;
  /** Stops the servers and removes the folder. Idempotent. */
  close(): Promise<void>;
}

/** Starts the servers in a temporary folder, or in one that is kept for the next time. */
export async function prepareGround(say: (line: string) => void, keptDir?: string): Promise<Ground> {
  if (keptDir !== undefined) await mkdir(keptDir, { recursive: true });
  const dir = keptDir ?? (await mkdtemp(path.join(tmpdir(), 'xyn-bench-')));
  // Started by root, Postgres runs under an account that has to pass through.
  await chmod(dir, 0o711);
  const closers: (() => Promise<unknown>)[] = [];
  if (keptDir === undefined) closers.push(() => rm(dir, { recursive: true, force: true }));
  const closeAll = async (): Promise<void> => {
    for (const closer of [...closers].reverse()) {
      // What cannot be closed must not keep a server running.
      await closer().catch((error: unknown) => say(`did not end cleanly: ${String(error)}`));
    }
  };
  let closing: Promise<void> | undefined;
  const close = (): Promise<void> => (closing ??= closeAll());
  const log = { info: () => undefined, warn: (_: object, message: string) => say(message) };
  try {
    say('starting Postgres and Temporal');
    const binary = await findTemporalBinary({
      stateDir: dir,
      env: process.env,
      goModule: packagePaths.goModule,
      onProgress: ({ message, elapsedMs }) => {
        if (elapsedMs % 15_000 < 1_000) say(message);
      },
    });
    const postgres = await startPostgres({ dir: path.join(dir, 'postgres'), log });
    closers.push(() => postgres.stop());
    const temporal = await startTemporal({ dir: path.join(dir, 'temporal'), binary, log });
    closers.push(() => temporal.stop());
    await migrate({ ownerUrl: postgres.ownerUrl, dir: packagePaths.migrations });
    await grantAppRole(postgres.ownerUrl, new URL(postgres.appUrl).username);
    const catalog = connectCatalog({ url: postgres.appUrl, applicationName: 'xyn-bench' });
    closers.push(() => catalog.close());
    const connection = await Connection.connect({ address: temporal.address });
    closers.push(() => connection.close());
    const postmaster = Number(
      (await readFile(path.join(dir, 'postgres', 'data', 'postmaster.pid'), 'utf8')).split('\n')[0],
    );
    return {
      dir,
      address: temporal.address,
      databaseUrl: postgres.appUrl,
      databaseOwnerUrl: postgres.ownerUrl,
      catalog,
      client: new Client({ connection }),
      baselineBundle: await bundleBaseline(dir),
      roots: { driver: process.pid, temporal: temporal.pid, postgres: postmaster },
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

async function bundleBaseline(dir: string): Promise<string> {
  const workflowsPath = fileURLToPath(new URL('../support/baseline-workflow/index.js', import.meta.url));
  const { code } = await bundleWorkflowCode({ workflowsPath, logger: new DefaultLogger('ERROR', () => undefined) });
  const file = path.join(dir, 'baseline-bundle.js');
  await writeFile(file, code);
  return file;
}
