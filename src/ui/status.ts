import type { DecisionStatus } from '../domain/dtos.js';
import type { GateStatus, RunStatus, StepStatus } from '../domain/engine/state.js';

/** The twelve silhouettes, the plain sign of a note, and the dot of what became nothing. */
export type Glyph =
  | 'todo'
  | 'run'
  | 'retry'
  | 'gate'
  | 'done'
  | 'fail'
  | 'unknown'
  | 'undone'
  | 'cancelled'
  | 'skipped'
  | 'held'
  | 'warn'
  | 'info'
  | 'dot';

/** The six colours of states. */
export type Tone = 'done' | 'run' | 'gate' | 'fail' | 'odd' | 'mute';

/** How a state looks and what it is called: never its colour alone. */
export interface Status {
  glyph: Glyph;
  tone: Tone;
  word: string;
}

const TONES: Record<Glyph, Tone> = {
  todo: 'mute',
  run: 'run',
  retry: 'gate',
  gate: 'gate',
  done: 'done',
  fail: 'fail',
  unknown: 'odd',
  undone: 'odd',
  cancelled: 'mute',
  skipped: 'mute',
  held: 'fail',
  warn: 'gate',
  info: 'mute',
  dot: 'mute',
};

/** A silhouette with its colour and a word. */
export function statusOf(glyph: Glyph, word: string): Status {
  return { glyph, tone: TONES[glyph], word };
}

/** What is known of a run's progress beside its status. */
export interface RunProgress {
  status: RunStatus;
  /** An open gate, and whether the viewer may decide it. */
  gate?: { purpose: 'approval' | 'recovery'; mine: boolean } | undefined;
  retry?: { attempt: number; of: number | null } | undefined;
  cancelRequested?: boolean;
  /** Steps of it were undone. */
  isUndone?: boolean;
}

/** A run as one state; an open gate comes before a retry, a retry before plain running. */
export function runStatus({ status, gate, retry, cancelRequested = false, isUndone = false }: RunProgress): Status {
  if (status === 'completed') return statusOf('done', 'Completed');
  if (status === 'failed' && isUndone) return statusOf('undone', 'Failed, undone');
  if (status === 'failed') return statusOf('fail', 'Failed');
  if (status === 'cancelled') return statusOf('cancelled', 'Cancelled');
  if (cancelRequested) return statusOf('run', 'Cancelling');
  if (gate?.purpose === 'recovery') return statusOf('unknown', 'Outcome unknown');
  if (gate !== undefined) return statusOf('gate', gate.mine ? 'Waiting for you' : 'Waiting');
  if (retry !== undefined) {
    return statusOf('retry', `Retrying ${retry.attempt}${retry.of === null ? '' : `/${retry.of}`}`);
  }
  return status === 'created' ? statusOf('todo', 'Not started') : statusOf('run', 'Running');
}

const STEP_WORDS: Record<StepStatus, Status> = {
  created: statusOf('todo', 'Not started'),
  running: statusOf('run', 'Running'),
  completed: statusOf('done', 'Completed'),
  failed: statusOf('fail', 'Failed'),
  skipped: statusOf('skipped', 'Skipped'),
};

/** A step as one state. */
export function stepStatus(status: StepStatus, skipReason: string | null = null): Status {
  return status === 'skipped' && skipReason === 'cancelled' ? statusOf('cancelled', 'Cancelled') : STEP_WORDS[status];
}

const GATE_WORDS: Record<GateStatus, Status> = {
  open: statusOf('gate', 'Open'),
  approved: statusOf('done', 'Approved'),
  rejected: statusOf('fail', 'Rejected'),
  expired: statusOf('held', 'Expired'),
  cancelled: statusOf('cancelled', 'Cancelled'),
};

/** A gate as one state; what an open recovery gate asks about looks as it does in the run. */
export function gateStatus({ status, purpose }: { status: GateStatus; purpose: 'approval' | 'recovery' }): Status {
  return status === 'open' && purpose === 'recovery' ? statusOf('unknown', 'Outcome unknown') : GATE_WORDS[status];
}

const DECISION_WORDS: Record<DecisionStatus, Status> = {
  submitted: statusOf('run', 'On its way'),
  applied: statusOf('done', 'Counted'),
  refused: statusOf('held', 'Refused'),
};

/** What became of a decision. */
export function decisionStatus(status: DecisionStatus): Status {
  return DECISION_WORDS[status];
}
