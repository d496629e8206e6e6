import type { UnitOfWork } from '../catalog/unit-of-work.js';
import type { RunDto } from '../domain/dtos.js';
import type { Caller } from './caller.js';

/**
 * Writes the wish that a run ends, with its audit entry, inside a transaction; the first wish stands.
 * @returns undefined when there is no such run.
 */
export async function requestCancel(
  unit: UnitOfWork,
  caller: Caller,
  wish: { runId: string; reason: string; at: Date; envId: string },
): Promise<{ before: RunDto; changed: boolean } | undefined> {
  const { runId, reason, at, envId } = wish;
  const outcome = await unit.runs.requestCancel(runId, caller.actor, reason);
  if (outcome?.changed !== true) return outcome;
  await unit.audit([
    {
      key: `run/${runId}/cancel`,
      at,
      actor: caller.actor,
      action: 'run.cancel',
      resource_type: 'run',
      resource_id: runId,
      reason,
      before: { status: outcome.before.status },
      after: { cancel_requested: true, source: caller.source, proven: caller.proven },
      run_id: runId,
      correlation_id: outcome.before.correlation_id,
      env_id: envId,
    },
  ]);
  return outcome;
}
