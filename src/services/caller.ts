/** Who asks, as the edges found out; handed to every call that changes something. */
export interface Caller {
  /** The principal's id; in open mode the name that the caller gave. */
  actor: string;
  /** Whether the name was proven; never so in open mode. */
  proven: boolean;
  correlationId: string;
  source: 'api' | 'cli' | 'ui' | 'system';
  /** The step on whose behalf it is; absent: somebody outside of runs asks. */
  step?: { run_id: string; step_id: string; causeDepth: number };
}

/** Who asks, as audit entries have it. */
export function auditedCaller({ actor, correlationId, step }: Caller): {
  actor: string;
  correlation_id: string;
  run_id?: string;
  step_id?: string;
} {
  return {
    actor,
    correlation_id: correlationId,
    ...(step === undefined ? {} : { run_id: step.run_id, step_id: step.step_id }),
  };
}
