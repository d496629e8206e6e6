/** A request that was answered, or whose client went away. */
export interface RequestFacts {
  method: string;
  /** Template of the path, like `/api/v1/runs/:run_id`; `unmatched` when no route took it. Never a path that somebody wrote. */
  route: string;
  status: number;
  /** The client went away before the end of the answer. */
  isAborted: boolean;
  /** Milliseconds since the epoch. */
  startedAt: number;
  durationMs: number;
  correlationId: string;
  /** W3C trace context of the caller, as it came. */
  traceparent: string | undefined;
}
