import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { connectCatalog } from '../catalog/connect.js';
import { footprintTotals, type FootprintTotal } from '../catalog/footprint-totals.js';
import type { AuditReport } from '../cli/actions.js';
import type { Config } from '../config/config.js';
import { startPostgres } from '../servers/postgres.js';
import { fileLog } from './file-log.js';
import { cliActions } from './xynctl-actions.js';

/** The chainer links entries within a second; a loaded machine gets more. */
const LINK_PATIENCE_MS = 5_000;
const PAUSE_MS = 250;

/** What a run used, by metric, read from the catalog that runs already. */
export async function usedBy(config: Config, runId: string): Promise<FootprintTotal[]> {
  const dir = path.join(config.stateDir, 'postgres');
  const url = config.databaseUrl ?? (await startPostgres({ dir, log: await fileLog(config, 'demo') })).appUrl;
  const catalog = connectCatalog({ url, applicationName: 'xyn-demo' });
  try {
    return await footprintTotals(catalog, runId);
  } finally {
    await catalog.close();
  }
}

/** Checks the audit trail, once the chain has reached its newest entries. */
export async function verifiedAudit(config: Config, ending: AbortSignal): Promise<AuditReport> {
  const deadline = Date.now() + LINK_PATIENCE_MS;
  for (;;) {
    ending.throwIfAborted();
    const report = await cliActions.verifyAudit(config, () => undefined);
    if (!report.ok || report.unlinked_tail === 0 || Date.now() > deadline) return report;
    await pause(PAUSE_MS, undefined, { signal: ending });
  }
}
