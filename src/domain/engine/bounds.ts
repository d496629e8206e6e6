import type { FailureFacts } from '../xyn-error.js';
import { cancelFrame } from './cancel.js';
import { activeMs, RUN_TIME } from './clock.js';
import { MAX_STATE_BYTES, ROOT, type Draft } from './draft.js';

/** Cost units of all expressions of a run. */
const MAX_RUN_COST = 20_000_000;

/** Cancels what is open; the run ends when all of it has ended (language §5.3). */
export function stop(d: Draft, by: string): void {
  const hold = d.state.holds[ROOT];
  if (!hold || hold.stage === 'finally') return;
  d.state.phase = 'cancel';
  delete d.state.timers[RUN_TIME];
  if (hold.stage === 'body') cancelFrame(d, ROOT, by);
  else {
    for (const [id, frame] of Object.entries(d.state.frames)) {
      if (frame.hold === ROOT && frame.body.startsWith('!')) cancelFrame(d, id, by);
    }
  }
}

/** Whether the run is to end before its list did. */
export function isStopping(d: Draft): boolean {
  return d.state.cancel !== undefined || d.state.error !== undefined;
}

/** Ends the run as failed by a bound of the run itself, which no handler catches. */
export function failRun(d: Draft, facts: FailureFacts): void {
  if (isStopping(d) || d.state.holds[ROOT]?.stage === 'finally') return;
  d.state.error = d.errorAt(undefined, '', facts);
  stop(d, 'a limit of the run');
}

/** It was active for too long. */
export function tooLong(d: Draft): FailureFacts {
  const minutes = Math.round(d.plan.limits.run_time_ms / 60_000);
  return { code: 'limit_run_time', message: `The run was active for more than ${minutes} min.`, retryable: false };
}

/** Whether the run has existed for too long. */
export function isTooOld(d: Draft): boolean {
  return d.state.now - d.state.started >= d.plan.limits.max_age_ms;
}

/** It has existed for too long. */
export function tooOld(d: Draft): FailureFacts {
  const days = Math.round(d.plan.limits.max_age_ms / 86_400_000);
  return { code: 'limit_run_time', message: `The run is older than ${days} d.`, retryable: false };
}

/** The bound of the run that a further step would break. */
export function boundOf(d: Draft): FailureFacts | undefined {
  if (d.state.cost > MAX_RUN_COST) {
    return {
      code: 'expression_error',
      detail: 'cost_limit',
      message: 'The expressions of the run cost too much.',
      retryable: false,
    };
  }
  if (isTooOld(d)) return tooOld(d);
  if (isTooLarge(d)) return TOO_LARGE;
  return activeMs(d) >= d.plan.limits.run_time_ms ? tooLong(d) : undefined;
}

const TOO_LARGE: FailureFacts = {
  code: 'limit_state',
  message: 'What the run has to remember is over 1 MiB; give its steps smaller `outputs`.',
  retryable: false,
};

/** Counts the bytes only where what was added could be too much: a character has three at most. */
function isTooLarge({ state }: Draft): boolean {
  const { measured, added } = state.size ?? { measured: 0, added: 0 };
  if (measured + 3 * added <= MAX_STATE_BYTES) return false;
  const { transitions: _, ...kept } = state;
  const bytes = new TextEncoder().encode(JSON.stringify(kept)).length;
  state.size = { measured: bytes, added: 0 };
  return bytes > MAX_STATE_BYTES;
}
