import { ActivityFailure, ApplicationFailure, CancelledFailure, TimeoutFailure } from '@temporalio/workflow';
import type { EngineEvent } from '../src/domain/engine/messages.js';
import type { ActionNode, AgentNode } from '../src/domain/plan.js';
import { TASK_FAILURE, type TaskFailureDetails } from './contract.js';

type Ending = Extract<EngineEvent, { t: 'failed' | 'lost' }>;
type Body = Ending extends infer T ? (T extends Ending ? Omit<T, 'now'> : never) : never;

/** What the end of an activity that did not complete means for the engine. */
export function failureEvent(path: string, node: ActionNode | AgentNode, failure: unknown): Body {
  const cause = failure instanceof ActivityFailure ? failure.cause : failure;
  if (cause instanceof ApplicationFailure && cause.type === TASK_FAILURE) {
    const { path: _path, seq: _seq, ...facts } = cause.details?.[0] as TaskFailureDetails;
    return facts.code === 'outcome_unknown'
      ? { t: 'lost', path, attempt: facts.attempt }
      : { t: 'failed', path, error: facts };
  }
  if (cause instanceof CancelledFailure) {
    return {
      t: 'failed',
      path,
      error: { code: 'cancelled', message: 'The task was cancelled.', retryable: false, attempt: 1 },
    };
  }
  if (cause instanceof TimeoutFailure) {
    if (mayHaveActed(node)) return { t: 'lost', path, attempt: 1 };
    const message = 'The worker was lost, or the step took longer than its bounds allow.';
    return { t: 'failed', path, error: { code: 'timeout', message, retryable: true, attempt: 1 } };
  }
  if (mayHaveActed(node)) return { t: 'lost', path, attempt: 1 };
  const message = failure instanceof Error ? failure.message : 'The task failed in a way that is not known.';
  return { t: 'failed', path, error: { code: 'internal', message, retryable: false, attempt: 1 } };
}

/** Whether the step may have had an effect that a second attempt would repeat. */
function mayHaveActed(node: ActionNode | AgentNode): boolean {
  return node.kind === 'action_task' && node.idempotency === 'none';
}
