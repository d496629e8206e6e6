import { html, join, type Html, type Part } from '../html.js';
import { cellClass } from './map-svg.js';
import { markTone, type Mark } from './marks.js';
import type { Expected } from './predict.js';
import { roundedPath } from './rounded-path.js';
import type { TimeAxis } from './time-axis.js';
import type { Track, TrackEdge } from './track-rows.js';

/** Height of a row, in px of text at its usual size; the style sheet says the same in rem. */
const ROW = 36;
/** What is drawn beside rows is as high as they are, also where text is larger. */
const PX_IN_REM = 16;
const LANE = { first: 16, next: 15 };
/** Lanes further right share the last column. */
const MOST_LANES = 4;
const RADIUS = 6;

/** The class of the track that makes room for its gutter. */
export function gutterClass({ lanes }: Track): string {
  return lanes >= MOST_LANES ? 'track wide' : 'track';
}

/**
 * The lanes and dots beside rows `from` up to, not with, `to`.
 * @param glyphs where the silhouettes are, ends with `#`.
 */
export function gutterSvg(track: Track, glyphs: string, from = 0, to = track.rows.length, id = 'run-gutter'): Html {
  const w = LANE.first + LANE.next * Math.min(track.lanes - 1, MOST_LANES - 1) + 12;
  const h = ROW * (to - from);
  const edges = track.edges.filter((edge) => edge.to.row >= from && edge.from.row < to);
  const dots = track.rows.slice(from, to).map(({ mark, lane, node }, index) => {
    const [x, y] = [laneX(lane), ROW * index + ROW / 2];
    const shape =
      node?.type === 'lanes' && node.kind === 'switch'
        ? html`<path class="diamond" d="M${x} ${y - 7}l7 7-7 7-7-7z" />`
        : html`<use
            class="mark is-${markTone(mark)}"
            href="${glyphs}${mark}"
            x="${x - 7.5}"
            y="${y - 7.5}"
            width="15"
            height="15"
          />`;
    return html`<circle class="fill-surface" cx="${x}" cy="${y}" r="9.5" />${shape}`;
  });
  return html`<svg
    class="gut"
    id="${id}"
    width="${w / PX_IN_REM}rem"
    height="${h / PX_IN_REM}rem"
    viewBox="0 0 ${w} ${h}"
    aria-hidden="true"
  >
    ${join(edges.map((edge) => gutterEdge(edge, from)))}${dots}${hiddenLanes(track, from, to)}
  </svg>`;
}

const EDGE_CLASSES = { taken: 'ed', todo: 'ed p', off: 'ed n', undo: 'ed u' } as const;

function gutterEdge({ from, to, via, way }: TrackEdge, offset: number): Html {
  const [x, y] = [laneX(from.lane), ROW * (from.row - offset) + ROW / 2];
  const [endX, endY] = [laneX(to.lane), ROW * (to.row - offset) + ROW / 2];
  const column = laneX(via ?? Math.max(from.lane, to.lane));
  const [below, above] = [y + ROW / 2, endY - ROW / 2];
  const points: [number, number][] = [[x, y]];
  if (column !== x) points.push([x, below], [column, below]);
  if (column !== endX) points.push([column, above], [endX, above]);
  points.push([endX, endY]);
  return html`<path class="${EDGE_CLASSES[way]}" d="${roundedPath(withoutRepeats(points), RADIUS)}" />`;
}

/** Rows that follow one another meet at their border, where two corners would fall together. */
function withoutRepeats(points: [number, number][]): [number, number][] {
  const kept = points.filter((point, index) => {
    const before = points[index - 1];
    return before?.[0] !== point[0] || before[1] !== point[1];
  });
  return kept.filter((point, index) => {
    const [before, after] = [kept[index - 1], kept[index + 1]];
    if (before === undefined || after === undefined) return true;
    return !((before[0] === point[0] && point[0] === after[0]) || (before[1] === point[1] && point[1] === after[1]));
  });
}

function hiddenLanes(track: Track, from: number, to: number): Part {
  const hidden = track.lanes - MOST_LANES;
  const row = track.rows.findIndex(({ lane }) => lane >= MOST_LANES);
  if (hidden <= 0 || row < from || row >= to) return '';
  return html`<text x="${laneX(MOST_LANES - 1) + 8}" y="${ROW * (row - from) + 8}">+${hidden}</text>`;
}

function laneX(lane: number): number {
  return LANE.first + LANE.next * Math.min(lane, MOST_LANES - 1);
}

/** One piece of a row's bar. Times: ms since 1970. */
export interface BarPiece {
  mark: Mark;
  startMs: number;
  endMs: number;
}

/** When a row ran, or is expected to. */
export function barSvg(axis: TimeAxis, pieces: readonly BarPiece[], expected: Expected | undefined): Html {
  const bars = pieces.map(({ mark, startMs, endMs }) => {
    const { x, width } = span(axis, startMs, endMs);
    return html`<rect class="${cellClass(mark)}" x="${x}%" y=".75rem" width="${width}%" height=".75rem" rx="2" />`;
  });
  const ghost = expected && span(axis, expected.startMs, expected.endMs);
  const outline =
    ghost && html`<rect class="ghost" x="${ghost.x}%" y=".78rem" width="${ghost.width}%" height=".69rem" rx="2" />`;
  return html`<svg class="bar" aria-hidden="true">${bars}${outline}</svg>`;
}

/** At least wide enough to be seen. */
function span(axis: TimeAxis, startMs: number, endMs: number): { x: string; width: string } {
  const x = Math.min(axis.place(startMs), 99.5);
  return { x: x.toFixed(2), width: Math.max(0.5, axis.place(endMs) - x).toFixed(2) };
}

/** Where the last label may begin, in percent, so that it ends with the axis: `22:44`, and with seconds. */
const LAST_LABEL = { short: 88, long: 78 };

/** The labels of the axis. */
export function axisSvg(axis: TimeAxis, now: number | null): Html {
  const nowAt = now === null ? null : axis.place(now);
  // A label is about an eighth of a narrow axis wide, and begins at its tick.
  const isFree = (percent: number): boolean => nowAt === null || percent < nowAt - 24 || percent > nowAt + 6;
  const ticks = axis.ticks.filter(
    ({ percent, label }) => percent <= LAST_LABEL[label.length > 5 ? 'long' : 'short'] && isFree(percent),
  );
  const labels = ticks.map(
    ({ percent, label }) => html`<text x="${percent.toFixed(2)}%" y="1.25rem" dx="4">${label}</text>`,
  );
  const nowLabel =
    nowAt === null
      ? ''
      : html`<text class="tb" x="${Math.min(nowAt, 96).toFixed(2)}%" y="1.25rem" text-anchor="middle">now</text>`;
  return html`<svg class="axis" id="run-axis" aria-hidden="true">${labels}${nowLabel}</svg>`;
}

/** The lines behind all rows: ticks, left out waits and now. */
export function axisLines(axis: TimeAxis, now: number | null): Html {
  const line = (percent: number, className: string): Html =>
    html`<line class="${className}" x1="${percent.toFixed(2)}%" x2="${percent.toFixed(2)}%" y1="0" y2="100%" />`;
  return html`<svg class="lines" id="run-lines" aria-hidden="true">
    ${axis.ticks.map(({ percent }) => line(percent, 'tick'))}${axis.breaks.map((percent) => line(percent, 'break'))}${now === null ? '' : line(axis.place(now), 'now')}
  </svg>`;
}
