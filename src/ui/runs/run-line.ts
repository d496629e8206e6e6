import type { RunDto } from '../../domain/dtos.js';
import type { Parts } from '../parts/parts.js';
import type { StripMark } from '../parts/strip.js';
import { runStatus, type Status } from '../status.js';

/** A run as lists get it. */
export interface RunLineView {
  run: RunDto;
  /** One letter for each step, the last of them that runs, and whether some were not read; undefined: it has reached none. */
  steps: { marks: string; at: { name: string; kind: string; attempts: number } | null; isFilled: boolean } | undefined;
  stepTotal: number | null;
  gate: { purpose: 'approval' | 'recovery'; approvers: readonly string[] } | undefined;
  usual: { median_ms: number; p95_ms: number } | undefined;
}

/** What a row of a list needs to know beyond the run itself. */
export interface RunLineLook {
  look: Status;
  strip: StripMark[];
  /** What it does now, in words. */
  nowAt: string;
  /** What is usual, when it takes much longer; null otherwise. */
  usualMs: number | null;
  tookMs: number | null;
}

const THIN: StripMark = { tone: 'mute', weight: 'thin' };
const FAILED: StripMark = { tone: 'fail', weight: 'tall' };
const ASKING: StripMark = { tone: 'odd', weight: 'tall' };
const MARKS: Readonly<Record<string, StripMark>> = {
  c: { tone: 'done', weight: 'plain' },
  f: FAILED,
  g: { tone: 'gate', weight: 'tall' },
  q: ASKING,
  r: { tone: 'run', weight: 'plain' },
  u: { tone: 'odd', weight: 'plain' },
};

function markOf(letter: string, isAsking: boolean): StripMark {
  return isAsking && (letter === 'r' || letter === 'g') ? ASKING : (MARKS[letter] ?? THIN);
}

/** How a run stands, for one row of a list. */
export function runLineLook(
  { run, steps, stepTotal, gate, usual }: RunLineView,
  viewer: string,
  ui: Parts,
): RunLineLook {
  const { marks = '', at: last = null, isFilled = false } = steps ?? {};
  const mine = gate !== undefined && (gate.approvers.length === 0 || gate.approvers.includes(viewer));
  const isAsking = gate?.purpose === 'recovery';
  const look = runStatus({
    status: run.status,
    gate: gate === undefined ? undefined : { purpose: gate.purpose, mine },
    retry: last !== null && last.attempts > 1 ? { attempt: last.attempts, of: null } : undefined,
    cancelRequested: run.cancel_requested_at !== null,
    isUndone: marks.includes('u'),
  });
  const rest = Math.max(0, (stepTotal ?? 0) - marks.length);
  const reached = Array.from(marks, (letter) => markOf(letter, isAsking));
  // The step that failed may be one of those of a long run that nobody reads for a list.
  if (isFilled && run.status === 'failed' && !/[fq]/.test(marks)) reached.splice(-1, 1, FAILED);
  const strip = [...reached, ...Array.from({ length: rest }, () => THIN)];
  const end = run.completed_at === null ? ui.clock.now : Date.parse(run.completed_at);
  const tookMs = run.started_at === null ? null : end - Date.parse(run.started_at);
  const isSlow = usual !== undefined && tookMs !== null && usual.median_ms > 0 && tookMs > 2 * usual.p95_ms;
  return {
    look,
    strip,
    nowAt:
      last === null
        ? run.status === 'created'
          ? 'Not started yet'
          : ''
        : `${last.name}${last.kind === 'gate' ? ' · gate open' : ''}`,
    usualMs: isSlow ? usual.median_ms : null,
    tookMs,
  };
}
