import { html, join, type Html, type Part } from '../html.js';
import { loopText } from '../graph/loop-text.js';
import { markWord } from '../graph/marks.js';
import { predict, type Expected } from '../graph/predict.js';
import { timeAxis, type Stretch, type TimeAxis } from '../graph/time-axis.js';
import { trackOf, type Track, type TrackRow } from '../graph/track-rows.js';
import { axisLines, axisSvg, barSvg, gutterClass, gutterSvg, type BarPiece } from '../graph/track-svg.js';
import type { Leaf, Seq } from '../graph/tree.js';
import type { Fragment } from '../parts/fragment.js';
import type { Parts } from '../parts/parts.js';
import { FEWEST_SAMPLES } from './step-records.js';
import { linkTo, type RunView } from './view.js';

/** Longer tracks are shown in windows of this many rows. */
const WINDOW = 200;
const LONGEST_WHOLE = 500;

/** One window of the rows. */
interface RowWindow {
  track: Track;
  axis: TimeAxis;
  from: number;
  to: number;
  rows: { id: string; html: Html }[];
}

function windowOf(view: RunView, tree: Seq, ui: Parts): RowWindow {
  const { data, query } = view;
  const track = trackOf(tree);
  const isOpen = data.run.completed_at === null;
  const expected =
    isOpen && view.tree !== null ? predict(view.tree, ui.clock.now) : { steps: new Map<string, Expected>(), endMs: 0 };
  const axis = axisOf(view, track, expected.endMs, ui);
  const [from, to] = boundsOf(track, query.row ?? 0);
  const tries = triesByPath(view);
  const rows = track.rows.slice(from, to).map((row) => ({
    id: rowId(row),
    html: rowHtml(view, row, barSvg(axis, piecesOf(row, tries, ui.clock.now), expected.steps.get(row.path)), ui),
  }));
  return { track, axis, from, to, rows };
}

/** The steps as rows with lanes and bars, and what of it is renewed. */
export function runTrack(view: RunView, tree: Seq, ui: Parts): { html: Html; fragments: Fragment[] } {
  const shown = windowOf(view, tree, ui);
  const { track, axis, rows } = shown;
  const now = view.data.run.completed_at === null ? ui.clock.now : null;
  const gutter = gutterSvg(track, view.glyphs, shown.from, shown.to);
  const axisHtml = axisSvg(axis, now);
  const lines = axisLines(axis, now);
  const list = html`<ol class="rows" id="run-rows">
    ${rows.map((row) => row.html)}
  </ol>`;
  const whole = html`<div class="${gutterClass(track)}">
      <div class="track-head" aria-hidden="true">
        <span></span><span>Step</span><span class="took">Took</span>${axisHtml}
      </div>
      <div class="track-lines" aria-hidden="true"><span></span><span></span><span></span>${lines}</div>
      ${gutter}${list}
    </div>
    ${more(view, shown)}`;
  const fragments = [
    { id: 'run-axis', html: axisHtml },
    { id: 'run-lines', html: lines },
    { id: 'run-gutter', html: gutter },
    { id: 'run-rows', html: list, rows },
  ];
  return { html: whole, fragments };
}

/** The window of rows that the address names, to stand below those before it. */
export function laterRows(view: RunView, tree: Seq, ui: Parts): Html {
  const shown = windowOf(view, tree, ui);
  const { track, from, to, rows } = shown;
  return html`<div class="${gutterClass(track)} later">
      ${gutterSvg(track, view.glyphs, from, to, `run-gutter-${from}`)}
      <ol class="rows" start="${from + 1}">
        ${rows.map((row) => row.html)}
      </ol>
    </div>
    ${more(view, shown, true)}`;
}

function axisOf({ data, query }: RunView, track: Track, predictedMs: number, ui: Parts): TimeAxis {
  const startMs = Date.parse(data.run.started_at ?? data.run.created_at);
  const lastMs = data.run.completed_at === null ? ui.clock.now : Date.parse(data.run.completed_at);
  // A guess that reaches far out would press what really happened into a corner.
  const endMs = Math.max(lastMs, Math.min(predictedMs, lastMs + 2 * (lastMs - startMs) + 60_000));
  const isWorking = query.time === 'working';
  return timeAxis({ startMs, endMs, zone: ui.clock.zone, ...(isWorking ? { working: workOf(track, lastMs) } : {}) });
}

/** When steps did something: gates and pauses wait. */
function workOf(track: Track, nowMs: number): Stretch[] {
  return track.rows.flatMap(({ node, startedMs, endedMs }) => {
    const waits = node?.type === 'leaf' && (node.kind === 'gate' || node.kind === 'wait');
    return startedMs === null || waits || node?.type === 'lanes' || node?.type === 'group'
      ? []
      : [{ startMs: startedMs, endMs: endedMs ?? nowMs }];
  });
}

function boundsOf(track: Track, row: number): [number, number] {
  if (track.rows.length <= LONGEST_WHOLE) return [0, track.rows.length];
  const from = Math.min(row, track.rows.length - 1);
  return [from, Math.min(track.rows.length, from + WINDOW)];
}

/**
 * Where the other rows are. Those of a run that has ended come by themselves when its last row is scrolled to; while it goes
 * on one window is shown at a time, since only one is renewed.
 */
function more(view: RunView, { track: { rows }, from, to }: RowWindow, isLater = false): Part {
  if (from === 0 && to === rows.length) return '';
  const before =
    from === 0 || isLater ? '' : html`<a href="${linkTo(view, { row: Math.max(0, from - WINDOW) })}">Rows before</a>`;
  const next = linkTo(view, { row: to }, '/_more');
  const loads =
    view.data.run.completed_at === null
      ? ''
      : html`hx-get="${next}" hx-trigger="revealed" hx-target="closest footer" hx-swap="outerHTML"`;
  const after =
    to === rows.length
      ? ''
      : html`<a href="${linkTo(view, { row: to })}" ${loads}
          >Rows ${to + 1} to ${Math.min(rows.length, to + WINDOW)}</a
        >`;
  return html`<footer>
    ${before}<span class="meta">${isLater ? 'up to row' : `rows ${from + 1} to`} ${to} of ${rows.length}</span>${after}
  </footer>`;
}

function rowId({ path }: TrackRow): string {
  return `row-${path}`;
}

type Tries = Map<string, BarPiece[]>;

function triesByPath({ data }: RunView): Tries {
  const paths = new Map(data.steps.map(({ step_id, path }) => [step_id, path]));
  const tries: Tries = new Map();
  for (const { step_id, status, started_at, ended_at } of data.attempts) {
    const path = paths.get(step_id);
    if (path === undefined || ended_at === null || (status !== 'failed' && status !== 'lost')) continue;
    const piece: BarPiece = { mark: 'fail', startMs: Date.parse(started_at), endMs: Date.parse(ended_at) };
    tries.set(path, [...(tries.get(path) ?? []), piece]);
  }
  return tries;
}

/** Failed attempts first, then the last one. */
function piecesOf({ path, mark, startedMs, endedMs, way, node }: TrackRow, tries: Tries, now: number): BarPiece[] {
  if (startedMs === null || way !== 'taken' || node?.type === 'lanes') return [];
  const failed = tries.get(path) ?? [];
  const last = failed.at(-1);
  const isLastFailed = mark === 'fail' && last !== undefined;
  const startMs = last === undefined ? startedMs : Math.max(startedMs, last.endMs);
  return isLastFailed ? failed : [...failed, { mark, startMs, endMs: Math.max(startMs, endedMs ?? now) }];
}

function rowHtml(view: RunView, row: TrackRow, bar: Html, ui: Parts): Html {
  const { path, mark, node, title, isSub } = row;
  const isCurrent = path === view.selected;
  const classes = [
    'row-link',
    isSub ? 'sub' : '',
    mark === 'todo' || row.way === 'off' ? 'pale' : '',
    mark === 'gate' ? 'gated' : '',
  ]
    .filter((name) => name !== '')
    .join(' ');
  const name = node?.type === 'fold' ? `${ui.format.count(node.count)} ${node.what}` : title;
  const link =
    node?.type === 'fold'
      ? linkTo(view, { steps: 'all' })
      : linkTo(view, { step: path, tab: undefined, from: undefined, find: undefined, artifact: undefined });
  const word = row.way === 'off' && mark === 'skipped' ? 'Not taken' : markWord(mark);
  return html`<li id="${rowId(row)}">
    <a
      class="${classes}"
      data-row
      href="${link}"
      data-testid="step-${path}"
      ${isCurrent ? html` aria-current="true"` : ''}
      ><span class="sr">${word}: </span
      ><span class="name"><b class="cut">${ui.text(name)}</b><span class="cut">${detail(row, ui)}</span></span
      ><span class="took">${took(row, ui)}</span>${bar}</a
    >
  </li>`;
}

function detail({ node, text, way, mark }: TrackRow, ui: Parts): Part {
  if (text !== null) return ui.text(text);
  if (node === null) return '';
  if (way === 'off' && mark === 'skipped') {
    return node.type === 'leaf' && node.skipReason === 'not_reached' ? 'not reached' : 'not taken';
  }
  switch (node.type) {
    case 'leaf':
      return leafDetail(node, ui);
    case 'loop':
      return listed([
        'for each',
        node.items.states === '' ? '' : loopText(node.items),
        `${node.concurrency} at a time`,
      ]);
    case 'lanes': {
      const chosen = node.lanes.find((lane) => lane.way === 'taken');
      return node.kind === 'switch' && chosen !== undefined ? html`switch → ${ui.text(chosen.name)}` : node.kind;
    }
    case 'group':
      return node.kind;
    case 'fold':
      return mark === 'todo' ? 'to come' : '';
  }
}

function leafDetail(node: Leaf, ui: Parts): Html {
  const tries = node.attempts > 1 ? `${node.attempts} tries` : '';
  const role = { handler: 'handles the failure', finally: 'at the end', none: '' }[node.role ?? 'none'];
  return listed([ui.text(node.what), node.note ?? '', tries, role]);
}

function listed(parts: readonly Part[]): Html {
  return join(
    parts.filter((part) => part !== ''),
    ' · ',
  );
}

function took({ startedMs, endedMs, node, mark, way }: TrackRow, ui: Parts): Part {
  if (startedMs !== null) {
    return endedMs === null && mark !== 'todo'
      ? ui.since(new Date(startedMs).toISOString())
      : ui.format.duration((endedMs ?? startedMs) - startedMs);
  }
  if (way === 'off' || mark === 'skipped') return '–';
  const usual = node !== null && node.type !== 'fold' ? node.usualMs : null;
  return usual === null ? '' : `~ ${ui.format.about(usual)}`;
}

/** What the dashed outlines mean; nothing when there are none. */
export function expectedLegend({ data: { usual, run } }: RunView): Part {
  if (usual.runs < FEWEST_SAMPLES || run.completed_at !== null) return '';
  return html`<span class="legend wide-only"
    ><span
      ><svg viewBox="0 0 10 10" aria-hidden="true"><rect class="ghost" x=".5" y="2" width="9" height="6" /></svg
      >expected, from ${usual.runs} earlier runs</span
    ></span
  >`;
}

/** Links between two forms of the same thing. */
export function switchLinks(label: string, links: readonly { text: string; href: string; isCurrent: boolean }[]): Html {
  return html`<span class="segments inline" role="group" aria-label="${label}"
    >${join(links.map(({ text, href, isCurrent }) => html`<a href="${href}" ${isCurrent ? html` aria-current="true"` : ''}>${text}</a>`))}</span
  >`;
}
