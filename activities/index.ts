import type { XynActivities } from '../workflows/contract.js';
import { actionWork } from './action-work.js';
import { agentWork } from './agent-work.js';
import { currentRunId, type ActivityDependencies, type ScheduleTicks } from './dependencies.js';
import { readItems, spillResults } from './loop-lists.js';
import { runTask } from './run-task.js';

/** The activities of the contract. All are safe to run again: what they write is keyed. */
export function createActivities(deps: ActivityDependencies): XynActivities {
  return {
    runAction: (task, records) => runTask(deps, actionWork(deps, task), records ?? []),
    runAgent: (task, records) => runTask(deps, agentWork(deps.agents, task), records ?? []),
    recordProgress: (records) => deps.records.record(currentRunId(), records),
    fireSchedule: (task) => ticksOf(deps).fire(task),
    scheduledRun: (fired) => ticksOf(deps).stateOf(fired),
    cancelScheduledRun: (fired) => ticksOf(deps).cancel(fired),
    spillResults: (task) => spillResults(deps, task),
    readItems: (task) => readItems(deps, task),
    checkTask: async ({ path }) => ({ paused_ms: await deps.pausedMs(currentRunId(), path) }),
  };
}

function ticksOf({ schedules }: ActivityDependencies): ScheduleTicks {
  if (schedules === undefined) throw new Error('this worker was given no schedules');
  return schedules;
}
