/** What a page can be told about: lists, the event log, the state of the parts, or one run (`run/<run id>`). */
export type LiveTopic = 'runs' | 'gates' | 'events' | 'health' | `run/${string}`;

/** Something that a subscriber should know; what changed is read where it is kept, never from the message. */
export type LiveMessage =
  | {
      kind: 'change';
      /** Where to go on after a reconnect: the `after` of the next subscription, the `id` of a server-sent event. */
      position: string;
      /** Those of the subscriber's topics that the change touches; never empty. */
      topics: readonly LiveTopic[];
      /** Name in the event log; absent for changes that have no event: health, and why a run does not move. */
      event_name?: string;
      run_id?: string;
      step_id?: string;
      gate_id?: string;
    }
  /** Too much happened since `after`, or its position is unknown: everything shown is to be read again. */
  | { kind: 'resync'; position: string }
  /**
   * Whether the catalog can be followed. After `ok: false` what is shown is as of `since` (ISO 8601); nothing is lost
   * meanwhile: the changes, or a `resync`, follow the `ok: true`.
   */
  | { kind: 'source'; ok: boolean; since: string }
  /** The process stops: nothing follows, and another process (or this one, later) goes on after the last position. */
  | { kind: 'end' };

export interface LiveSubscription {
  topics: readonly LiveTopic[];
  /**
   * Everything committed after this position is told, each change once. Absent: from now on. A page takes it from
   * `position()` before it reads what it shows, so that nothing falls between the page and its stream.
   */
  after?: string;
}

/** Follows the event log of all processes; one reader of the catalog for all subscribers. */
export interface LiveFeed {
  /** The newest position of which nothing before is missing. Costs nothing: it is in memory. */
  position(): string;
  /**
   * Calls `onMessage` in commit order, never before `subscribe` returned, and never twice for a change. Messages are not
   * merged: a page that redraws does that itself. `onMessage` must not throw and must not wait.
   * @returns ends the subscription; idempotent, nothing is told after it.
   * @throws XynFault `streams_exhausted` when the process has as many subscriptions as its setting allows.
   */
  subscribe(subscription: LiveSubscription, onMessage: (message: LiveMessage) => void): () => void;
}
