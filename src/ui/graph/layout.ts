import { isTaken } from './build-tree.js';

import { loopTotal } from './loop-cells.js';
import type { Fold, GraphNode, Group, Lanes, Leaf, Loop, Seq, Way } from './tree.js';

/** A box, diamond or frame of the map, in px from the top left corner. */
export interface PlacedBox {
  node: Exclude<GraphNode, Seq>;
  x: number;
  y: number;
  w: number;
  h: number;
}

/** A line with round corners along these points, all legs level or upright. */
export interface PlacedEdge {
  way: Way;
  points: [x: number, y: number][];
}

export interface Layout {
  w: number;
  h: number;
  /** In reading order. Boxes of groups are frames around others; no two other boxes touch. */
  boxes: PlacedBox[];
  edges: PlacedEdge[];
}

export interface LayoutOptions {
  /** Width at which the top sequence wraps, in px; without it, nothing wraps. */
  width?: number;
  /** From top to bottom, as on a blueprint's page; such a map does not wrap. */
  vertical?: boolean;
}

/** Up to that many items a loop's box shows one cell each, in two rows of half as many. */
export const MOST_CELLS = 40;
const LEAF = { w: 101, h: 44 };
const LOOP = { w: 142, h: 56, hWithTwoRows: 64 };
const DIAMOND = 30;
/** Under (beside, in the vertical form) a diamond, for its name. */
const DIAMOND_NAME = { under: 18, beside: 62 };
const GAP = 14;
const LANE_GAP = 12;
const LINE_GAP = 30;
const FRAME = { side: 10, title: 18 };
const MARGIN = 6;
/** So much wider may a map be if it needs no second line then: a line with one box in it helps nobody. */
const LAST_WORD = 32;
/** Room for the rails of a wrapped sequence: on its left, at the end of a line, and for the way back on its right. */
const RAIL = { left: 14, right: 10, back: 20 };

/**
 * A measured node, in the directions of the flow: `main` along it, `before` and `after` the axis across it. In the
 * horizontal form that is width, above and below; in the vertical one height, left and right.
 */
interface Measured {
  node: GraphNode;
  main: number;
  before: number;
  after: number;
  kids: Measured[];
  /** Of a wrapped sequence: the number of kids in each line. */
  lines?: number[];
}

type Point = [main: number, cross: number];

interface Draft {
  vertical: boolean;
  boxes: PlacedBox[];
  edges: PlacedEdge[];
}

/**
 * Places a tree in one pass down and one pass up: linear in its size, the same result every time, and a change moves
 * only what comes after it.
 */
export function layout(tree: Seq, { width, vertical = false }: LayoutOptions = {}): Layout {
  const room = vertical || width === undefined ? Infinity : width - 2 * MARGIN;
  const root = measure(tree, room, vertical, true);
  const draft: Draft = { vertical, boxes: [], edges: [] };
  place(draft, root, MARGIN, MARGIN + root.before, true);
  const main = root.main + 2 * MARGIN;
  const cross = root.before + root.after + 2 * MARGIN;
  return { w: vertical ? cross : main, h: vertical ? main : cross, boxes: draft.boxes, edges: draft.edges };
}

function measure(node: GraphNode, room: number, vertical: boolean, top = false): Measured {
  switch (node.type) {
    case 'leaf':
    case 'loop':
    case 'fold':
      return measureBox(node, vertical);
    case 'seq':
      return measureSeq(node, room, vertical, top);
    case 'lanes':
      return measureLanes(node, room, vertical);
    case 'group':
      return measureGroup(node, room, vertical);
  }
}

function measureBox(node: Leaf | Loop | Fold, vertical: boolean): Measured {
  const loopHeight = node.type === 'loop' && loopTotal(node.items) > MOST_CELLS / 2 ? LOOP.hWithTwoRows : LOOP.h;
  const { w, h } = node.type === 'loop' ? { w: LOOP.w, h: loopHeight } : LEAF;
  const [main, cross] = vertical ? [h, w] : [w, h];
  return { node, main, before: cross / 2, after: cross / 2, kids: [] };
}

function measureSeq(node: Seq, room: number, vertical: boolean, top: boolean): Measured {
  const inside = room - RAIL.left - (top ? RAIL.right : RAIL.back);
  const kids = node.items.map((item) => measure(item, inside, vertical));
  const main = alongOf(kids);
  if (main <= (top ? room + LAST_WORD : room) || kids.length <= 1) return { node, main, ...acrossOf(kids), kids };
  return wrap(node, kids, inside, top);
}

function wrap(node: Seq, kids: Measured[], inside: number, top: boolean): Measured {
  const lines: number[] = [];
  let used = Infinity;
  for (const { main } of kids) {
    if (used + GAP + main > inside) {
      lines.push(1);
      used = main;
    } else {
      lines[lines.length - 1] = (lines.at(-1) ?? 0) + 1;
      used += GAP + main;
    }
  }
  const rows = rowsOf(kids, lines);
  const widest = Math.max(...rows.map(alongOf));
  const heights = rows.map(acrossOf);
  const height = heights.reduce((sum, { before, after }) => sum + before + after + LINE_GAP, -LINE_GAP);
  const before = heights[0]?.before ?? 0;
  const main = RAIL.left + widest + (top ? RAIL.right : RAIL.back);
  return { node, main, before, after: height - before, kids, lines };
}

function rowsOf(kids: Measured[], lines: readonly number[]): Measured[][] {
  let at = 0;
  return lines.map((length) => kids.slice(at, (at += length)));
}

function alongOf(kids: readonly Measured[]): number {
  return kids.reduce((sum, { main }) => sum + main, 0) + GAP * Math.max(0, kids.length - 1);
}

function acrossOf(kids: readonly Measured[]): { before: number; after: number } {
  return {
    before: kids.reduce((most, kid) => Math.max(most, kid.before), 0),
    after: kids.reduce((most, kid) => Math.max(most, kid.after), 0),
  };
}

function measureLanes(node: Lanes, room: number, vertical: boolean): Measured {
  const head = node.kind === 'switch' ? DIAMOND + GAP : 0;
  const kids = node.lanes.map(({ body }) => measure(body, room - 2 * GAP - head, vertical));
  const across = kids.reduce((sum, kid) => sum + kid.before + kid.after, 0) + LANE_GAP * Math.max(0, kids.length - 1);
  const name = node.kind === 'switch' ? DIAMOND / 2 + (vertical ? DIAMOND_NAME.beside : DIAMOND_NAME.under) : 0;
  const main = head + 2 * GAP + kids.reduce((most, kid) => Math.max(most, kid.main), 0);
  const half = Math.max(across / 2, head === 0 ? 0 : DIAMOND / 2);
  return { node, main, before: half, after: Math.max(half, name), kids };
}

function measureGroup(node: Group, room: number, vertical: boolean): Measured {
  const body = measure(node.body, room - 2 * FRAME.side, vertical);
  const [start, before] = vertical ? [FRAME.title, FRAME.side] : [FRAME.side, FRAME.title];
  return {
    node,
    main: Math.max(body.main, vertical ? LEAF.h : LEAF.w) + start + FRAME.side,
    before: Math.max(body.before, LEAF.h / 2) + before,
    after: Math.max(body.after, LEAF.h / 2) + FRAME.side,
    kids: [body],
  };
}

function place(draft: Draft, measured: Measured, main: number, axis: number, top = false): void {
  const { node } = measured;
  switch (node.type) {
    case 'leaf':
    case 'loop':
    case 'fold':
      box(draft, node, [main, axis - measured.before], measured.main, measured.before + measured.after);
      return;
    case 'seq':
      if (measured.lines === undefined) placeRow(draft, measured.kids, main, axis);
      else placeLines(draft, measured, main, axis, top);
      return;
    case 'lanes':
      placeLanes(draft, measured, node, main, axis);
      return;
    case 'group':
      placeGroup(draft, measured, node, main, axis);
      return;
  }
}

function placeRow(draft: Draft, kids: readonly Measured[], main: number, axis: number): number {
  let at = main;
  kids.forEach((kid, index) => {
    if (index > 0) edge(draft, wayInto(kid.node), [at, axis], [(at += GAP), axis]);
    place(draft, kid, at, axis);
    at += kid.main;
  });
  return at;
}

function placeLines(draft: Draft, measured: Measured, main: number, axis: number, top: boolean): void {
  const rows = rowsOf(measured.kids, measured.lines ?? []);
  const start = main + RAIL.left;
  const first = rows[0]?.[0];
  if (!top && first !== undefined) edge(draft, wayInto(first.node), [main, axis], [start, axis]);
  let line = axis;
  rows.forEach((row, index) => {
    const end = placeRow(draft, row, start, line);
    const next = rows[index + 1];
    if (next === undefined) {
      if (!top) placeWayBack(draft, row.at(-1), [end, line], [main + measured.main, axis]);
      return;
    }
    const between = line + acrossOf(row).after + LINE_GAP / 2;
    const nextLine = between + LINE_GAP / 2 + acrossOf(next).before;
    const rail = end + RAIL.right;
    const way = next[0] === undefined ? 'todo' : wayInto(next[0].node);
    const left = main + 2;
    edge(draft, way, [end, line], [rail, line], [rail, between], [left, between], [left, nextLine], [start, nextLine]);
    line = nextLine;
  });
}

/** A wrapped sequence inside another one leaves on the axis on which it was entered. */
function placeWayBack(draft: Draft, last: Measured | undefined, end: Point, out: Point): void {
  const rail = out[0] - RAIL.back + RAIL.right + 4;
  edge(draft, last === undefined ? 'todo' : wayInto(last.node), end, [rail, end[1]], [rail, out[1]], out);
}

function placeLanes(draft: Draft, measured: Measured, node: Lanes, main: number, axis: number): void {
  let start = main;
  if (node.kind === 'switch') {
    box(draft, node, [main, axis - DIAMOND / 2], DIAMOND, DIAMOND);
    edge(draft, wayInto(node), [main + DIAMOND, axis], [main + DIAMOND + GAP, axis]);
    start += DIAMOND + GAP;
  }
  const across = measured.kids.reduce((sum, kid) => sum + kid.before + kid.after + LANE_GAP, -LANE_GAP);
  const end = main + measured.main;
  let at = axis - across / 2;
  measured.kids.forEach((kid, index) => {
    const lane = node.lanes[index];
    if (lane === undefined) return;
    const middle = at + kid.before;
    edge(draft, lane.way, [start, axis], [start + GAP / 2, axis], [start + GAP / 2, middle], [start + GAP, middle]);
    place(draft, kid, start + GAP, middle);
    const laneEnd = start + GAP + kid.main;
    edge(draft, lane.wayOut, [laneEnd, middle], [end - GAP / 2, middle], [end - GAP / 2, axis], [end, axis]);
    at = middle + kid.after + LANE_GAP;
  });
}

function placeGroup(draft: Draft, measured: Measured, node: Group, main: number, axis: number): void {
  const body = measured.kids[0];
  box(draft, node, [main, axis - measured.before], measured.main, measured.before + measured.after);
  if (body === undefined) return;
  const start = main + (draft.vertical ? FRAME.title : FRAME.side);
  edge(draft, wayInto(node), [main, axis], [start, axis]);
  place(draft, body, start, axis);
  const wayOut = node.way === 'taken' && node.endedMs === null ? 'todo' : node.way;
  edge(draft, wayOut, [start + body.main, axis], [main + measured.main, axis]);
}

function wayInto(node: GraphNode): Way {
  if (node.type !== 'seq') return node.way;
  const first = node.items[0];
  return first === undefined ? 'todo' : isTaken(node) ? 'taken' : wayInto(first);
}

function box(draft: Draft, node: PlacedBox['node'], [main, cross]: Point, along: number, across: number): void {
  draft.boxes.push(
    draft.vertical
      ? { node, x: cross, y: main, w: across, h: along }
      : { node, x: main, y: cross, w: along, h: across },
  );
}

/** Points that repeat or lie on a straight line are left out. */
function edge(draft: Draft, way: Way, ...points: Point[]): void {
  const bends: Point[] = [];
  for (const point of points) {
    const [before, last] = [bends.at(-2), bends.at(-1)];
    if (last?.[0] === point[0] && last[1] === point[1]) continue;
    if (before !== undefined && last !== undefined && straight(before, last, point)) bends.pop();
    bends.push(point);
  }
  if (bends.length < 2) return;
  draft.edges.push({ way, points: draft.vertical ? bends.map(([main, cross]) => [cross, main]) : bends });
}

function straight(a: Point, b: Point, c: Point): boolean {
  return (a[0] === b[0] && b[0] === c[0]) || (a[1] === b[1] && b[1] === c[1]);
}
