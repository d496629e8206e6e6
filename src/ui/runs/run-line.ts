import type { RunDto } from '../../domain/dtos.js';
import type { StepStatus } from '../../domain/engine/state.js';
import type { Parts } from '../parts/parts.js';
import type { StripMark } from '../parts/strip.js';
import { runStatus, type Status } from '../status.js';

/** A run as lists get it. */
export interface RunLineView {
  run: RunDto;
  steps: readonly { path: string; name: string; kind: string; status: StepStatus; attempts: number }[];
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

function markOf({ kind, status }: RunLineView['steps'][number], isAsking: boolean): StripMark {
  if (status === 'completed') return { tone: 'done', weight: 'plain' };
  if (status === 'failed') return { tone: 'fail', weight: 'tall' };
  if (status !== 'running') return { tone: 'mute', weight: 'thin' };
  if (isAsking) return { tone: 'odd', weight: 'tall' };
  return kind === 'gate' ? { tone: 'gate', weight: 'tall' } : { tone: 'run', weight: 'plain' };
}

/** How a run stands, for one row of a list. */
export function runLineLook(
  { run, steps, stepTotal, gate, usual }: RunLineView,
  viewer: string,
  ui: Parts,
): RunLineLook {
  const running = steps.filter(({ status }) => status === 'running');
  const last = running.at(-1);
  const mine = gate !== undefined && (gate.approvers.length === 0 || gate.approvers.includes(viewer));
  const isAsking = gate?.purpose === 'recovery';
  const look = runStatus({
    status: run.status,
    gate: gate === undefined ? undefined : { purpose: gate.purpose, mine },
    retry: last !== undefined && last.attempts > 1 ? { attempt: last.attempts, of: null } : undefined,
    cancelRequested: run.cancel_requested_at !== null,
  });
  const rest = Math.max(0, (stepTotal ?? 0) - steps.length);
  const strip = [
    ...steps.map((step) => markOf(step, isAsking)),
    ...Array.from({ length: rest }, (): StripMark => ({ tone: 'mute', weight: 'thin' })),
  ];
  const end = run.completed_at === null ? ui.clock.now : Date.parse(run.completed_at);
  const tookMs = run.started_at === null ? null : end - Date.parse(run.started_at);
  const isSlow = usual !== undefined && tookMs !== null && usual.median_ms > 0 && tookMs > 2 * usual.p95_ms;
  return {
    look,
    strip,
    nowAt:
      last === undefined
        ? run.status === 'created'
          ? 'Not started yet'
          : ''
        : `${last.name}${last.kind === 'gate' ? ' · gate open' : ''}`,
    usualMs: isSlow ? usual.median_ms : null,
    tookMs,
  };
}
