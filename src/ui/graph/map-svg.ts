import { about, count, duration } from '../format.js';
import { html, join, type Html } from '../html.js';
import { MOST_CELLS, type Layout, type PlacedBox, type PlacedEdge } from './layout.js';
import { loopCells, loopTotal } from './loop-cells.js';
import { loopText } from './loop-text.js';
import { markTone, markWord, type Mark } from './marks.js';
import { cut } from './cut.js';
import { roundedPath } from './rounded-path.js';
import type { Fold, Group, Lanes, Leaf, Loop } from './tree.js';

/** How a map is drawn. Times: ms since 1970. */
export interface MapView {
  now: number;
  selected: string | null;
  /** Where the silhouettes are, as the beginning of an address that ends with `#`. */
  glyphs: string;
  /** Where a step is shown. */
  linkOf: (path: string) => string;
  /** Where folded steps are shown. */
  unfoldLink: string;
  /** No run is drawn, so nothing is still to come: only gates stand out. */
  isPlan?: true;
  /** Said to people who do not see it, as `Run graph: 14 steps`. */
  label: string;
}

/** Sizes of the two lines of a box, as the style sheet has them, and the room that a leaf leaves them. */
const TITLE = { fontPx: 11.5, widthPx: 74 };
const TEXT = { fontPx: 10.5, widthPx: 86 };
/** A loop's box is wider by that much. */
const LOOP_MORE_PX = 41;
const EDGE_RADIUS = 7;
/** What a silhouette takes of the first line. */
const MARK_PX = 15.5;

/**
 * A laid-out tree as SVG: a link for each box, one tab stop for all (the selected or else the first one), lines under
 * the boxes. No style attributes, so that it fits a strict content policy.
 */
export function mapSvg(placed: Layout, view: MapView): Html {
  const w = Math.ceil(placed.w);
  const h = Math.ceil(placed.h);
  const stops = placed.boxes.filter(({ node }) => !isDiamond(node));
  const tabStop = stops.find(({ node }) => node.path === view.selected) ?? stops[0];
  return html`<svg
    id="run-map"
    width="${w}"
    height="${h}"
    viewBox="0 0 ${w} ${h}"
    role="group"
    aria-label="${view.label}"
    data-testid="run-graph"
    data-arrows
  >
    ${join(placed.edges.map((edge) => edgeSvg(view.isPlan === true ? { ...edge, way: 'taken' } : edge)))}${join(placed.boxes.map((box) => boxSvg(box, view, box === tabStop)))}
  </svg>`;
}

function isDiamond(node: PlacedBox['node']): node is Lanes {
  return node.type === 'lanes';
}

const EDGE_CLASSES = { taken: 'ed', todo: 'ed p', off: 'ed n' } as const;

function edgeSvg({ way, points }: PlacedEdge): Html {
  return html`<path class="${EDGE_CLASSES[way]}" d="${roundedPath(points, EDGE_RADIUS)}" />`;
}

function boxSvg({ node, x, y, w, h }: PlacedBox, view: MapView, isTabStop: boolean): Html {
  if (isDiamond(node)) return diamondSvg(view.isPlan === true ? { ...node, way: 'taken' } : node, x, y);
  const isSelected = node.path === view.selected;
  const ring = isSelected ? html`<rect class="ring" x="-3" y="-3" width="${w + 6}" height="${h + 6}" rx="11" />` : '';
  const current = isSelected ? html` aria-current="true"` : '';
  const tab = isTabStop ? '' : html` tabindex="-1"`;
  const link = node.type === 'fold' ? view.unfoldLink : view.linkOf(node.path);
  return html`<a
    id="map-${node.path}"
    class="nd ${view.isPlan === true ? planClass(node) : boxClass(node)}"
    href="${link}"
    transform="translate(${x} ${y})"
    aria-label="${nameOf(node, view)}"
    data-testid="graph-node-${node.path}"
    ${current}${tab}
    >${
      node.type === 'group'
        ? frameSvg(node, w, h)
        : html`<rect class="box" width="${w}" height="${h}" rx="8" />${contentSvg(node, view)}`
    }${ring}</a
  >`;
}

function boxClass(node: Leaf | Loop | Group | Fold): string {
  if (node.type === 'group') return 'n-grp';
  if (node.way === 'off') return 'n-off';
  if (node.mark === 'todo') return 'n-todo';
  if (node.mark === 'skipped' || node.mark === 'cancelled') return 'n-off';
  return `n-${node.mark === 'retry' ? 'run' : markTone(node.mark)}`;
}

function isGate(node: Leaf | Loop | Group | Fold): boolean {
  return node.type === 'leaf' && node.kind === 'gate';
}

function planClass(node: Leaf | Loop | Group | Fold): string {
  return node.type === 'group' ? 'n-grp' : isGate(node) ? 'n-gate' : 'n-done';
}

/** Silhouette and two lines; the lines are for the eye, the link's name says the same in full. */
function contentSvg(node: Leaf | Loop | Fold, view: MapView): Html {
  const more = node.type === 'loop' ? LOOP_MORE_PX : 0;
  const mark = view.isPlan !== true ? node.mark : isGate(node) ? 'gate' : null;
  const room = TITLE.widthPx + more + (mark === null ? MARK_PX : 0);
  const title = cut(node.type === 'fold' ? foldTitle(node) : node.title, room, TITLE.fontPx);
  const text = cut(secondLine(node, view.now), TEXT.widthPx + more, TEXT.fontPx);
  const glyph =
    mark === null
      ? ''
      : html`<use
          class="mark is-${markTone(mark)}"
          href="${view.glyphs}${mark}"
          x="7"
          y="7"
          width="13.5"
          height="13.5"
        />`;
  const cells = node.type === 'loop' ? cellsSvg(node) : '';
  return html`${glyph}<text aria-hidden="true" x="${mark === null ? 9 : 9 + MARK_PX}" y="18.5">${title}</text>
    <text aria-hidden="true" class="s" x="9" y="34">${text}</text>${cells}`;
}

function cellsSvg({ items }: Loop): Html {
  const total = loopTotal(items);
  if (total === 0) return html``;
  const perRow = Math.min(total, MOST_CELLS / 2);
  if (total <= MOST_CELLS) {
    return join(
      loopCells(items).map(
        ({ mark }, index) =>
          html`<rect
            class="${cellClass(mark)}"
            x="${9 + 6.2 * (index % perRow)}"
            y="${44 + 6.2 * Math.floor(index / perRow)}"
            width="4.8"
            height="4.8"
            rx="1"
          />`,
      ),
    );
  }
  const width = 124;
  const bins = loopCells(items, 0, width / 2);
  const done = Math.floor((width * items.states.length) / total);
  const ticks = bins.flatMap(({ mark }, index) =>
    mark === 'done' || mark === 'todo' || mark === 'run'
      ? []
      : [html`<rect class="${cellClass(mark)}" x="${9 + 2 * index}" y="42" width="2" height="8" />`],
  );
  return html`<rect class="fill-rest" x="9" y="44" width="${width}" height="4" rx="1" /><rect
      class="fill is-done"
      x="9"
      y="44"
      width="${done}"
      height="4"
      rx="1"
    />${join(ticks)}`;
}

/** The class that fills a cell or bar with the colour of a mark. */
export function cellClass(mark: Mark): string {
  return mark === 'todo' ? 'fill-rest' : `fill is-${markTone(mark)}`;
}

function frameSvg(node: Group, w: number, h: number): Html {
  return html`<rect class="grp" width="${w}" height="${h}" rx="10" /><text aria-hidden="true" class="s" x="11" y="13"
      >${cut(node.title, w - 20, TEXT.fontPx)}</text
    >`;
}

function diamondSvg(node: Lanes, x: number, y: number): Html {
  const way = node.way === 'taken' ? '' : node.way === 'todo' ? ' n-todo' : ' n-off';
  return html`<g class="nd${way}" transform="translate(${x} ${y})" aria-hidden="true"
    ><path class="box" d="M15 0l15 15-15 15-15-15z" /><text class="s" x="15" y="18.5" text-anchor="middle">if</text
    ><text class="s" x="15" y="44" text-anchor="middle">${cut(node.title, 62, TEXT.fontPx)}</text></g
  >`;
}

function foldTitle({ what, count: steps }: Fold): string {
  return `${count(steps)} ${what}`;
}

/** Begins with what is drawn, so that people who speak to their machine can say what they see. */
function nameOf(node: Leaf | Loop | Group | Fold, view: MapView): string {
  const state = node.way === 'off' && node.mark === 'skipped' ? 'Not taken' : markWord(node.mark);
  const word = view.isPlan === true ? '' : `, ${state}`;
  if (node.type === 'group') return `${node.title}, ${node.kind === 'block' ? 'block' : 'for each item'}${word}`;
  if (node.type === 'fold') return `${foldTitle(node)} ${secondLine(node, view.now)}${word}, show all`;
  const drawn = `${node.title} ${secondLine(node, view.now)}`;
  return node.type === 'leaf' && !drawn.includes(node.what) ? `${drawn}, ${node.what}${word}` : `${drawn}${word}`;
}

function secondLine(node: Leaf | Loop | Fold, now: number): string {
  if (node.type === 'loop') return loopTotal(node.items) === 0 ? 'for each item' : loopText(node.items);
  if (node.type === 'fold')
    return node.mark === 'todo' ? 'to come' : node.startedMs === null ? 'not taken' : spanOf(node, now);
  if (node.note !== null) return node.note;
  if (node.mark === 'skipped')
    return node.way !== 'off' ? 'skipped' : node.skipReason === 'not_reached' ? 'not reached' : 'not taken';
  const time = timing(node, now);
  if (node.attempts > 1) return `${node.attempts} tries · ${time}`;
  if (time === '') return node.what;
  const whole = `${node.what} · ${time}`;
  const isWhole = cut(whole, TEXT.widthPx, TEXT.fontPx) === whole;
  return isWhole ? whole : `${node.what.split('.')[0] ?? ''} · ${time}`;
}

function timing(node: Leaf, now: number): string {
  if (node.startedMs !== null) return spanOf(node, now);
  return node.mark === 'todo' && node.usualMs !== null ? `~ ${about(node.usualMs)}` : '';
}

function spanOf({ startedMs, endedMs }: { startedMs: number | null; endedMs: number | null }, now: number): string {
  return startedMs === null ? '' : duration((endedMs ?? now) - startedMs);
}
