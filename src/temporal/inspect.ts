import { Connection } from '@temporalio/client';
import { handsOutEagerly } from './eager-probe.js';

/** What a Temporal server says about itself, for preflight. */
export interface TemporalFacts {
  version: string;
  /** Name of the plugin of its database, such as `postgres12_pgx`; empty when it does not say. */
  store: string;
  hasNamespace: boolean;
  missingSearchAttributes: string[];
  /** Activities come with the answer to a workflow task; null: it could not be tried. */
  isEager: boolean | null;
}

const PATIENCE_MS = 3_000;
const SEARCH_ATTRIBUTES = ['XynBlueprint', 'XynVersion', 'XynEnv', 'XynCorrelationId'];

/**
 * Looks at a server; leaves nothing behind but, for a moment, a workflow that tries how it hands out activities.
 * @throws what the SDK throws when it does not answer.
 */
export async function inspectTemporal(address: string, namespace: string): Promise<TemporalFacts> {
  const connection = await Connection.connect({ address, connectTimeout: PATIENCE_MS });
  try {
    return await connection.withDeadline(Date.now() + PATIENCE_MS, async () => {
      const { serverVersion, persistenceStore } = await connection.workflowService.getClusterInfo({});
      const hasNamespace = await connection.workflowService.describeNamespace({ namespace }).then(
        () => true,
        () => false,
      );
      const known = hasNamespace
        ? Object.keys((await connection.operatorService.listSearchAttributes({ namespace })).customAttributes)
        : [];
      return {
        version: serverVersion,
        store: persistenceStore,
        hasNamespace,
        isEager: hasNamespace ? await handsOutEagerly(connection, namespace).catch(() => null) : null,
        missingSearchAttributes: SEARCH_ATTRIBUTES.filter((name) => !known.includes(name)),
      };
    });
  } finally {
    await connection.close();
  }
}
