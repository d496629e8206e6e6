import { Connection } from '@temporalio/client';

/** What a Temporal server says about itself, for preflight. */
export interface TemporalFacts {
  version: string;
  /** Name of the plugin of its database, such as `postgres12_pgx`; empty when it does not say. */
  store: string;
  hasNamespace: boolean;
  missingSearchAttributes: string[];
}

const PATIENCE_MS = 3_000;
const SEARCH_ATTRIBUTES = ['XynBlueprint', 'XynVersion', 'XynEnv', 'XynCorrelationId'];

/**
 * Looks at a server without changing it.
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
        missingSearchAttributes: SEARCH_ATTRIBUTES.filter((name) => !known.includes(name)),
      };
    });
  } finally {
    await connection.close();
  }
}
