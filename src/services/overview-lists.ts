import type { HeldStarts, OpenGate, RunCounts, StepStrip, UsualDuration } from '../catalog/overview-store.js';
import type { RunSearch } from '../catalog/overview-runs.js';
import type { RunCursor } from '../catalog/run-store.js';
import type { BlueprintDto, RunDto } from '../domain/dtos.js';
import type { GateEffect } from './overview-gate.js';

export type { RunCounts, RunCursor, RunSearch };

/** A run as a list shows it. */
export interface RunLine {
  run: RunDto;
  /**
   * The steps that it reached, as `StepStrip` marks them, and whether those of a long run were taken for done without being read;
   * undefined: none yet.
   */
  steps: (Pick<StepStrip, 'marks' | 'at'> & { isFilled: boolean }) | undefined;
  /** Steps of its plan; null when the plan is not known. */
  stepTotal: number | null;
  /** An open gate, a question about an unknown outcome before an approval. */
  gate: { purpose: 'approval' | 'recovery'; approvers: string[] } | undefined;
  usual: UsualDuration | undefined;
}

/** What cancelling a run would stop and leave. */
export interface CancelFacts {
  run: RunDto;
  /** Steps that are done and stay done. */
  done: number;
  /** Names of steps that would be told to stop. */
  running: string[];
  openGates: number;
}

/** What a search found, best first. */
export interface SearchHits {
  gates: OpenGate[];
  runs: RunDto[];
  blueprints: BlueprintDto[];
}

/** What a home page says of the parts behind the screens. */
export interface HomeFacts {
  /** With what each lets run, or asks about. */
  gates: (OpenGate & { effects: GateEffect[] })[];
  failures: RunDto[];
  held: HeldStarts[];
  running: RunLine[];
  counts: { gates: number; running: number };
  lastDay: { hour: Date; completed: number; failed: number }[];
  backlog: { events: number; audit: number };
  /** No run was ever made. */
  isFirstStart: boolean;
}

/** What a line needs to know of the run's plan. */
export interface PlanShape {
  /** Steps that are drawn: all but those that only hold others. */
  steps: number;
  /** Ids of the steps at the top, in their order. */
  top: readonly string[];
}

/**
 * The marks of a run, up to where it is: of a long run only the first steps and the last one are read, and those between are
 * taken for done, as far as the last one's place in the plan says. Where none of these runs while the run does, one does that was
 * not read.
 */
export function reachedMarks(
  { marks, newest }: Pick<StepStrip, 'marks' | 'newest'>,
  plan: PlanShape | undefined,
  isRunning: boolean,
): string {
  if (newest === null) return marks;
  const { steps, top } = plan ?? { steps: 0, top: [] };
  const id = /^[^.:[!~]*/.exec(newest.path)?.[0] ?? '';
  const place = top.indexOf(id) + 1;
  const reached = Math.round((steps * place) / Math.max(1, top.length));
  const filled = `${marks.padEnd(reached - 1, 'c')}${newest.mark}`;
  return isRunning && !/[rgq]/.test(filled) ? `${filled}r` : filled;
}

/** Puts lines together from what was read for all of them at once. */
export function runLines(
  runs: readonly RunDto[],
  parts: {
    strips: readonly StepStrip[];
    gates: readonly Pick<OpenGate, 'run_id' | 'purpose' | 'approvers'>[];
    usual: readonly UsualDuration[];
    /** By digest. */
    plans: ReadonlyMap<string, PlanShape>;
  },
): RunLine[] {
  const strips = new Map(parts.strips.map((one) => [one.run_id, one]));
  const usual = new Map(parts.usual.map((one) => [one.blueprint_id, one]));
  return runs.map((run) => {
    const mine = parts.gates.filter((one) => one.run_id === run.run_id);
    const plan = parts.plans.get(run.digest);
    const strip = strips.get(run.run_id);
    return {
      run,
      steps: strip && {
        marks: reachedMarks(strip, plan, run.status === 'running'),
        at: strip.at,
        isFilled: strip.newest !== null,
      },
      stepTotal: plan?.steps ?? null,
      gate: mine.find((one) => one.purpose === 'recovery') ?? mine[0],
      usual: usual.get(run.blueprint_id),
    };
  });
}
