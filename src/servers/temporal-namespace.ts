import { Connection } from '@temporalio/client';
import { msToTs } from '@temporalio/common/lib/time.js';
import { waitUntil } from './wait-until.js';

/** The namespace that everything runs in on the embedded server. */
const embeddedNamespace = 'default';

/** How long closed runs stay visible in Temporal: 30 days, longer than any repair from history takes. */
const retentionSeconds = 30 * 24 * 3_600;

/** Set once per run, at its start; all of type Keyword. */
export const searchAttributes = ['XynBlueprint', 'XynVersion', 'XynEnv', 'XynCorrelationId'] as const;

/** `INDEXED_VALUE_TYPE_KEYWORD` of Temporal's API. */
const keyword = 2;

const requestMs = 2_000;

/** Connects for a few requests; `undefined` when nothing answers there. */
async function withConnection<T>(
  address: string,
  work: (connection: Connection) => Promise<T>,
): Promise<T | undefined> {
  const connection = await Connection.connect({ address, connectTimeout: requestMs }).catch(() => undefined);
  if (!connection) return undefined;
  try {
    return await work(connection);
  } finally {
    await connection.close();
  }
}

/**
 * Whether the server takes work: its namespace is there and its history shard is loaded (asking for a run that does not
 * exist gets "not found" only then).
 */
export async function takesWork(address: string): Promise<boolean> {
  const answer = await withConnection(address, async (connection) =>
    connection.withDeadline(Date.now() + requestMs, async () => {
      const execution = { workflowId: 'xyn-ready', runId: '00000000-0000-4000-8000-000000000000' };
      try {
        await connection.workflowService.describeWorkflowExecution({ namespace: embeddedNamespace, execution });
        return true;
      } catch (error) {
        const { code, details } = error as { code?: number; details?: string };
        return code === grpcNotFound && !/namespace/i.test(details ?? '');
      }
    }),
  );
  return answer === true;
}

const grpcNotFound = 5;

/**
 * Brings the namespace to the settings above, also in a database file that an older release made. Idempotent.
 * @returns false when the server did not take them in time.
 */
export async function settleNamespace(address: string): Promise<boolean> {
  const settled = await waitUntil(
    () =>
      withConnection(address, async (connection) =>
        connection.withDeadline(Date.now() + 10_000, async () => {
          await ensureRetention(connection);
          return ensureSearchAttributes(connection);
        }),
      ).catch(() => undefined),
    { timeoutMs: 20_000, intervalMs: 200 },
  );
  return settled === true;
}

async function ensureRetention(connection: Connection): Promise<void> {
  const namespace = embeddedNamespace;
  const { config } = await connection.workflowService.describeNamespace({ namespace });
  if (Number(config?.workflowExecutionRetentionTtl?.seconds ?? 0) === retentionSeconds) return;
  const workflowExecutionRetentionTtl = msToTs(retentionSeconds * 1_000);
  await connection.workflowService.updateNamespace({ namespace, config: { workflowExecutionRetentionTtl } });
}

async function ensureSearchAttributes(connection: Connection): Promise<boolean> {
  const namespace = embeddedNamespace;
  const { customAttributes } = await connection.operatorService.listSearchAttributes({ namespace });
  const missing = searchAttributes.filter((name) => !(name in customAttributes));
  if (missing.length === 0) return true;
  const wanted = Object.fromEntries(missing.map((name) => [name, keyword]));
  await connection.operatorService.addSearchAttributes({ namespace, searchAttributes: wanted });
  // Listed only after the server has read its own change back.
  return false;
}
