import { stepIdOf } from '../domain/ids.js';
import type { AttemptEnd } from '../domain/records.js';

/** A pino logger fits. */
interface AttemptLog {
  isLevelEnabled(level: string): boolean;
  child(bindings: object): { debug(facts: object, message: string): void; info(facts: object, message: string): void };
}

/**
 * A line for each attempt that ended: failed ones are `info`, since they are the blueprint's business and not a defect;
 * completed ones `debug`. Never inputs, outputs or what a target said: these are in the run's records.
 */
export function attemptLog(
  log: AttemptLog,
  correlationOf: (runId: string) => Promise<string | undefined>,
): (end: AttemptEnd) => void {
  return (end) => {
    // The correlation id costs a query a run: not for lines that nobody writes.
    if (!log.isLevelEnabled(end.status === 'failed' ? 'info' : 'debug')) return;
    const write = (correlationId: string | undefined): void => {
      const line = log.child({ correlation_id: correlationId ?? null });
      const { error, status, run_id, path, attempt, action } = end;
      const facts = {
        run_id,
        step_id: stepIdOf(run_id, path),
        path,
        attempt,
        action,
        duration_ms: end.ended_at - end.started_at,
        ...(error === undefined ? {} : { code: error.code, next_retry_at: end.next_retry_at ?? null }),
      };
      if (status === 'failed') line.info(facts, 'attempt failed');
      else line.debug(facts, 'attempt completed');
    };
    correlationOf(end.run_id).then(write, () => write(undefined));
  };
}
