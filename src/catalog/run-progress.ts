import type { StepStatus } from '../domain/engine/state.js';
import type { FailedItemRow, RunLoopRow, RunProgress, RunStepRow } from '../domain/run-page.js';

/** Failed items that are listed by name. */
const MOST_FAILED = 50;
/** Steps that are looked at for what they say of failed items: each is one that failed or undid. */
const MOST_DETAILS = 500;

/**
 * Steps outside of loops one by one; those of items as a line each, since a loop has up to 10 000: a table of them costs
 * Postgres and the reader ten times as much. Indexes of `~undo[0]` and the like are no items.
 */
export const PROGRESS = `
SELECT coalesce(json_agg(json_build_object('step_id', step_id, 'path', path, 'node_id', node_id, 'status', status,
    'skip_reason', skip_reason, 'handled', handled, 'attempts', attempts, 'started_at', started_at, 'completed_at', completed_at,
    'code', error ->> 'code', 'message', left(error ->> 'message', 500), 'is_reused', reused_from_run IS NOT NULL,
    'chosen', CASE WHEN kind = 'switch' THEN outputs ->> 'case' END,
    'items', CASE WHEN kind = 'for_each' AND jsonb_typeof(outputs -> 'count') = 'number' THEN (outputs ->> 'count')::int END)
    ORDER BY seq, path) FILTER (WHERE NOT is_item), '[]') AS steps,
  coalesce(string_agg(path || E'\\t' || node_id || E'\\t' || seq || E'\\t' || CASE status
      WHEN 'completed' THEN 'd' WHEN 'running' THEN 'r'
      WHEN 'failed' THEN CASE WHEN handled THEN 'h' ELSE
        CASE error ->> 'code' WHEN 'outcome_unknown' THEN 'q' WHEN 'cancelled' THEN 'c' ELSE 'f' END END
      ELSE 's' END, E'\\n') FILTER (WHERE is_item), '') AS items
FROM (
  SELECT *, position('[' IN path) > 0 AND ascii(split_part(path, '[', 2)) BETWEEN 48 AND 57
    AND (position('~' IN path) = 0 OR position('~' IN split_part(split_part(path, '[', 1), '.', -1)) = 0) AS is_item
  FROM steps WHERE run_id = $1) s`;

/** What steps at these paths of a run say of the items that they belong to. */
export const ITEM_DETAILS = `
SELECT path, status, attempts, to_json(started_at) #>> '{}' AS started_at, to_json(completed_at) #>> '{}' AS completed_at,
  error ->> 'code' AS code, left(error ->> 'message', 500) AS message, inputs ->> 'host' AS label
FROM steps WHERE run_id = $1 AND path = ANY($2::text[])`;

export interface ProgressRow {
  steps: RunStepRow[];
  items: string;
}

export interface DetailRow extends Omit<FailedItemRow, 'loop' | 'index' | 'letter' | 'undo'> {
  status: StepStatus;
}

/** A step of an item; `rest` is its path within the item. */
interface ItemStep {
  path: string;
  rest: string;
  seq: number;
  letter: string;
}

/** An item that is listed by name. */
interface WorstItem {
  loop: string;
  index: number;
  letter: string;
  /** The step that says why. */
  told: ItemStep;
  undo: ItemStep[];
}

/** A run's progress but for what its failed items say: those are in `worst`. */
export interface ReadProgress extends Omit<RunProgress, 'failed'> {
  worst: WorstItem[];
}

/** What is true of an item: of several things the one that stands last here counts. */
const RANKS = 'rdfcqur';
const UNDONE = 5;
const RUNNING = 6;

function isUndo({ rest }: ItemStep): boolean {
  return rest.includes('~undo');
}

/** Of the item's own list: what happened deeper shows in the status of these. */
function isDirect({ rest }: ItemStep): boolean {
  return !/[.~!#:]/.test(rest);
}

function rankOf(step: ItemStep): number {
  if (step.letter === 'r') return RUNNING;
  if (!isDirect(step)) return step.letter === 'd' && isUndo(step) ? UNDONE : 0;
  const rank = 'fcq'.indexOf(step.letter);
  return rank < 0 ? 1 : rank + 2;
}

/** The items of one loop, by their index. */
type Items = Map<number, { rank: number; steps: ItemStep[] }>;

function addStep(loops: Map<string, Items>, step: Omit<ItemStep, 'rest'>): void {
  const open = step.path.indexOf('[');
  const close = step.path.indexOf(']', open);
  const loop = step.path.slice(0, open);
  const index = Number(step.path.slice(open + 1, close));
  const whole = { ...step, rest: step.path.slice(close + 2) };
  const items = loops.get(loop) ?? new Map<number, { rank: number; steps: ItemStep[] }>();
  const item = items.get(index) ?? { rank: 0, steps: [] };
  item.rank = Math.max(item.rank, rankOf(whole));
  item.steps.push(whole);
  items.set(index, item);
  loops.set(loop, items);
}

function loopRow(path: string, items: Items): RunLoopRow {
  const indexes = [...items.keys()].sort((a, b) => a - b);
  const states = indexes.map((index) => RANKS[items.get(index)?.rank ?? 0]).join('');
  const hasGaps = indexes.at(-1) !== indexes.length - 1;
  return { path, states, indexes: hasGaps ? indexes : null };
}

/** The first step that failed, before others; among these one of the item's own list. */
function teller(steps: readonly ItemStep[]): ItemStep | undefined {
  const failed = ({ letter }: ItemStep): number => Number(!'fcqh'.includes(letter));
  const inside = steps.filter((step) => !isUndo(step));
  return inside.sort((a, b) => failed(a) - failed(b) || Number(isDirect(b)) - Number(isDirect(a)) || a.seq - b.seq)[0];
}

function worstItems(loop: string, items: Items): WorstItem[] {
  const worst = [...items].filter(([, { rank }]) => 'fuq'.includes(RANKS[rank] ?? '-')).sort(([a], [b]) => a - b);
  return worst.slice(0, MOST_FAILED).flatMap(([index, { rank, steps }]) => {
    const told = teller(steps);
    const undo = steps.filter(isUndo).sort((a, b) => a.seq - b.seq);
    return told === undefined ? [] : [{ loop, index, letter: RANKS[rank] ?? 'f', told, undo }];
  });
}

/** Puts together what `PROGRESS` gave. Linear in the steps of the run. */
export function readProgress({ steps, items }: ProgressRow): ReadProgress {
  const loops = new Map<string, Items>();
  const completed = new Map<string, number>();
  const add = (nodeId: string): void => void completed.set(nodeId, (completed.get(nodeId) ?? 0) + 1);
  for (const { node_id: id, status } of steps) if (status === 'completed') add(id);
  for (const line of items === '' ? [] : items.split('\n')) {
    const [path = '', nodeId = '', seq = '', letter = ''] = line.split('\t');
    if (letter === 'd') add(nodeId);
    addStep(loops, { path, seq: Number(seq), letter });
  }
  const sorted = [...loops].sort(([a], [b]) => (a < b ? -1 : 1));
  return {
    steps,
    loops: sorted.map(([path, of]) => loopRow(path, of)),
    completed: Object.fromEntries(completed),
    worst: sorted.flatMap(([path, of]) => worstItems(path, of)).slice(0, MOST_FAILED),
  };
}

/** The steps of which `ITEM_DETAILS` is to tell. */
export function detailPaths(worst: readonly WorstItem[]): string[] {
  return worst.flatMap(({ told, undo }) => [told.path, ...undo.map(({ path }) => path)]).slice(0, MOST_DETAILS);
}

/** The failed items with what their steps say; an item whose step is gone is left out. */
export function failedItems(worst: readonly WorstItem[], details: readonly DetailRow[]): FailedItemRow[] {
  const byPath = new Map(details.map((detail) => [detail.path, detail]));
  return worst.flatMap(({ loop, index, letter, told, undo }) => {
    const detail = byPath.get(told.path);
    if (detail === undefined) return [];
    const { status: _status, ...said } = detail;
    const undone = undo.flatMap(({ path }) => {
      const one = byPath.get(path);
      return one === undefined
        ? []
        : [{ path, status: one.status, started_at: one.started_at, completed_at: one.completed_at }];
    });
    return [{ ...said, loop, index, letter, undo: undone }];
  });
}
