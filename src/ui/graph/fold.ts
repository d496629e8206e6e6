import { isSettled, needsAttention, worstMark } from './marks.js';
import { childrenOf, countSteps, stopsOf, type Fold, type GraphNode, type Lanes, type Seq } from './tree.js';

/** A step that just ended stays as it is for a while, so that nothing moves under a reader's eyes. */
const SETTLED_FOR_MS = 10_000;
/** Shorter stretches are drawn in full. */
const SHORTEST = 4;

export interface FoldOptions {
  /** Milliseconds since 1970. */
  now: number;
  /** The path of the step that is looked at. */
  selected?: string | null;
}

/**
 * Draws long stretches without news as one box each: all steps but those that run, wait, failed, have an unknown outcome,
 * were undone or are looked at, and their neighbours. Depends on nothing but its arguments, so it does not flap.
 */
export function fold(tree: Seq, options: FoldOptions): Seq {
  return foldSeq(tree, { ...options, kept: new Map() });
}

interface Folding extends FoldOptions {
  kept: Map<GraphNode, boolean>;
}

function foldSeq(seq: Seq, folding: Folding): Seq {
  const { items } = seq;
  const kept = items.map((item) => isKept(item, folding));
  const folded: GraphNode[] = [];
  let stretch: GraphNode[] = [];
  const flush = (): void => {
    if (stretch.length >= SHORTEST) folded.push(foldOf(stretch));
    else folded.push(...stretch.map((item) => foldInside(item, folding)));
    stretch = [];
  };
  items.forEach((item, index) => {
    if ((kept[index - 1] ?? false) || kept[index] === true || (kept[index + 1] ?? false)) {
      flush();
      folded.push(foldInside(item, folding));
      return;
    }
    if (stretch[0] !== undefined && phaseOf(stretch[0]) !== phaseOf(item)) flush();
    stretch.push(item);
  });
  flush();
  return { type: 'seq', items: folded };
}

/** A stretch holds either what is over or what is still to come. */
function phaseOf(node: GraphNode): boolean {
  return node.type === 'seq' || isSettled(node.mark);
}

function foldInside(node: GraphNode, folding: Folding): GraphNode {
  if (node.type === 'group') return { ...node, body: foldSeq(node.body, folding) };
  if (node.type !== 'lanes') return node;
  if (node.kind === 'parallel' && node.mark === 'done' && node.lanes.length > 1 && !isKept(node, folding)) {
    return { ...foldOf([node]), path: node.path, what: 'branches', count: node.lanes.length };
  }
  const lanes = node.lanes.map((lane) => ({ ...lane, body: foldSeq(lane.body, folding) }));
  return { ...node, lanes } satisfies Lanes;
}

function isKept(node: GraphNode, folding: Folding): boolean {
  const known = folding.kept.get(node);
  if (known !== undefined) return known;
  const own = node.type !== 'seq' && (isNews(node, folding) || node.path === folding.selected);
  const kept = own || childrenOf(node).some((kid) => isKept(kid, folding));
  folding.kept.set(node, kept);
  return kept;
}

function isNews(node: Exclude<GraphNode, Seq>, { now }: Folding): boolean {
  if (node.type === 'fold') return false;
  if (needsAttention(node.mark)) return true;
  if (node.type === 'leaf' && node.undo.length > 0) return true;
  return node.endedMs !== null && now - node.endedMs < SETTLED_FOR_MS;
}

function foldOf(items: readonly GraphNode[]): Fold {
  const stops = items.flatMap((item) => [...stopsOf(item)]);
  const times = (pick: 'startedMs' | 'endedMs'): number[] => stops.flatMap((stop) => stop[pick] ?? []);
  const [starts, ends] = [times('startedMs'), times('endedMs')];
  const steps = items.reduce((sum, item) => sum + countSteps(item), 0);
  return {
    type: 'fold',
    path: stops[0]?.path ?? '',
    what: 'steps',
    count: steps,
    steps,
    mark: worstMark(stops.map(({ mark }) => mark)),
    way: stops.some(({ way }) => way === 'taken') ? 'taken' : (stops[0]?.way ?? 'todo'),
    startedMs: starts.length === 0 ? null : starts.reduce((a, b) => Math.min(a, b)),
    endedMs: ends.length === 0 ? null : ends.reduce((a, b) => Math.max(a, b)),
  };
}
