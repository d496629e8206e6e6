import { activityInfo } from '@temporalio/activity';
import type { ActionResources, ActionSource } from '../src/domain/action.js';
import type { AgentRouter } from '../src/domain/agent.js';
import type { LoopChunks, StepArtifacts } from '../src/domain/artifacts.js';
import { runIdOfWorkflow } from '../src/domain/ids.js';
import type { FiredSchedule, ScheduledRunState } from '../workflows/contract.js';
import type { ApprovalCheck, RecordSink } from '../src/domain/records.js';

/** What the ticks of schedules need from the catalog. */
export interface ScheduleTicks {
  fire(task: { schedule_id: string; scheduled_at: string }): Promise<FiredSchedule | null>;
  stateOf(fired: FiredSchedule): Promise<ScheduledRunState>;
  cancel(fired: FiredSchedule): Promise<boolean>;
}

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
  /** Where loops leave results that are too many for the state; absent, as `artifacts`: no loop may have so many. */
  chunks?: LoopChunks;
  /** How long the retries of a step have paused so far, milliseconds. */
  pausedMs(runId: string, path: string): Promise<number>;
  /** Absent: no schedule fires here. */
  schedules?: ScheduleTicks;
  /** `<host>/<pid>`, recorded with every attempt. */
  worker: string;
}

/** The run on whose behalf this activity runs. */
export function currentRunId(): string {
  const { workflowExecution } = activityInfo();
  return runIdOfWorkflow(workflowExecution?.workflowId ?? '') ?? '';
}
