import type { Draft } from './draft.js';
import type { TaskNode } from './leaves.js';
import type { ReusedFrom } from './state.js';
import { beginStep, endStep, failStep, noteStep } from './steps.js';

/**
 * Ends a task at once as it ended in the run that this one repeats; nothing is asked of a worker. A failure that is taken
 * over is handled anew, as the one before was.
 * @returns false where that run has no result for the task.
 */
export function takeOver(d: Draft, frameId: string, node: TaskNode, path: string): boolean {
  const entry = d.takeReused(path);
  if (entry === undefined) return false;
  const reused: ReusedFrom = { run: entry.run, ...(entry.path === undefined ? {} : { path: entry.path }) };
  beginStep(d, frameId, node);
  if (entry.status === 'completed') {
    const { status, outputs } = entry;
    endStep(d, frameId, node, { status, outputs }, { attempts: 0, note: true, reused });
  } else {
    // The note of its end comes from where all failures end, which does not know whose it was.
    noteStep(d, node, path, 'running', { attempts: 0, reused });
    failStep(d, frameId, node, entry.error, 0);
  }
  return true;
}
