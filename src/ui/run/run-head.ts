import type { RunPageData } from '../../domain/run-page.js';
import type { Effect, Plan } from '../../domain/plan.js';
import { href, html, join, type Html, type Part } from '../html.js';
import { countSteps, stopsOf } from '../graph/tree.js';
import type { Mark } from '../graph/marks.js';
import type { Parts } from '../parts/parts.js';
import { runStatus } from '../status.js';
import { FEWEST_SAMPLES } from './step-records.js';
import type { RunView } from './view.js';
import { startedBy, waitingText } from './words.js';

function isOpen({ run }: RunPageData): boolean {
  return run.status === 'created' || run.status === 'running';
}

/** Title, status, how long it takes, and what can be done with the run. */
export function runHead(view: RunView, ui: Parts): Html {
  const { data } = view;
  const { run } = data;
  return html`<div class="head" id="run-head">
    <div>
      <h1>${ui.text(run.name)}</h1>
      <p class="sub">
        ${ui.status(statusOf(data), true)}${runTime(data, ui)}${usual(data, ui)}<button
          class="text-button mono meta"
          type="button"
          data-copy="${run.run_id}"
          title="Copy ${run.run_id}"
        >
          run ${run.run_id.slice(0, 8)}
        </button>
      </p>
      ${chain(data, ui)}
    </div>
    ${actions(data, ui)}
  </div>`;
}

/** The runs that it repeats, and those that repeat it. */
function chain({ chain: runs, run }: RunPageData, ui: Parts): Part {
  if (runs.length === 0) return '';
  const items = runs.map(({ run_id: id, status, created_at: at, rerun_from: from }) => {
    const { word } = runStatus({ status });
    const name = `run ${id.slice(0, 8)}`;
    const shown =
      id === run.run_id ? html`<b>this run</b>` : html`<a class="mono" href="/ui/runs/${id}">${name}</a>, ${word}`;
    return html`<li>${shown}, ${ui.time(at)}${from === null ? '' : html`, from <code>${ui.text(from)}</code>`}</li>`;
  });
  return html`<ol class="chain meta" aria-label="Reruns" data-testid="run-chain">
    ${items}
  </ol>`;
}

function statusOf({ run, gates, steps, attempts }: RunPageData) {
  const gate = gates.find(({ status }) => status === 'open');
  const retrying = run.waiting_on.find((reason) => reason.kind === 'retry');
  const isOnlyRetry = steps.filter(({ status }) => status === 'running').length <= 1 && attempts.length > 0;
  return runStatus({
    status: run.status,
    gate: gate && { purpose: gate.purpose, mine: gate.purpose === 'approval' },
    retry: retrying?.kind === 'retry' && isOnlyRetry ? { attempt: retrying.attempt, of: null } : undefined,
    cancelRequested: run.cancel_requested_at !== null,
    isUndone: steps.some(({ path, status }) => status === 'completed' && /^[^[]*~undo\[/.test(path)),
  });
}

function runTime({ run }: RunPageData, ui: Parts): Part {
  if (run.started_at === null) return html`<span>accepted ${ui.ago(run.created_at)}</span>`;
  if (run.completed_at === null) return html`<span class="tabular">running ${ui.since(run.started_at)}</span>`;
  const took = Date.parse(run.completed_at) - Date.parse(run.started_at);
  return html`<span class="tabular">took ${ui.format.duration(took)}</span
    ><span class="meta">ended ${ui.time(run.completed_at)}</span>`;
}

function usual({ usual: { runs, run_ms: ms } }: RunPageData, ui: Parts): Part {
  return runs < FEWEST_SAMPLES || ms === null ? '' : html`<span class="meta">usually ${ui.format.about(ms)}</span>`;
}

function actions(data: RunPageData, ui: Parts): Html {
  const { run } = data;
  const cancel =
    isOpen(data) && run.cancel_requested_at === null
      ? html`<a class="button" href="/ui/runs/${run.run_id}/cancel" data-confirm data-testid="cancel"
          >${ui.icon('close', true)}Cancel</a
        >`
      : '';
  const rerun = isOpen(data)
    ? ''
    : html`<a class="button" href="/ui/runs/${run.run_id}/rerun" data-confirm data-testid="rerun">Rerun</a>`;
  const replay = html`<a
    class="button"
    href="/ui/runs/${run.run_id}/replay-check"
    data-confirm
    data-testid="replay-check"
    >Replay check</a
  >`;
  const temporal =
    data.temporal_url === null
      ? ''
      : html`<a class="button" href="${data.temporal_url}" rel="noreferrer">Open in Temporal</a>`;
  return html`<div class="actions" data-testid="run-actions">${cancel}${rerun}${replay}${temporal}</div>`;
}

/** What a reader must know first: open gates, why the run failed, why it does not move. */
export function runBanner(view: RunView, ui: Parts): Html {
  const { data } = view;
  const gates = data.gates.filter(({ status }) => status === 'open').map((gate) => gateBanner(view, gate, ui));
  const waits = data.run.waiting_on.flatMap((reason) => waitingText(reason, ui) ?? []);
  const notes = waits.length === 0 ? '' : ui.note('info', 'mute', join(waits.map((text) => html`<div>${text}</div>`)));
  const failure = data.run.status === 'failed' ? failureBanner(view, ui) : cancelBanner(data, ui);
  return html`<div id="run-banner" class="stack gap-below" aria-live="polite">
    ${gates.slice(0, 5)}${failure}${notes}
  </div>`;
}

function gateBanner({ tree }: RunView, gate: RunPageData['gates'][number], ui: Parts): Html {
  const path = gate.path.replace(/~recover$/, '');
  const stop = tree === null ? undefined : [...stopsOf(tree)].find((one) => one.path === path);
  const title = stop === undefined || stop.type === 'fold' ? path : stop.title;
  const review = html`<a class="button primary" href="/ui/gates/${gate.gate_id}" data-testid="gate-review">Review</a>`;
  if (gate.purpose === 'recovery') {
    const text = html`<b>${ui.text(title)}</b> was sent, and nobody knows whether it happened. It will not be sent again
      by itself: say whether it did.`;
    return html`<div class="note is-odd" data-testid="gate-banner">
      ${ui.glyph('unknown', 'odd')}
      <div class="grow">${text}</div>
      ${review}
    </div>`;
  }
  const left = gate.require - gate.approvals.length;
  const by = gate.approvals.map(({ actor, at }) => html`${ui.text(actor)} approved at ${ui.time(at)}; `);
  const until =
    gate.expires_at === null
      ? ''
      : html` If nobody decides by <b class="tabular">${ui.time(gate.expires_at, true)}</b> it counts as rejected.`;
  const needed = left === 1 ? 'one more approval is needed' : `${left} more approvals are needed`;
  const need =
    gate.approvals.length === 0
      ? `${gate.require === 1 ? 'One approval is' : `${gate.require} approvals are`} needed`
      : needed;
  return html`<div class="note is-gate" data-testid="gate-banner">
    ${ui.glyph('gate', 'gate')}
    <div class="grow"><b>${ui.text(title)}</b> is open. ${by}${need}.${until}</div>
    ${review}
  </div>`;
}

/** Who wanted the run to end, and why. */
function cancelBanner({ cancel, run }: RunPageData, ui: Parts): Part {
  if (cancel === null || run.status !== 'cancelled') return '';
  const why = cancel.reason === null ? '' : html`: ${ui.text(cancel.reason)}`;
  return html`<div data-testid="cancel-banner">
    ${ui.note('cancelled', 'mute', html`<b>Cancelled</b> by ${ui.text(cancel.actor)} at ${ui.time(cancel.at, true)}${why}`)}
  </div>`;
}

function failureBanner({ data, tree }: RunView, ui: Parts): Html {
  const error = (data.run.error ?? {}) as {
    code?: string;
    message?: string;
    path?: string;
    cause?: { code?: string; message?: string; path?: string };
  };
  const path = error.cause?.path ?? error.path ?? '';
  const stop = tree === null || path === '' ? undefined : [...stopsOf(tree)].find((one) => one.path === path);
  const title = stop === undefined || stop.type === 'fold' ? path : stop.title;
  const { undone } = undoCounts(data);
  const writes = effectCounts(data);
  const kept =
    writes === 0
      ? ''
      : html` ${ui.format.plural(writes, 'write')} happened
        before${undone > 0 ? `; ${undone} of them undone` : ' and stayed'}.`;
  const where = title === '' ? '' : html`<b>${ui.text(title)}</b> failed. `;
  return html`<div class="note is-fail" data-testid="failure-banner">
    ${ui.glyph('fail', 'fail')}
    <div class="grow">
      ${where}${ui.text(sentence(error.message ?? 'The run failed'))}${kept}
      <code class="meta small">${error.code ?? ''}</code>
    </div>
    ${rerunFrom(data.run.run_id, path)}
  </div>`;
}

/** Messages of others end as they like; here another sentence follows. */
function sentence(text: string): string {
  return /[.!?…]\s*$/.test(text) ? text : `${text}.`;
}

function rerunFrom(runId: string, path: string): Part {
  if (path === '') return '';
  const to = href(`/ui/runs/${runId}/rerun`, { from: path });
  return html`<a class="button" href="${to}" data-confirm data-testid="rerun-from">Rerun from here</a>`;
}

function undoCounts({ steps, loops }: RunPageData): { undone: number } {
  const inLoops = loops.reduce((sum, { states }) => sum + states.split('u').length - 1, 0);
  return {
    undone: steps.filter(({ path, status }) => path.includes('~undo[') && status === 'completed').length + inLoops,
  };
}

/** Completed steps with an effect on the world, each item of a loop counted. */
function effectCounts({ plan, completed }: RunPageData): number {
  if (plan === null) return 0;
  return plan.nodes.reduce((sum, node) => sum + (effectOf(node) === 'read' ? 0 : (completed[node.id] ?? 0)), 0);
}

function effectOf(node: Plan['nodes'][number]): Effect {
  return node.kind === 'action_task' ? node.effect : 'read';
}

/** Event → Blueprint → Plan → Effects → Audit. */
export function evidenceChain(view: RunView, ui: Parts): Html {
  const { data } = view;
  const { run, event, plan, audit } = data;
  const links = [
    link(
      'Event',
      event === null
        ? 'No event'
        : html`<a class="mono" href="/ui/events/${event.event_id}">${ui.text(event.event_name)}</a>`,
      event === null
        ? html`${ui.text(startedBy(run))}`
        : html`${ui.text(event.actor)} · ${ui.time(event.occurred_at, true)}`,
    ),
    link(
      'Blueprint',
      html`<a href="/ui/blueprints/${encodeURIComponent(run.blueprint_id)}"
        >${ui.text(run.blueprint_id)}${run.blueprint_version === null ? '' : ` v${run.blueprint_version}`}</a
      >`,
      plan === null ? 'its source is not known' : ui.digest(plan.source),
    ),
    link(
      'Plan',
      view.tree === null ? 'not readable' : html`${ui.format.plural(countSteps(view.tree), 'step')}, frozen`,
      ui.digest(run.digest),
    ),
    link('Effects', effects(data, ui), waitingEffects(view, ui)),
    link(
      'Audit',
      html`<a href="/ui/audit?run_id=${run.run_id}">${ui.format.plural(audit.entries, 'entry', 'entries')}</a>`,
      audit.entries === 0
        ? 'nothing written yet'
        : audit.unlinked === 0
          ? 'all in the chain'
          : `${audit.unlinked} not in the chain yet`,
    ),
  ];
  return html`<ol
    class="evidence gap-below"
    id="run-evidence"
    aria-label="Chain of evidence"
    data-testid="evidence-chain"
  >
    ${links}
  </ol>`;
}

function link(key: string, value: Part, more: Part): Html {
  return html`<li><span class="k">${key}</span><span class="v wrap">${value}</span><span class="x">${more}</span></li>`;
}

function effects(data: RunPageData, ui: Parts): string {
  const { undone } = undoCounts(data);
  const writes = ui.format.plural(effectCounts(data), 'write');
  return undone === 0 ? writes : `${writes}, ${undone} undone`;
}

function waitingEffects({ data, tree }: RunView, ui: Parts): string {
  if (!isOpen(data)) return 'nothing is under way';
  if (tree === null) return '';
  const waiting = [...stopsOf(tree)].filter(
    (stop) => stop.type === 'leaf' && stop.mark === 'todo' && stop.way !== 'off',
  );
  const ids = new Set(data.plan?.nodes.filter((node) => effectOf(node) !== 'read').map(({ id }) => id));
  const count = waiting.filter(({ path }) => ids.has(/[^.:\]]*$/.exec(path)?.[0] ?? '')).length;
  return count === 0 ? 'none to come' : `${ui.format.count(count)} more to come`;
}

/** `14 steps · 6 done, 1 running, 1 waiting`. */
export function stepSummary(view: RunView, ui: Parts): string {
  const { tree } = view;
  if (tree === null) return '';
  const counts = new Map<Mark, number>();
  for (const stop of stopsOf(tree)) {
    if (stop.type === 'leaf' || stop.type === 'loop') counts.set(stop.mark, (counts.get(stop.mark) ?? 0) + 1);
  }
  const words: [Mark, string][] = [
    ['done', 'done'],
    ['run', 'running'],
    ['retry', 'retrying'],
    ['gate', 'waiting'],
    ['unknown', 'unknown'],
    ['fail', 'failed'],
    ['undone', 'undone'],
  ];
  const parts = words.flatMap(([mark, word]) =>
    counts.has(mark) ? [`${ui.format.count(counts.get(mark) ?? 0)} ${word}`] : [],
  );
  const whole = ui.format.plural(countSteps(tree), 'step');
  return parts.length === 0 ? whole : `${whole} · ${parts.join(', ')}`;
}
