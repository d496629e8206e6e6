import path from 'node:path';
import type { Config } from '../config/config.js';
import { startPostgres } from '../servers/postgres.js';
import type { OnProgress, ServerLog } from '../servers/reporting.js';
import { findTemporalBinary } from '../servers/temporal-binary.js';
import { startTemporal } from '../servers/temporal.js';
import { packagePaths } from './package-paths.js';

/** Where Postgres is; `stop` is there when it is ours to stop. */
export interface PostgresPlace {
  appUrl: string;
  ownerUrl: string;
  stop?: () => Promise<void>;
}

/** Where Temporal is. */
export interface TemporalPlace {
  address: string;
  uiUrl: string | null;
  stop?: () => Promise<void>;
}

interface Context {
  config: Config;
  log: ServerLog;
  onProgress: OnProgress;
}

/** Postgres: the one of `DATABASE_URL`, else the embedded one of the state folder. */
export async function providePostgres({ config, log, onProgress }: Context): Promise<PostgresPlace> {
  if (config.databaseUrl !== undefined) {
    return { appUrl: config.databaseUrl, ownerUrl: config.databaseOwnerUrl ?? config.databaseUrl };
  }
  const server = await startPostgres({ dir: path.join(config.stateDir, 'postgres'), log, onProgress });
  return { appUrl: server.appUrl, ownerUrl: server.ownerUrl, stop: () => server.stop() };
}

/** Temporal: the server of `TEMPORAL_ADDRESS`, else the embedded one of the state folder. */
export async function provideTemporal({ config, log, onProgress }: Context): Promise<TemporalPlace> {
  if (config.temporalAddress !== undefined) return { address: config.temporalAddress, uiUrl: null };
  const binary = await findTemporalBinary({
    stateDir: config.stateDir,
    env: process.env,
    goModule: packagePaths.goModule,
    onProgress,
  });
  const server = await startTemporal({ dir: path.join(config.stateDir, 'temporal'), binary, log, onProgress });
  return { address: server.address, uiUrl: server.uiUrl, stop: () => server.stop() };
}
