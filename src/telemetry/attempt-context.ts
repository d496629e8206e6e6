import type { ActivityInterceptorsFactory } from '@temporalio/worker';
import { AsyncLocalStorage } from 'node:async_hooks';
import { runIdOfWorkflow, stepIdOf } from '../domain/ids.js';

/** The attempt that a piece of code works for, in the names that log lines use. */
export interface AttemptFacts {
  run_id: string;
  step_id: string;
  path: string;
  attempt: number;
  /** Absent while it is not known. */
  correlation_id?: string;
}

const current = new AsyncLocalStorage<AttemptFacts>();

/** For the logger: the attempt that the line is about, or nothing. */
export function attemptContext(): object {
  return current.getStore() ?? {};
}

export interface AttemptContextOptions {
  /** May reject: then lines are without it. */
  correlationOf: (runId: string) => Promise<string | undefined>;
  /** Asks for it at every attempt; else only from the second on, when something is wrong, since it costs a query a run. */
  always: boolean;
}

/**
 * Lets every line that is logged during an attempt, by whatever code, say which one it is. The correlation id is looked
 * up beside the work, which waits for nothing.
 */
export function attemptContextInterceptor({
  correlationOf,
  always,
}: AttemptContextOptions): ActivityInterceptorsFactory {
  return ({ info }) => ({
    inbound: {
      execute(input, next) {
        const runId = runIdOfWorkflow(info.workflowExecution?.workflowId ?? '');
        if (runId === undefined) return next(input);
        const path = info.activityId;
        const facts: AttemptFacts = { run_id: runId, step_id: stepIdOf(runId, path), path, attempt: info.attempt };
        if (!always && info.attempt === 1) return current.run(facts, () => next(input));
        correlationOf(runId).then(
          (id) => {
            if (id !== undefined) facts.correlation_id = id;
          },
          () => undefined,
        );
        return current.run(facts, () => next(input));
      },
    },
  });
}
