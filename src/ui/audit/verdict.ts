import { count, duration } from '../format.js';
import { html, type Html, type Part } from '../html.js';
import type { Parts } from '../parts/parts.js';
import { chainDrawing } from './chain.js';
import type { AuditStateView, CheckView } from './state.js';
import { whatToDo } from './words.js';

type Problem = NonNullable<CheckView['report']['first_problem']>;

function place({ audit_id: id, seq, kind }: Problem): string {
  if (kind === 'tail_cut') return 'The end of the chain is missing.';
  if (kind === 'heads_missing') return 'The signed heads are gone.';
  if (kind === 'head_signature') return 'A signed head is not ours.';
  if (id !== undefined && /^\d+$/.test(id)) return `The chain breaks at entry ${count(Number(id))}.`;
  return seq === undefined ? 'The chain is broken.' : `The chain breaks at link ${count(seq)}.`;
}

/** The sentence that answers whether the record can be trusted. */
export function verdictSentence({ last, checkingSince, head }: AuditStateView): string {
  const problem = last?.report.first_problem;
  if (problem !== undefined) return place(problem);
  if (last?.report.ok === true) return 'The chain is whole.';
  if (checkingSince !== null) return 'The chain is being checked.';
  return head === null ? 'Nothing is recorded yet.' : 'The chain was not checked yet.';
}

function checkedPart({ last, head, checkingSince }: AuditStateView, ui: Parts): Part {
  const running =
    checkingSince === null
      ? ''
      : html`<span>A check began ${ui.ago(checkingSince)}; <a href="/ui/audit">look again</a>.</span>`;
  if (last === null) {
    const asked = head === null ? '' : html`<span>Nobody asked since this server started.</span>`;
    return checkingSince === null ? asked : running;
  }
  const { report, at, tookMs } = last;
  const newer = Math.max(0, (head?.seq ?? 0) - report.linked);
  const later =
    report.ok && newer > 0 ? html`<span>${ui.format.plural(newer, 'entry', 'entries')} came since.</span>` : '';
  return html`<span
      >${count(report.linked)} checked at ${ui.time(at, true)} in ${duration(tookMs)}, with
      ${ui.format.plural(report.heads, 'signed head')}</span
    >${later}${running}`;
}

function sub(state: AuditStateView, ui: Parts): Html {
  const { head, since, pending } = state;
  const entries = (head?.seq ?? 0) + pending;
  const from = since === null ? '' : html` since ${ui.time(since.toISOString())}`;
  const waiting = pending === 0 ? '' : html`<span>${ui.format.cappedCount(pending)} not linked yet</span>`;
  return html`<p class="sub">
    <span>${ui.format.plural(entries, 'entry', 'entries')}${from}</span>${waiting}${checkedPart(state, ui)}
  </p>`;
}

function hashLine(label: string, hash: string, ui: Parts): Html {
  return html`<dt>${label}</dt>
    <dd>
      <details class="digest-full">
        <summary>${ui.digest(hash)}</summary>
        <code class="wrap">${hash}</code>
      </details>
    </dd>`;
}

/** What is wrong, the two hashes, and what to do: first thing on the page. */
function broken(problem: Problem, ui: Parts): Html {
  const { expected_hash: expected, found_hash: found, kind } = problem;
  const hashes =
    expected === undefined || found === undefined
      ? ''
      : html`<dl class="facts gap-above">${hashLine('Must be', expected, ui)}${hashLine('Is', found, ui)}</dl>`;
  const entry =
    problem.audit_id === undefined
      ? ''
      : html` · <a href="/ui/audit?entry=${problem.audit_id}#entry-${problem.audit_id}">Open the entry</a>`;
  return html`<section class="card broken gap-below" aria-labelledby="h-broken" data-testid="audit-problem">
    <header>
      ${ui.glyph('fail', 'fail')}
      <h2 id="h-broken">What does not fit</h2>
    </header>
    <div class="body">
      <p>
        ${ui.text(problem.message)} <span class="meta"><code>${kind}</code>${entry}</span>
      </p>
      ${hashes}
      <h3 class="gap-above">What to do</h3>
      <ol class="steps-to-do">
        ${whatToDo(kind).map((step) => html`<li>${step}</li>`)}
      </ol>
      <p class="meta">
        Nothing before it is in doubt:
        ${problem.seq === undefined ? 'the report says how far the check came.' : html`links below ${count(problem.seq)} fit.`}
      </p>
    </div>
  </section>`;
}

/** Headline, what it rests on, and the button that checks again. */
export function verdict(state: AuditStateView, csrf: string, ui: Parts): Html {
  const problem = state.last?.report.first_problem;
  const tone = problem === undefined ? '' : ' is-broken';
  const label = state.last === null ? 'Verify' : 'Verify again';
  return html`<div id="audit-verdict">
    <div class="head">
      <div>
        <h1 class="${`chain-state${tone}`}" data-testid="audit-state">
          ${problem === undefined ? '' : ui.glyph('fail', 'fail')}${verdictSentence(state)}
        </h1>
        ${sub(state, ui)}
      </div>
      <form class="actions" method="post" action="/ui/audit/verify">
        <input type="hidden" name="_csrf" value="${csrf}" /><button class="button primary" data-testid="audit-verify">
          ${label}
        </button>
      </form>
    </div>
    ${problem === undefined ? '' : broken(problem, ui)} ${chainDrawing(state, ui)}
  </div>`;
}
