import type { StepStatus } from '../domain/engine/state.js';
import type { FailedItemRow, RunLoopRow, RunProgress, RunStepRow } from '../domain/run-page.js';

/** Failed items that are listed by name. */
const MOST_FAILED = 50;
/** Steps that are looked at for what they say of failed items: each is one that failed or undid. */
const MOST_DETAILS = 500;

/**
 * Steps outside of loops one by one; those of items as a line each, since a loop has up to 10 000: a table of them costs
 * Postgres and the reader ten times as much. Indexes of `~undo[0]` and the like are no items. Whether a step is one is found out
 * once for each (hence the fence), with what costs the least: these are the texts of 10 000 paths.
 */
export const PROGRESS = `
SELECT coalesce(json_agg(json_build_object('step_id', step_id, 'path', path, 'node_id', node_id, 'status', status,
    'skip_reason', skip_reason, 'handled', handled, 'attempts', attempts, 'started_at', started_at, 'completed_at', completed_at,
    'code', error ->> 'code', 'message', left(error ->> 'message', 500), 'is_reused', reused_from_run IS NOT NULL,
    'chosen', CASE WHEN kind = 'switch' THEN outputs ->> 'case' END,
    'items', CASE WHEN kind = 'for_each' AND jsonb_typeof(outputs -> 'count') = 'number' THEN (outputs ->> 'count')::int END)
    ORDER BY seq, path) FILTER (WHERE NOT is_item), '[]') AS steps,
  coalesce(string_agg(CASE WHEN status = 'completed' THEN 'd' WHEN status = 'running' THEN 'r'
      WHEN status = 'failed' THEN CASE WHEN handled THEN 'h' ELSE
        CASE error ->> 'code' WHEN 'outcome_unknown' THEN 'q' WHEN 'cancelled' THEN 'c' ELSE 'f' END END
      ELSE 's' END || path || E'\\t' || node_id || E'\\t' || seq, E'\\n') FILTER (WHERE is_item), '') AS items
FROM (
  SELECT step_id, path, node_id, seq, kind, status, skip_reason, handled, attempts, started_at, completed_at, outputs, error,
    reused_from_run, ascii(split_part(path, '[', 2)) BETWEEN 48 AND 57
      AND (path NOT LIKE '%~%' OR split_part(split_part(path, '[', 1), '.', -1) NOT LIKE '%~%') AS is_item
  FROM steps WHERE run_id = $1 OFFSET 0) s`;

/** What steps at these paths of a run say of the items that they belong to. */
export const ITEM_DETAILS = `
SELECT path, status, attempts, to_json(started_at) #>> '{}' AS started_at, to_json(completed_at) #>> '{}' AS completed_at,
  error ->> 'code' AS code, left(error ->> 'message', 500) AS message, inputs ->> 'host' AS label
FROM steps WHERE run_id = $1 AND path = ANY($2::text[])`;

export interface ProgressRow {
  steps: RunStepRow[];
  /** A line per step: a letter for how it ended, its path, the id of its node, its number in the run; set apart by tabs. */
  items: string;
}

export interface DetailRow extends Omit<FailedItemRow, 'loop' | 'index' | 'letter' | 'undo'> {
  status: StepStatus;
}

/** An item that is listed by name. */
interface WorstItem {
  loop: string;
  index: number;
  letter: string;
  steps: ItemStep[];
}

interface ItemStep {
  path: string;
  seq: number;
  hasFailed: boolean;
  isDirect: boolean;
  isUndo: boolean;
}

/** A run's progress but for what its failed items say: those are in `worst`. */
export interface ReadProgress extends Omit<RunProgress, 'failed'> {
  worst: WorstItem[];
}

/** What is true of an item: of several things the one that stands last here counts. */
const RANKS = 'rdfcqur';
const DONE = 1;
const UNDONE = 5;
const RUNNING = 6;
const WORST = /[fuq]/;

/** Reads one line after another in place: objects and texts for each of 10 000 would take longer than the query. */
class ItemLines {
  readonly #text: string;
  #end = -1;
  #prefix = '';
  letter = '';
  path = { from: 0, to: 0 };
  loop = '';
  index = 0;
  /** Of the item's own list: what happened deeper shows in the status of these. */
  isDirect = true;

  constructor(text: string) {
    this.#text = text;
  }

  next(): boolean {
    const from = this.#end + 1;
    if (from >= this.#text.length) return false;
    const end = this.#text.indexOf('\n', from);
    this.#end = end < 0 ? this.#text.length : end;
    this.letter = this.#text.charAt(from);
    const open = this.#text.indexOf('[', from);
    // Steps of one loop mostly follow one another.
    if (this.#prefix === '' || !this.#text.startsWith(this.#prefix, from + 1)) {
      this.#prefix = this.#text.slice(from + 1, open + 1);
      this.loop = this.#prefix.slice(0, -1);
    }
    const close = this.#text.indexOf(']', open);
    this.index = Number(this.#text.slice(open + 1, close));
    this.path = { from: from + 1, to: this.#text.indexOf('\t', close) };
    this.isDirect = true;
    for (let at = close + 2; at < this.path.to; at += 1)
      if ('.~!#:'.includes(this.#text.charAt(at))) this.isDirect = false;
    return true;
  }

  get nodeId(): string {
    return this.#text.slice(this.path.to + 1, this.#text.indexOf('\t', this.path.to + 1));
  }

  get step(): ItemStep {
    const path = this.#text.slice(this.path.from, this.path.to);
    const seq = Number(this.#text.slice(this.#text.indexOf('\t', this.path.to + 1) + 1, this.#end));
    const { isDirect, letter } = this;
    return { path, seq, hasFailed: 'fcqh'.includes(letter), isDirect, isUndo: this.#isUndo };
  }

  get #isUndo(): boolean {
    // The loop itself may stand in what undoes another step.
    const at = this.#text.indexOf('~undo', this.path.from + this.#prefix.length);
    return at >= 0 && at < this.path.to;
  }

  get rank(): number {
    if (this.letter === 'r') return RUNNING;
    if (!this.isDirect) return this.letter === 'd' && this.#isUndo ? UNDONE : 0;
    const rank = 'fcq'.indexOf(this.letter);
    return rank < 0 ? DONE : rank + 2;
  }
}

function loopRow(path: string, ranks: readonly number[]): RunLoopRow {
  let states = '';
  const indexes: number[] = [];
  // Passes over items that have not begun.
  ranks.forEach((rank, index) => {
    states += RANKS.charAt(rank);
    indexes.push(index);
  });
  return { path, states, indexes: indexes.length === ranks.length ? null : indexes };
}

function worstOf({ path, states, indexes }: RunLoopRow): WorstItem[] {
  const letters = Array.from(states, (letter, at) => ({ loop: path, index: indexes?.[at] ?? at, letter, steps: [] }));
  return letters.filter(({ letter }) => WORST.test(letter));
}

function addSteps(worst: readonly WorstItem[], items: string): void {
  const known = new Map<string, Map<number, WorstItem>>();
  for (const item of worst)
    known.set(item.loop, (known.get(item.loop) ?? new Map<number, WorstItem>()).set(item.index, item));
  const lines = new ItemLines(items);
  while (lines.next()) known.get(lines.loop)?.get(lines.index)?.steps.push(lines.step);
}

/** Puts together what `PROGRESS` gave. Linear in the steps of the run. */
export function readProgress({ steps, items }: ProgressRow): ReadProgress {
  const ranks = new Map<string, number[]>();
  const completed = new Map<string, number>();
  const add = (nodeId: string): void => void completed.set(nodeId, (completed.get(nodeId) ?? 0) + 1);
  for (const { node_id: id, status } of steps) if (status === 'completed') add(id);
  const lines = new ItemLines(items);
  while (lines.next()) {
    if (lines.letter === 'd') add(lines.nodeId);
    let of = ranks.get(lines.loop);
    if (of === undefined) ranks.set(lines.loop, (of = []));
    of[lines.index] = Math.max(of[lines.index] ?? 0, lines.rank);
  }
  const loops = [...ranks].sort(([a], [b]) => (a < b ? -1 : 1)).map(([path, of]) => loopRow(path, of));
  const worst = loops.flatMap((loop) => (WORST.test(loop.states) ? worstOf(loop) : [])).slice(0, MOST_FAILED);
  if (worst.length > 0) addSteps(worst, items);
  return { steps, loops, completed: Object.fromEntries(completed), worst };
}

/** The first step that failed, before others; among these one of the item's own list. */
function tellerOf({ steps }: WorstItem): ItemStep | undefined {
  const inside = steps.filter(({ isUndo }) => !isUndo);
  const order = (a: ItemStep, b: ItemStep): number =>
    Number(b.hasFailed) - Number(a.hasFailed) || Number(b.isDirect) - Number(a.isDirect) || a.seq - b.seq;
  return inside.sort(order)[0];
}

function undoOf({ steps }: WorstItem): ItemStep[] {
  return steps.filter(({ isUndo }) => isUndo).sort((a, b) => a.seq - b.seq);
}

/** The steps of which `ITEM_DETAILS` is to tell. */
export function detailPaths(worst: readonly WorstItem[]): string[] {
  const paths = worst.flatMap((item) => [tellerOf(item), ...undoOf(item)].flatMap((step) => step?.path ?? []));
  return paths.slice(0, MOST_DETAILS);
}

/** The failed items with what their steps say; an item whose step is gone is left out. */
export function failedItems(worst: readonly WorstItem[], details: readonly DetailRow[]): FailedItemRow[] {
  const byPath = new Map(details.map((detail) => [detail.path, detail]));
  return worst.flatMap((item) => {
    const detail = byPath.get(tellerOf(item)?.path ?? '');
    if (detail === undefined) return [];
    const { status: _status, ...said } = detail;
    const undo = undoOf(item).flatMap(({ path }) => {
      const { status, started_at, completed_at } = byPath.get(path) ?? {};
      if (status === undefined) return [];
      return [{ path, status, started_at: started_at ?? null, completed_at: completed_at ?? null }];
    });
    return [{ ...said, loop: item.loop, index: item.index, letter: item.letter, undo }];
  });
}
