import { Context, type Info } from '@temporalio/activity';

/** Workers say that they live this often; the server gives a silent attempt up after 6 s (design §3). */
const HEARTBEAT_INTERVAL_MS = 2_000;

/** What an attempt leaves for the next one: kept by the server over the loss of a worker. */
export interface AttemptMemory {
  /** Attempts that failed by themselves so far. */
  failed: number;
  /** When the first attempt began, milliseconds since the epoch. */
  first: number;
}

interface Heartbeat {
  memory: AttemptMemory;
  beat: (memory: AttemptMemory) => void;
  stop: () => void;
}

/** A local attempt needs no sign of life: it is lost with the workflow task that it is part of, and none is lost alone. */
function localMemory({ attempt, scheduledTimestampMs }: Info): Heartbeat {
  const nothing = (): void => undefined;
  return { memory: { failed: attempt - 1, first: scheduledTimestampMs }, beat: nothing, stop: nothing };
}

/** Starts the heartbeat of this activity and returns what earlier attempts left. */
export function startHeartbeat(now: number): Heartbeat {
  const context = Context.current();
  if (context.info.isLocal) return localMemory(context.info);
  const details = context.info.heartbeatDetails as AttemptMemory | undefined;
  let memory: AttemptMemory = details ?? { failed: 0, first: now };
  const beat = (next: AttemptMemory): void => {
    memory = next;
    context.heartbeat(next);
  };
  // None at once: most steps end before the first is due, and each costs a call and a write at the server.
  const ticker = setInterval(() => beat(memory), HEARTBEAT_INTERVAL_MS);
  return { memory, beat, stop: () => clearInterval(ticker) };
}
