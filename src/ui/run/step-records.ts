import type { FailedItemRow, RunLoopRow, RunPageData, RunStepRow } from '../../domain/run-page.js';
import { about } from '../format.js';
import type { RunState, StepRecord } from '../graph/build-tree.js';
import { loopMark, type LoopItems } from '../graph/loop-cells.js';
import type { Mark } from '../graph/marks.js';

/** From this many earlier runs on a usual time is said. */
export const FEWEST_SAMPLES = 5;

/** What the map and the track are drawn from. */
export function runState(data: RunPageData, now: number): RunState {
  const open = data.run.status === 'created' || data.run.status === 'running';
  const usual = data.usual.steps.filter(({ samples }) => samples >= FEWEST_SAMPLES);
  return {
    open,
    records: recordsOf(data, now),
    loops: new Map(data.loops.map((loop) => [loop.path, itemsOf(loop, data, open)])),
    usualMs: new Map(usual.map((step) => [step.node_id, step.median_ms])),
  };
}

function recordsOf(data: RunPageData, now: number): StepRecord[] {
  const gates = new Map(data.gates.map((gate) => [gate.path, gate]));
  const retries = new Map(data.attempts.map((attempt) => [attempt.step_id, attempt]));
  const undone = new Set(
    data.steps.flatMap(({ path, status }) =>
      status === 'completed' && path.includes('~undo[') ? path.replace(/~undo\[\d+\].*$/, '') : [],
    ),
  );
  const records = data.steps.map((step): StepRecord => {
    const isUndone = undone.has(step.path);
    const last = retries.get(step.step_id);
    const waits = last?.next_retry_at != null && last.ended_at !== null && Date.parse(last.next_retry_at) > now - 5_000;
    return {
      path: step.path,
      mark: isUndone ? 'undone' : waits && step.status === 'running' ? 'retry' : markOf(step),
      skipReason: step.skip_reason,
      attempts: step.attempts,
      startedMs: msOf(step.started_at),
      endedMs: msOf(step.completed_at),
      note: step.is_reused ? 'taken over' : null,
      chosen: step.chosen,
    };
  });
  const known = new Map(records.map((record) => [record.path, record]));
  for (const gate of gates.values()) addGate(records, known, gate, now);
  return records;
}

/** An open gate shows in the step that it stands for, or of whose effect it asks. */
function addGate(
  records: StepRecord[],
  known: Map<string, StepRecord>,
  gate: RunPageData['gates'][number],
  now: number,
): void {
  if (gate.status !== 'open') return;
  const path = gate.path.replace(/~recover$/, '');
  const left = gate.expires_at === null ? [] : [about(Math.max(0, Date.parse(gate.expires_at) - now))];
  const shown = {
    mark: gate.purpose === 'recovery' ? ('unknown' as const) : ('gate' as const),
    note:
      gate.purpose === 'recovery'
        ? 'did it happen?'
        : [...left, `${gate.approvals.length} of ${gate.require}`].join(' · '),
  };
  const record = known.get(path);
  if (record !== undefined) Object.assign(record, shown);
  else
    records.push({
      path,
      ...shown,
      skipReason: null,
      attempts: 0,
      startedMs: Date.parse(gate.opened_at),
      endedMs: null,
    });
}

/** How a step looks by its own record alone. */
export function markOf({ status, skip_reason, code }: Pick<RunStepRow, 'status' | 'skip_reason' | 'code'>): Mark {
  if (status === 'completed') return 'done';
  if (status === 'running') return 'run';
  if (status === 'skipped') return skip_reason === 'cancelled' ? 'cancelled' : 'skipped';
  if (status === 'created') return 'todo';
  if (code === 'outcome_unknown') return 'unknown';
  return code === 'cancelled' ? 'cancelled' : 'fail';
}

function itemsOf({ path, states, indexes }: RunLoopRow, data: RunPageData, open: boolean): LoopItems {
  const row = data.steps.find((step) => step.path === path);
  const settled = open ? states : states.replaceAll('r', 'c');
  return {
    states: indexes === null ? settled : spread(settled, indexes),
    total: row?.items ?? null,
    failed: data.failed.filter((item) => item.loop === path).map(failedItem),
  };
}

function spread(states: string, indexes: readonly number[]): string {
  const letters = Array.from({ length: (indexes.at(-1) ?? -1) + 1 }, () => 't');
  indexes.forEach((index, at) => (letters[index] = states[at] ?? 't'));
  return letters.join('');
}

function failedItem(item: FailedItemRow): LoopItems['failed'][number] {
  return {
    index: item.index,
    path: item.path,
    label: item.label,
    mark: loopMark(item.letter) === 'undone' ? 'fail' : loopMark(item.letter),
    code: item.code ?? 'failed',
    message: item.message ?? '',
    attempts: item.attempts,
    startedMs: msOf(item.started_at),
    endedMs: msOf(item.completed_at),
    undo: item.undo.map((step) => ({
      path: step.path,
      mark: step.status === 'completed' ? 'undone' : markOf({ ...step, skip_reason: null, code: null }),
      startedMs: msOf(step.started_at),
      endedMs: msOf(step.completed_at),
    })),
  };
}

function msOf(time: string | null): number | null {
  return time === null ? null : Date.parse(time);
}
