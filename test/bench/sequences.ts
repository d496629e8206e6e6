import type { WorkflowHandle } from '@temporalio/client';
import { setTimeout as pause } from 'node:timers/promises';
import { cpuBetween, readCpu } from './cpu.js';
import type { Ground } from './ground.js';
import { startRun } from './runs.js';
import { quantile, quietSamples } from './statistics.js';
import type { WorkerLink } from './worker-link.js';
import type { Usage, Variant } from './worker-messages.js';
import { sequence, type StepEffect } from './workloads.js';

/** One kind of load. */
export interface Cell {
  steps: number;
  effect: StepEffect;
  concurrency: number;
}

/** One measurement of a cell. Times in milliseconds. */
export interface SequenceSample extends Cell {
  variant: Variant;
  runs: number;
  runsPerS: number;
  p50: number;
  p95: number;
  /** CPU of the worker process and of the servers, per run. */
  workerCpu: number;
  temporalCpu: number | null;
  postgresCpu: number | null;
  driverCpu: number | null;
  foreignCores: number | null;
  rssMib: number;
  /** Of one run of the sample. */
  events: number;
  bytes: number;
  dropped: number;
}

/** Records are written up to 50 ms behind; their cost belongs to the sample. */
const LINGER_MS = 120;
/** Enough runs for a figure, few enough for a short benchmark: about a second of one at a time, several of twenty. */
function runsOf({ steps, concurrency }: Cell): number {
  const one = steps <= 3 ? 12 : 4;
  return concurrency === 1 ? one : Math.ceil(concurrency * (steps <= 3 ? 3 : 1.25));
}

/** A worker, and who starts its runs. */
export interface Runner {
  worker: WorkerLink;
  start: (steps: number, effect: StepEffect) => Promise<WorkflowHandle>;
}

/** The runner of a worker of this version. */
export function runnerOf(ground: Ground, worker: WorkerLink): Runner {
  return { worker, start: (steps, effect) => startRun(ground, worker, sequence(steps, effect)) };
}

/** Runs each variant until V8 has compiled what is hot. */
export async function warmUp(runners: readonly Runner[], runs: number): Promise<void> {
  for (const runner of runners) {
    for (const effect of ['write', 'read'] as const) await load(() => runner.start(3, effect), Math.ceil(runs / 2), 20);
  }
}

/** Measures all variants in turn, in the other order every other time. */
export async function measureSequences(
  ground: Ground,
  workers: readonly WorkerLink[],
  cells: readonly Cell[],
  pairs: number,
  say: (line: string) => void,
): Promise<SequenceSample[]> {
  const samples: SequenceSample[] = [];
  const roots = rootsOf(ground, workers);
  for (let pair = 0; pair < pairs; pair += 1) {
    for (const cell of cells) {
      const order = pair % 2 === 0 ? workers : [...workers].reverse();
      for (const worker of order)
        samples.push(...(await quietSamples(() => takeSample(runnerOf(ground, worker), cell, roots))));
      const last = samples.at(-1);
      say(
        `round ${pair + 1}: seq-${cell.steps} ${cell.effect} × ${cell.concurrency}, others ${last?.foreignCores?.toFixed(2) ?? '?'} cores`,
      );
    }
  }
  return samples;
}

function rootsOf(ground: Ground, workers: readonly WorkerLink[]): Record<string, number> {
  return { ...ground.roots, ...Object.fromEntries(workers.map(({ variant, pid }) => [`worker-${variant}`, pid])) };
}

/**
 * Measures a cell once.
 * @param roots the first process of each group that is ours: `driver`, `temporal`, `postgres`, and one for each worker.
 */
export async function takeSample(
  { worker, start }: Runner,
  cell: Cell,
  roots: Record<string, number>,
  runs = runsOf(cell),
): Promise<SequenceSample> {
  const before = await worker.usage();
  const cpuBefore = readCpu(roots);
  const { latencies, elapsedMs, last } = await load(() => start(cell.steps, cell.effect), runs, cell.concurrency);
  const after = await settled(worker);
  const cpu = cpuBetween(cpuBefore, readCpu(roots));
  const { historyLength, historySize = 0 } = await last.describe();
  const perRun = (group: string): number | null => (cpu ? (cpu.groupMs[group] ?? 0) / runs : null);
  return {
    ...cell,
    variant: worker.variant,
    runs,
    runsPerS: (runs / elapsedMs) * 1_000,
    p50: quantile(latencies, 0.5),
    p95: quantile(latencies, 0.95),
    workerCpu: (after.cpuMs - before.cpuMs) / runs,
    temporalCpu: perRun('temporal'),
    postgresCpu: perRun('postgres'),
    driverCpu: perRun('driver'),
    foreignCores: cpu?.foreignCores ?? null,
    rssMib: after.rssBytes / 1_048_576,
    events: historyLength,
    bytes: historySize,
    dropped: after.dropped,
  };
}

/** What the worker used, once nothing is left to be written. */
async function settled(worker: WorkerLink): Promise<Usage> {
  for (;;) {
    await pause(LINGER_MS);
    const usage = await worker.usage();
    if (usage.pending === 0) return usage;
  }
}

interface Load {
  latencies: number[];
  elapsedMs: number;
  last: WorkflowHandle;
}

/** A closed loop: each of `concurrency` clients starts a run when its last one ended, until `runs` have begun. */
async function load(start: () => Promise<WorkflowHandle>, runs: number, concurrency: number): Promise<Load> {
  const latencies: number[] = [];
  let begun = 0;
  let last: WorkflowHandle | undefined;
  const began = performance.now();
  const client = async (): Promise<void> => {
    while (begun < runs) {
      begun += 1;
      const from = performance.now();
      const handle = await start();
      await handle.result();
      latencies.push(performance.now() - from);
      last = handle;
    }
  };
  await Promise.all(Array.from({ length: concurrency }, client));
  if (!last) throw new Error('a sample without runs');
  return { latencies, elapsedMs: performance.now() - began, last };
}
