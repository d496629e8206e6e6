/** An error as a value of the language (language §5.6): what `steps.x.error` holds and a failed run reports. */
export interface XynError {
  /** Lower snake_case; listed in `docs/errors.md`. */
  code: string;
  /** A finer code, e.g. `missing_key` of an `expression_error`. */
  detail?: string;
  /** For people: what happened and what to do. Never holds a secret. */
  message: string;
  /** Id of the step that failed first; empty for the run itself. */
  step: string;
  path: string;
  /** The attempt that failed last, counted from 1; lost attempts do not count. */
  attempt: number;
  retryable: boolean;
  /** RFC 3339 UTC. */
  at: string;
  /** HTTP status or exit code. */
  status?: number;
  /** At most 1 KiB of what the target said. */
  excerpt?: string;
  handled?: true;
  cause?: XynError;
  suppressed?: { code: string; message: string; path: string }[];
}

/** The part of an error that an action, a provider or the evaluator knows; the engine adds where and when. */
export interface FailureFacts {
  code: string;
  message: string;
  retryable: boolean;
  detail?: string;
  status?: number;
  excerpt?: string;
  /** Raises the pause before the next attempt to this many milliseconds (language §4.3). */
  retry_after_ms?: number;
}
