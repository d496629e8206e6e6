/** Who asks, as the edges found out; handed to every call that changes something. */
export interface Caller {
  /** The principal's id; in open mode the name that the caller gave. */
  actor: string;
  /** Whether the name was proven; never so in open mode. */
  proven: boolean;
  correlationId: string;
  source: 'api' | 'cli' | 'ui' | 'system';
}
