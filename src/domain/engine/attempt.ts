import { EvaluationError } from '../expression/evaluation-error.js';
import type { FailureFacts } from '../xyn-error.js';

/** Runs `work`; a user's mistake in an expression comes back as a value, anything else is our defect and is thrown. */
export function attempt<T>(work: () => T): { value: T } | { fault: FailureFacts } {
  try {
    return { value: work() };
  } catch (error) {
    if (!(error instanceof EvaluationError)) throw error;
    return { fault: factsOf(error) };
  }
}

function factsOf(error: EvaluationError): FailureFacts {
  return {
    code: error.code,
    message: error.message,
    retryable: false,
    ...(error.detail === undefined ? {} : { detail: error.detail }),
  };
}
