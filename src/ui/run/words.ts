import type { RunDetailDto, WaitingOn } from '../../domain/dtos.js';
import { html, type Html, type Part } from '../html.js';
import type { Parts } from '../parts/parts.js';

/** Why an open run does not move, as a sentence; a gate has its own banner. */
export function waitingText(reason: WaitingOn, ui: Parts): Html | null {
  switch (reason.kind) {
    case 'gate':
      return null;
    case 'start':
      return html`Accepted, and not started by Temporal yet, since ${ui.time(reason.since, true)}.`;
    case 'retry':
      return html`<code>${ui.text(reason.path)}</code> failed and is tried
        again${reason.next_attempt_at === null ? '' : html` in ${ui.left(reason.next_attempt_at)}`}; ${reason.attempt}
        ${reason.attempt === 1 ? 'attempt' : 'attempts'} so far.${lastFailure(reason.last_failure, ui)}`;
    case 'worker':
      return html`${reason.path === null ? 'The run' : html`<code>${ui.text(reason.path)}</code>`} waits for a
        worker${reason.since === null ? '' : html` since ${ui.time(reason.since, true)}`}.
        <code>xynctl doctor</code> says which worker is missing.`;
    case 'cancel':
      return html`Cancelling since ${ui.time(reason.since, true)}; running steps are asked to end.`;
    case 'unknown':
      return html`Temporal does not answer, so why it does not move is not known (<code>${reason.reason}</code>).`;
    default:
      return html`Waits: <code>${(reason as { kind: string }).kind}</code>.`;
  }
}

function lastFailure(failure: string | null, ui: Parts): Part {
  return failure === null ? '' : html` Last: ${ui.text(failure)}`;
}

/** How a run came to be. */
export function startedBy({ trigger, actor }: Pick<RunDetailDto, 'trigger' | 'actor'>): string {
  return trigger === 'manual' ? `by hand, ${actor}` : `${trigger}, ${actor}`;
}
