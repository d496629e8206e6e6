import type { HeldStarts, OpenGate, RunCounts, StepStrip, UsualDuration } from '../catalog/overview-store.js';
import type { RunSearch } from '../catalog/overview-runs.js';
import type { RunCursor } from '../catalog/run-store.js';
import type { BlueprintDto, RunDto } from '../domain/dtos.js';
import type { GateEffect } from './overview-gate.js';

export type { RunCounts, RunCursor, RunSearch };

/** A run as a list shows it. */
export interface RunLine {
  run: RunDto;
  /** The first steps that it reached; undefined: none yet. */
  steps: Pick<StepStrip, 'marks' | 'at'> | undefined;
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

/** Puts lines together from what was read for all of them at once. */
export function runLines(
  runs: readonly RunDto[],
  parts: {
    strips: readonly StepStrip[];
    gates: readonly Pick<OpenGate, 'run_id' | 'purpose' | 'approvers'>[];
    usual: readonly UsualDuration[];
    totals: ReadonlyMap<string, number>;
  },
): RunLine[] {
  const strips = new Map(parts.strips.map((one) => [one.run_id, one]));
  const usual = new Map(parts.usual.map((one) => [one.blueprint_id, one]));
  return runs.map((run) => {
    const mine = parts.gates.filter((one) => one.run_id === run.run_id);
    return {
      run,
      steps: strips.get(run.run_id),
      stepTotal: parts.totals.get(run.digest) ?? null,
      gate: mine.find((one) => one.purpose === 'recovery') ?? mine[0],
      usual: usual.get(run.blueprint_id),
    };
  });
}
