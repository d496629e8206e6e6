import { fold } from '../graph/fold.js';
import { layout } from '../graph/layout.js';
import { mapSvg } from '../graph/map-svg.js';
import { countSteps, type Seq } from '../graph/tree.js';
import { html, type Html, type Part } from '../html.js';
import type { Fragment } from '../parts/fragment.js';
import type { Parts } from '../parts/parts.js';
import { evidenceChain, runBanner, runHead, stepSummary } from './run-head.js';
import { artifactList, runPanel } from './run-panel.js';
import { expectedLegend, laterRows, runTrack, switchLinks } from './run-track.js';
import { linkTo, type RunView } from './view.js';

/** Above so many steps long stretches are folded unless all were asked for. */
const MOST_UNFOLDED = 40;

/** The page of a run, and what of it is renewed while the run goes on. */
export function runPage(view: RunView, ui: Parts): { main: Html; fragments: Fragment[] } {
  const head = runHead(view, ui);
  const banner = runBanner(view, ui);
  const chain = evidenceChain(view, ui);
  const panel = runPanel(view, ui);
  const foot = runFoot(view, ui);
  const drawn = view.tree === null ? null : drawSteps(view, view.tree, ui);
  const main = html`<div id="run-view" data-in-place>
    ${head}${banner}${chain}${drawn?.map ?? ''}
    <div class="columns side-wide gap-above">${drawn?.steps ?? noPlan(ui)}${panel}</div>
    ${foot}
  </div>`;
  const fragments = [
    { id: 'run-head', html: head },
    { id: 'run-banner', html: banner },
    { id: 'run-evidence', html: chain },
    ...(drawn?.fragments ?? []),
    { id: 'step-panel', html: panel },
    { id: 'run-foot', html: foot },
  ];
  return { main, fragments };
}

function noPlan(ui: Parts): Html {
  return html`<section class="card" data-testid="steps">
    ${ui.empty({ title: 'The plan cannot be shown.', text: 'The version that this run has is gone, or is not what its digest says.' })}
  </section>`;
}

/** Long stretches folded, unless all steps were asked for. */
function shownTree({ query }: RunView, tree: Seq, ui: Parts): Seq {
  if (countSteps(tree) <= MOST_UNFOLDED || query.steps === 'all') return tree;
  return fold(tree, { now: ui.clock.now, selected: query.step ?? null });
}

/** More rows of a long run, for below those that are there; undefined when its plan is not known. */
export function moreRows(view: RunView, ui: Parts): Html | undefined {
  return view.tree === null ? undefined : laterRows(view, shownTree(view, view.tree, ui), ui);
}

function drawSteps(view: RunView, tree: Seq, ui: Parts): { map: Html; steps: Html; fragments: Fragment[] } {
  const isLong = countSteps(tree) > MOST_UNFOLDED;
  const isFolded = isLong && view.query.steps !== 'all';
  const shown = shownTree(view, tree, ui);
  const map = mapPart(view, shown, ui);
  const track = runTrack(view, shown, ui);
  const summary = html`<span class="meta" id="run-counts">${stepSummary(view, ui)}</span>`;
  const fit = isLong
    ? switchLinks('How much is drawn', [
        { text: 'Fit', href: linkTo(view, { steps: undefined }), isCurrent: isFolded },
        { text: 'All steps', href: linkTo(view, { steps: 'all' }), isCurrent: !isFolded },
      ])
    : '';
  const times = switchLinks('Time axis', [
    { text: 'Clock', href: linkTo(view, { time: undefined }), isCurrent: view.query.time !== 'working' },
    { text: 'Working time', href: linkTo(view, { time: 'working' }), isCurrent: view.query.time === 'working' },
  ]);
  return {
    map: html`<section class="card wide-only" aria-labelledby="map-title">
      <header>
        <h2 id="map-title">Map</h2>
        ${summary}<span class="grow"></span>${fit}
      </header>
      <div class="map" tabindex="0" role="region" aria-label="Run graph">${map}</div>
    </section>`,
    steps: html`<section class="card" aria-labelledby="steps-title" data-testid="steps">
      <header>
        <h2 id="steps-title">Steps</h2>
        <span class="grow"></span>${expectedLegend(view)}<span class="wide-only">${times}</span>
      </header>
      ${track.html}
    </section>`,
    fragments: [{ id: 'run-counts', html: summary }, { id: 'run-map', html: map }, ...track.fragments],
  };
}

/** The map alone. */
export function mapPart(view: RunView, shown: Seq, ui: Parts): Html {
  return mapSvg(layout(shown, { width: view.mapWidth }), {
    now: ui.clock.now,
    selected: view.selected,
    glyphs: view.glyphs,
    linkOf: (path) =>
      linkTo(view, { step: path, tab: undefined, from: undefined, find: undefined, artifact: undefined }),
    unfoldLink: linkTo(view, { steps: 'all' }),
    label: `Run graph: ${ui.format.plural(view.tree === null ? 0 : countSteps(view.tree), 'step')}`,
  });
}

function runFoot(view: RunView, ui: Parts): Html {
  const { data } = view;
  const artifacts = html`<section class="card" aria-labelledby="artifacts-title">
    <header>
      <h2 id="artifacts-title">Artifacts</h2>
      <span class="meta">${ui.format.cappedCount(data.artifact_count)}</span>
    </header>
    ${artifactList(data.artifacts, ui)}
  </section>`;
  return html`<div id="run-foot">
    <div class="columns thirds gap-above">${footprints(view, ui)}${inputs(view, ui)}${artifacts}</div>
    ${auditEntries(view, ui)}
  </div>`;
}

function auditEntries({ data: { audit_entries: entries, audit, run } }: RunView, ui: Parts): Part {
  if (entries.length === 0) return '';
  const lines = entries.map(
    ({ audit_id: id, at, actor, action, path }) =>
      html`<li class="line">
        <span class="meta tabular">${ui.time(at, true)}</span
        ><a class="grow cut" href="/ui/audit?entry=${id}"><code>${action}</code></a
        >${path === null ? '' : html`<code class="cut">${ui.text(path)}</code>`}<span>${ui.text(actor)}</span>
      </li>`,
  );
  const more =
    audit.entries > entries.length
      ? html`<footer>
          <a href="/ui/audit?run_id=${run.run_id}">All ${ui.format.count(audit.entries)} entries</a>
        </footer>`
      : '';
  return html`<section class="card gap-above" id="run-audit" data-testid="run-audit">
    <details>
      <summary class="body">Audit trail, the newest ${ui.format.plural(entries.length, 'entry', 'entries')}</summary>
      <ul>
        ${lines}
      </ul>
      ${more}
    </details>
  </section>`;
}

function footprints({ data: { footprints: prints } }: RunView, ui: Parts): Html {
  const sum = new Map(prints.map(({ metric, quantity }) => [metric, quantity]));
  const of = (metric: string): number => sum.get(metric) ?? 0;
  const facts: [string, Part][] = [];
  if (sum.has('tokens_in') || sum.has('tokens_out'))
    facts.push(['Tokens in / out', `${ui.format.count(of('tokens_in'))} / ${ui.format.count(of('tokens_out'))}`]);
  if (sum.has('wall_ms')) facts.push(['Time of all steps', ui.format.duration(of('wall_ms'))]);
  if (sum.has('step.count')) facts.push(['Steps', ui.format.count(of('step.count'))]);
  if (sum.has('artifact_bytes_written')) facts.push(['Written', ui.format.bytes(of('artifact_bytes_written'))]);
  const known = new Set(['tokens_in', 'tokens_out', 'wall_ms', 'step.count', 'run.count', 'artifact_bytes_written']);
  for (const { metric, quantity, unit } of prints) {
    if (!known.has(metric))
      facts.push([metricWord(metric), `${ui.format.count(quantity)} ${unit === 'count' ? '' : unit}`]);
  }
  const list = facts.map(
    ([key, value]) =>
      html`<dt>${key}</dt>
        <dd class="tabular">${value}</dd>`,
  );
  const body =
    list.length === 0 ? html`<p class="meta">Nothing was measured yet.</p>` : html`<dl class="facts">${list}</dl>`;
  return html`<section class="card" aria-labelledby="footprints-title">
    <header><h2 id="footprints-title">Footprints</h2></header>
    <div class="body">${body}</div>
  </section>`;
}

/** `request_count` as `Requests`; what nobody has words for stays as it is, without its underscores. */
function metricWord(metric: string): string {
  if (metric === 'request_count') return 'Requests';
  const words = metric.replaceAll(/[._]/g, ' ');
  return words.charAt(0).toUpperCase() + words.slice(1);
}

function inputs({ data: { run, event } }: RunView, ui: Parts): Html {
  // The catalog keeps no order of them.
  const entries = Object.entries(run.inputs)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .slice(0, 50);
  const list = entries.map(([key, value]) => {
    const text = typeof value === 'string' ? value : JSON.stringify(value);
    const shown = text.length > 500 ? `${text.slice(0, 500)}…` : text;
    const secret = typeof value === 'object' && value !== null && 'secret' in value ? value.secret : undefined;
    if (typeof secret === 'string')
      return html`<dt>${ui.text(key)}</dt>
        <dd>${ui.secret(secret)}</dd>`;
    return html`<dt>${ui.text(key)}</dt><dd><code${event === null ? '' : html` class="outside"`}>${ui.text(shown)}</code></dd>`;
  });
  const outside =
    event === null || entries.length === 0
      ? ''
      : html`<p class="meta small gap-above">Underlined: written by the sender of the event.</p>`;
  const body =
    list.length === 0
      ? html`<p class="meta">It has none.</p>`
      : html`<dl class="facts">${list}</dl>
          ${outside}`;
  return html`<section class="card" aria-labelledby="inputs-title">
    <header><h2 id="inputs-title">Inputs</h2></header>
    <div class="body">${body}</div>
  </section>`;
}
