import type { History } from '@temporalio/common/lib/proto-utils.js';
import { Worker } from '@temporalio/worker';
import { XynFault } from '../domain/fault.js';
import { historyFromJson } from './history-json.js';

/** Whether today's interpreter takes a recorded run the way it went. */
export interface ReplayVerdict {
  fits: boolean;
  /** Where it parts from the history, when it does. */
  difference?: string;
}

/** Names of the errors that speak of the workflow; any other is one of this machine or of the history. */
const DIFFERENCES = ['DeterminismViolationError', 'ReplayError'];

/**
 * Runs the workflow code of a bundle against a history, without a server and without any activity. Temporal compares the
 * commands: which activities, timers and endings in which order, and the ids of activities; not their inputs and results. An
 * open run fits when everything so far fits.
 * @param bundlePath prebuilt bundle of the workflows.
 * @param history a history as clients fetch it, or its JSON form (the SDK's, Temporal's UI's, that of `temporal workflow show`).
 * @throws XynFault `request_invalid` when the history is none.
 */
export async function replayHistory(bundlePath: string, history: unknown, workflowId: string): Promise<ReplayVerdict> {
  const events = historyOf(history);
  // Nothing ran yet, and the SDK would wait for it for ever.
  if (!events.events?.some((event) => event.workflowTaskScheduledEventAttributes)) return { fits: true };
  // In debug mode, the default of replays, code runs on the main thread without the limit of 5 s for one task.
  const options = { workflowBundle: { codePath: bundlePath }, debugMode: false };
  try {
    await Worker.runReplayHistory(options, events, workflowId);
    return { fits: true };
  } catch (error) {
    if (!(error instanceof Error) || !DIFFERENCES.includes(error.name)) throw error;
    return { fits: false, difference: differenceIn(error.message) };
  }
}

/** The SDK dumps a whole structure; people want the sentence in it. */
function differenceIn(dump: string): string {
  const quoted = /\bmessage: ("(?:[^"\\]|\\.)*")/.exec(dump)?.[1];
  if (quoted === undefined) return dump;
  try {
    return JSON.parse(quoted) as string;
  } catch {
    return quoted;
  }
}

function historyOf(history: unknown): History {
  try {
    const { events } = history as History;
    const [first] = events as object[];
    if (first === undefined) throw new TypeError('it has no events');
    // In the protobuf form numbers are objects.
    const fetched = typeof (first as { eventId?: unknown }).eventId === 'object';
    const read = fetched ? (history as History) : historyFromJson(history);
    if (!read.events?.[0]?.workflowExecutionStartedEventAttributes) throw new TypeError('it has no beginning');
    return read;
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : 'unknown';
    throw new XynFault('request_invalid', `This is not the history of a workflow: ${why}.`, { cause });
  }
}
