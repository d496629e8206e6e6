import { activityInfo } from '@temporalio/activity';
import type { ActionSource } from '../src/domain/action.js';
import type { AgentRouter } from '../src/domain/agent.js';
import { runIdOfWorkflow } from '../src/domain/ids.js';
import type { ApprovalCheck, RecordSink } from '../src/domain/records.js';

/** What the activities need; `src/main` fills it in. */
export interface ActivityDependencies {
  records: RecordSink;
  approvals: ApprovalCheck;
  actions: ActionSource;
  agents: AgentRouter;
  /** How long the retries of a step have paused so far, milliseconds. */
  pausedMs(runId: string, path: string): Promise<number>;
  /** `<host>/<pid>`, recorded with every attempt. */
  worker: string;
}

/** The run on whose behalf this activity runs. */
export function currentRunId(): string {
  const { workflowExecution } = activityInfo();
  return runIdOfWorkflow(workflowExecution?.workflowId ?? '') ?? '';
}
