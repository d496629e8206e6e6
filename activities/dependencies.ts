import { activityInfo } from '@temporalio/activity';
import type { ActionResources, ActionSource } from '../src/domain/action.js';
import type { AgentRouter } from '../src/domain/agent.js';
import type { StepArtifacts } from '../src/domain/artifacts.js';
import { runIdOfWorkflow } from '../src/domain/ids.js';
import type { ApprovalCheck, RecordSink } from '../src/domain/records.js';

/** What the activities need; `src/main` fills it in. */
export interface ActivityDependencies {
  records: RecordSink;
  approvals: ApprovalCheck;
  actions: ActionSource;
  /** What actions may reach; absent: no secrets, no targets, public addresses only. */
  resources?: ActionResources;
  agents: AgentRouter;
  /** Where large results and logs go; absent: results stay as they are, and there are no logs. */
  artifacts?: StepArtifacts;
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
