import type { WorkflowHandle } from '@temporalio/client';
import { randomUUID } from 'node:crypto';
import type { EnvFacts } from '../../src/domain/engine/state.js';
import { workflowIdOf } from '../../src/domain/ids.js';
import { WORKFLOW_TYPE, type RunInput } from '../../workflows/contract.js';
import { HAND_WRITTEN } from '../support/baseline-workflow/contract.js';
import { insertRun } from '../support/records.js';
import type { Ground } from './ground.js';
import type { WorkerLink } from './worker-link.js';
import type { Workload } from './workloads.js';

const env: EnvFacts = { id: 'local', name: 'local', stage: 'dev', vars: {} };

/** Starts one run; with records its row is there first, as a service would have left it. */
export async function startRun(
  ground: Ground,
  worker: WorkerLink,
  { plan, hand }: Workload,
  id = randomUUID(),
): Promise<WorkflowHandle> {
  const { taskQueue, variant } = worker;
  const workflowId = workflowIdOf(id);
  if (variant === 'hand') return ground.client.workflow.start(HAND_WRITTEN, { workflowId, taskQueue, args: [hand] });
  if (variant === 'full') await insertRun(ground.catalog, id);
  const run = {
    id,
    blueprint: plan.id,
    version: '1',
    digest: plan.digest,
    actor: 'bench',
    trigger: 'manual',
    started_at: new Date().toISOString(),
    correlation_id: id,
  };
  const input: RunInput = { plan, start: { inputs: {}, event: null, env, run } };
  return ground.client.workflow.start(WORKFLOW_TYPE, { workflowId, taskQueue, args: [input] });
}
