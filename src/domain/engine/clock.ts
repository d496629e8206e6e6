import type { Retry } from '../plan.js';
import type { Draft } from './draft.js';
import type { TaskNode } from './leaves.js';

/** Timer of the bound on active time. */
export const RUN_TIME = '~run_time';
/** Timer that lets other work in between long chains of expressions. */
export const YIELD = '~yield';

/** Active time so far, milliseconds: only while a task is open does the clock run (language §5.8). */
export function activeMs(d: Draft): number {
  const { active_ms: before, active_since: since, now } = d.state;
  return since === undefined ? before : before + now - since;
}

/** Starts and stops the clock of active time with the tasks, and asks for a wake-up where a task could outlast it. */
export function keepTime(d: Draft): void {
  const open = Object.keys(d.state.tasks).some((path) => d.state.gates[`${path}~recover`]?.status !== 'open');
  if (open && d.state.active_since === undefined) d.state.active_since = d.state.now;
  if (!open && d.state.active_since !== undefined) {
    d.state.active_ms = activeMs(d);
    delete d.state.active_since;
  }
  if (!open || d.state.phase === 'cancel' || d.state.holds['root']?.stage === 'finally')
    delete d.state.timers[RUN_TIME];
  else if (d.state.timers[RUN_TIME] === undefined && mayOutlast(d)) {
    d.state.timers[RUN_TIME] = d.state.now + Math.max(0, d.plan.limits.run_time_ms - activeMs(d));
  }
}

/**
 * Whether an open task could run longer than what is left of the run's active time. Where it cannot, the bound is looked
 * at when the task ends, and no timer is spent on it.
 */
function mayOutlast(d: Draft): boolean {
  const left = d.plan.limits.run_time_ms - activeMs(d);
  return Object.values(d.state.tasks).some((task) => {
    if (task.checking) return false;
    const node = d.node(task.node) as TaskNode;
    return worstCaseMs(node.timeout_ms, node.retry) > left;
  });
}

/** The longest that a task's attempts and pauses can take together, milliseconds. */
function worstCaseMs(timeoutMs: number, retry: Retry): number {
  const longest = retry.attempts * timeoutMs + (retry.attempts - 1) * retry.backoff.max_ms * (1 + retry.backoff.jitter);
  return Math.min(longest, retry.deadline_ms ?? longest);
}

/** Asks for a wake-up at the earliest deadline, if that changed. */
export function keepWake(d: Draft): void {
  const times = Object.values(d.state.timers);
  const earliest = times.length === 0 ? undefined : Math.min(...times);
  if (earliest === d.state.wake) return;
  if (earliest === undefined) delete d.state.wake;
  else d.state.wake = earliest;
  d.commands.push({ c: 'wake', at: earliest ?? null });
}
