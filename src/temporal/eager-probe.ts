import type { Connection } from '@temporalio/client';
import { msToTs } from '@temporalio/common/lib/time.js';
import { randomUUID } from 'node:crypto';

type WorkflowTaskAnswer = Parameters<Connection['workflowService']['respondWorkflowTaskCompleted']>[0];
type CommandType = NonNullable<NonNullable<WorkflowTaskAnswer['commands']>[number]['commandType']>;

/** `COMMAND_TYPE_SCHEDULE_ACTIVITY_TASK`; the enum itself is in a package that only the SDK has. */
const SCHEDULE_ACTIVITY = 1 as unknown as CommandType;
/** The server ends the probe's workflow after this, should this process die in between. */
const LIFE_MS = 10_000;

/**
 * Whether a server hands activities out with the answer to a workflow task (`system.enableActivityEagerExecution`), which
 * no call of its API tells: a workflow of one task, on a queue of its own, asks for it once. Takes some tens of
 * milliseconds; the workflow is deleted.
 * @throws what the SDK throws when the server does not answer, or the caller may not start workflows.
 */
export async function handsOutEagerly({ workflowService }: Connection, namespace: string): Promise<boolean> {
  const name = `xyn-preflight-${randomUUID()}`;
  const taskQueue = { name };
  const workflowExecution = { workflowId: name };
  await workflowService.startWorkflowExecution({
    namespace,
    workflowId: name,
    workflowType: { name: 'xynPreflight' },
    taskQueue,
    requestId: name,
    identity: name,
    workflowRunTimeout: msToTs(LIFE_MS),
  });
  try {
    const { taskToken } = await workflowService.pollWorkflowTaskQueue({ namespace, taskQueue, identity: name });
    const { activityTasks } = await workflowService.respondWorkflowTaskCompleted({
      namespace,
      taskToken,
      identity: name,
      commands: [
        {
          commandType: SCHEDULE_ACTIVITY,
          scheduleActivityTaskCommandAttributes: {
            activityId: '1',
            activityType: { name: 'none' },
            taskQueue,
            startToCloseTimeout: msToTs(LIFE_MS),
            requestEagerExecution: true,
          },
        },
      ],
    });
    return activityTasks.length > 0;
  } finally {
    // Where deleting is not allowed, the time limit ends it.
    await workflowService.deleteWorkflowExecution({ namespace, workflowExecution }).catch(() => undefined);
  }
}
