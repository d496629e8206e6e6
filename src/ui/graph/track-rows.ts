import type { Fold, GraphNode, Group, Lanes, Leaf, Loop, Seq, Way } from './tree.js';
import type { Mark } from './marks.js';

/** A row of the track: a step, a holder's head, an item that failed, an undo step, or a fold. */
export interface TrackRow {
  path: string;
  mark: Mark;
  /** What it is drawn from; items and undo steps stand for themselves. */
  node: Leaf | Loop | Lanes | Group | Fold | null;
  title: string;
  /** Written beside the title; null: taken from the node. */
  text: string | null;
  /** From 0: the column of its dot in the gutter. */
  lane: number;
  /** A row that belongs to the one above. */
  isSub: boolean;
  startedMs: number | null;
  endedMs: number | null;
  way: Way;
}

/** A line of the gutter from the dot of one row to the dot of a later one. */
export interface TrackEdge {
  from: { row: number; lane: number };
  to: { row: number; lane: number };
  /** The column of a branch without rows, through which the line goes. */
  via?: number;
  way: Way | 'undo';
}

export interface Track {
  rows: TrackRow[];
  edges: TrackEdge[];
  /** How many columns the gutter has. */
  lanes: number;
}

type Dot = TrackEdge['from'] & { way: Way; via?: number };

interface Draft extends Track {
  busy: Set<number>;
}

/**
 * The tree as rows with lanes, as of a version history: a lane is the lowest free column, taken from the split to the
 * join. Linear in the tree, but for parallels that follow one another at once (branches × branches lines).
 */
export function trackOf(tree: Seq): Track {
  const draft: Draft = { rows: [], edges: [], lanes: 1, busy: new Set([0]) };
  walk(draft, tree, 0, []);
  return { rows: draft.rows, edges: draft.edges, lanes: draft.lanes };
}

/** @returns the dots from which the way goes on. */
function walk(draft: Draft, node: GraphNode, lane: number, from: readonly Dot[]): readonly Dot[] {
  switch (node.type) {
    case 'seq':
      return node.items.reduce<readonly Dot[]>((dots, item) => walk(draft, item, lane, dots), from);
    case 'leaf': {
      const dots = stop(draft, node, lane, from);
      undoRows(draft, node.undo, lane);
      return dots;
    }
    case 'loop': {
      const dots = stop(draft, node, lane, from);
      itemRows(draft, node, lane);
      return dots;
    }
    case 'fold':
      return stop(draft, node, lane, from);
    case 'group':
      return walk(draft, node.body, lane, stop(draft, node, lane, from));
    case 'lanes':
      return walkLanes(draft, node, lane, node.kind === 'switch' ? stop(draft, node, lane, from) : from);
  }
}

function walkLanes(draft: Draft, node: Lanes, lane: number, from: readonly Dot[]): readonly Dot[] {
  const columns = node.lanes.map((_, index) => (index === 0 ? lane : takeLane(draft)));
  const ends = node.lanes.flatMap((branch, index) => {
    const start = from.map((dot) => ({ ...dot, way: branch.way }));
    const dots = walk(draft, branch.body, columns[index] ?? lane, start);
    const column = columns[index] ?? lane;
    const via = branch.body.items.length === 0 && column !== lane ? { via: column } : {};
    return dots.map((dot) => ({ ...dot, way: branch.wayOut, ...via }));
  });
  for (const column of columns) if (column !== lane) draft.busy.delete(column);
  return ends;
}

function takeLane(draft: Draft): number {
  let lane = 0;
  while (draft.busy.has(lane)) lane += 1;
  draft.busy.add(lane);
  draft.lanes = Math.max(draft.lanes, lane + 1);
  return lane;
}

function stop(
  draft: Draft,
  node: Leaf | Loop | Lanes | Group | Fold,
  lane: number,
  from: readonly Dot[],
): readonly Dot[] {
  const title = node.type === 'fold' ? '' : node.title;
  const isSub = node.type === 'leaf' && node.role === 'handler';
  const row = addRow(draft, { node, title, text: null, lane, isSub, ...pick(node) });
  for (const { row: fromRow, lane: fromLane, way, via } of from) {
    const into = way === 'off' || node.way === 'off' ? 'off' : node.way === 'todo' ? 'todo' : way;
    draft.edges.push({
      from: { row: fromRow, lane: fromLane },
      to: { row, lane },
      way: into,
      ...(via === undefined ? {} : { via }),
    });
  }
  return [{ row, lane, way: 'taken' }];
}

function pick({
  path,
  mark,
  startedMs,
  endedMs,
  way,
}: Pick<TrackRow, 'path' | 'mark' | 'startedMs' | 'endedMs' | 'way'>) {
  return { path, mark, startedMs, endedMs, way };
}

function addRow(draft: Draft, row: TrackRow): number {
  return draft.rows.push(row) - 1;
}

type SubStep = Pick<TrackRow, 'path' | 'mark' | 'startedMs' | 'endedMs'> & {
  title: string;
  text: string | null;
  edge: TrackEdge['way'];
};

/** Rows of one chain in a column of their own, joined to the row above it. */
function subRows(draft: Draft, steps: readonly SubStep[], lane: number, from: TrackEdge['from']): void {
  if (steps.length === 0) return;
  let last = from;
  for (const { edge, ...step } of steps) {
    const row = addRow(draft, { ...step, way: 'taken', node: null, lane, isSub: true });
    draft.edges.push({ from: last, to: { row, lane }, way: edge });
    last = { row, lane };
  }
}

function undoRows(draft: Draft, undo: Leaf['undo'], lane: number): void {
  if (undo.length === 0) return;
  const column = takeLane(draft);
  const from = { row: draft.rows.length - 1, lane };
  subRows(
    draft,
    undo.map((step) => ({ ...step, text: 'undo', edge: 'undo' })),
    column,
    from,
  );
  draft.busy.delete(column);
}

function timed({ path, mark, startedMs, endedMs }: Pick<TrackRow, 'path' | 'mark' | 'startedMs' | 'endedMs'>) {
  return { path, mark, startedMs, endedMs };
}

/** The items that failed, each with its undo steps. */
function itemRows(draft: Draft, loop: Loop, lane: number): void {
  if (loop.items.failed.length === 0) return;
  const column = takeLane(draft);
  const from = { row: draft.rows.length - 1, lane };
  const steps = loop.items.failed.flatMap((item): SubStep[] => [
    {
      ...timed(item),
      title: item.label ?? `Item ${item.index}`,
      text: `${item.code}: ${item.message}`,
      edge: item.undo.length > 0 ? 'undo' : 'taken',
    },
    ...item.undo.map((step) => ({
      ...timed(step),
      title: `Undo ${item.label ?? `item ${item.index}`}`,
      text: null,
      edge: 'undo' as const,
    })),
  ]);
  subRows(draft, steps, column, from);
  draft.busy.delete(column);
}
