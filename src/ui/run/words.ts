import type { RunDetailDto, WaitingOn } from '../../domain/dtos.js';
import { html, type Html, type Part } from '../html.js';
import type { Parts } from '../parts/parts.js';

/** Why an open run does not move, as a sentence; null where it does move, and of a gate, which has its own banner. */
export function waitingText(reason: WaitingOn, ui: Parts): Html | null {
  switch (reason.kind) {
    case 'gate':
    case 'step':
    case 'decision':
      return null;
    case 'place':
      return html`Waits for a place since ${ui.time(reason.since, true)}: ${ui.format.plural(reason.running, 'run')} of
        the lane <code>${ui.text(reason.lane)}</code> ${reason.running === 1 ? 'is' : 'are'} under way,
        ${ui.format.count(reason.ahead)} ${reason.ahead === 1 ? 'waits' : 'wait'} before it.`;
    case 'worker_lost':
      return html`The worker of ${stepOrRun(reason.path, ui)} gives no sign of life${since(reason.since, ui)}; another
      one takes over.`;
    case 'defect':
      return html`A defect of Xyn keeps the run${since(reason.since, ui)}: ${ui.text(reason.message)} It goes on when a
      version without the defect runs (<code>${reason.code}</code>).`;
    case 'timer':
      return reason.until === null
        ? html`Waits for a point in time since ${ui.time(reason.since, true)}; which one could not be found out.`
        : html`Waits until ${ui.time(reason.until, true)}, for another ${ui.left(reason.until)}.`;
    case 'record':
      return html`It has ended in Temporal (<code>${reason.execution}</code>), and its records are being completed since
      ${ui.time(reason.since, true)}.`;
    case 'start':
      return html`Accepted, and not started by Temporal yet, since ${ui.time(reason.since, true)}.`;
    case 'retry':
      return html`<code>${ui.text(reason.path)}</code> failed and is tried
        again${reason.next_attempt_at === null ? '' : html` in ${ui.left(reason.next_attempt_at)}`}; ${reason.attempt}
        ${reason.attempt === 1 ? 'attempt' : 'attempts'} so far.${lastFailure(reason.last_failure, ui)}`;
    case 'worker':
      return html`No worker has taken ${stepOrRun(reason.path, ui)}${since(reason.since, ui)};
        <code>xynctl doctor</code> says what is missing.`;
    case 'cancel':
      return html`Cancelling since ${ui.time(reason.since, true)}; running steps are asked to end.`;
    case 'unknown':
      return html`Temporal does not answer, so why it does not move is not known (<code>${reason.reason}</code>).`;
  }
}

function stepOrRun(path: string | null, ui: Parts): Part {
  return path === null ? 'the run' : html`<code>${ui.text(path)}</code>`;
}

function since(time: string | null, ui: Parts): Part {
  return time === null ? '' : html` since ${ui.time(time, true)}`;
}

function lastFailure(failure: string | null, ui: Parts): Part {
  return failure === null ? '' : html` Last: ${ui.text(failure)}`;
}

/** How a run came to be. */
export function startedBy({ trigger, actor }: Pick<RunDetailDto, 'trigger' | 'actor'>): string {
  return trigger === 'manual' ? `by hand, ${actor}` : `${trigger}, ${actor}`;
}
