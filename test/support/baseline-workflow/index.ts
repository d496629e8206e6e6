import { condition, defineUpdate, proxyActivities, setHandler, workflowInfo } from '@temporalio/workflow';
import { DEFAULT_BACKOFF } from '../../../src/domain/plan.js';
import type { XynActivities } from '../../../workflows/contract.js';
import { APPROVE, type HandWrittenInput } from './contract.js';

const RETRY = { attempts: 3, backoff: DEFAULT_BACKOFF };
const activities = proxyActivities<Pick<XynActivities, 'runAction'>>({
  startToCloseTimeout: 60_000,
  heartbeatTimeout: 6_000,
  retry: { maximumAttempts: 3, initialInterval: 1_000, backoffCoefficient: 2 },
});
const approveUpdate = defineUpdate<boolean>(APPROVE);

/** The same steps without an interpreter: a loop over the same activity. */
export async function handWritten(input: HandWrittenInput): Promise<{ status: string }> {
  const { workflowId } = workflowInfo();
  let approved = false;
  setHandler(approveUpdate, () => (approved = true));
  for (const [ix, step] of input.steps.entries()) {
    if (input.gate && ix === input.steps.length - 1) await condition(() => approved);
    await activities.runAction({
      path: step.id,
      id: step.id,
      input: step.with,
      key: `${workflowId}/${step.id}`,
      keep: '*',
      seq: ix + 1,
      timeout_ms: 30_000,
      retry: RETRY,
      action: step.action,
      contract: step.contract,
      effect: step.effect,
      idempotency: step.effect === 'read' ? 'safe' : 'keyed',
    });
  }
  return { status: 'completed' };
}
