import type { JsonObject } from '../json.js';
import { cancelledError } from './cancel.js';
import { ROOT, viewOf, type Draft } from './draft.js';
import { DO, FINALLY } from './frames.js';
import type { Outcome, State, StepStatus } from './state.js';
import { afterCleanup, afterHandler, concludeHandledRun, concludeRun } from './steps.js';

/** Whether a run has ended; its status never changes again. */
export function isFinal(state: State): boolean {
  return state.status === 'completed' || state.status === 'failed' || state.status === 'cancelled';
}

/** A list of the run itself has ended: its body, its handler, or what it does last. */
export function onRunFrameEnd(d: Draft, id: string, body: string, ended: Outcome): void {
  const outcome =
    body === FINALLY
      ? afterCleanup(d, id, ended)
      : body === DO
        ? concludeRun(d, runOutcomeOf(d, ended))
        : concludeHandledRun(d, afterHandler(d, id, ended));
  if (outcome !== undefined) finish(d, outcome);
}

/** What the plan's own list came to: a bound of the run and a cancel count more than the list's own error. */
function runOutcomeOf(d: Draft, ended: Outcome): Outcome {
  if (ended.status !== 'cancelled') return ended;
  if (d.state.error) return { status: 'failed', error: d.state.error };
  const { by, reason } = d.state.cancel as NonNullable<State['cancel']>;
  const message = `Cancelled by ${by}${reason === '' ? '' : `: ${reason}`}.`;
  return { status: 'cancelled', error: cancelledError(d, '', message) };
}

/** The end of the run (language §5.2). A failure that a handler took care of leaves a completed run. */
function finish(d: Draft, outcome: Outcome): void {
  d.state.timers = {};
  const handled = outcome.status === 'failed' && outcome.handled === true;
  const status = handled ? 'completed' : outcome.status;
  d.state.status = status;
  delete d.state.phase;
  delete d.state.error;
  if (status === 'completed') d.state.outputs = (outcome as { outputs?: JsonObject }).outputs ?? {};
  if (outcome.status !== 'completed') d.state.error = outcome.error;
  const facts = {
    ...(d.state.outputs === undefined ? {} : { outputs: d.state.outputs }),
    ...(d.state.error === undefined ? {} : { error: d.state.error }),
  };
  d.note({ t: 'end', status, ...facts, steps: statusesOf(d), ended: d.state.ran.ended });
  d.commands.push({ c: 'finish', status, ...facts });
}

function statusesOf(d: Draft): Record<string, StepStatus> {
  const frame = d.frame(ROOT);
  return Object.fromEntries(
    d.plan.root.do.map((ix) => [d.pathOf(ROOT, d.node(ix)), viewOf(frame, d.node(ix).id).status]),
  );
}
