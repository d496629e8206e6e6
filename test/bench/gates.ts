import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { DECIDE_GATE } from '../../workflows/contract.js';
import { APPROVE } from '../support/baseline-workflow/contract.js';
import { until } from '../support/until.js';
import { preciseNow } from './bench-pack.js';
import { cpuBetween, readCpu } from './cpu.js';
import type { Ground } from './ground.js';
import { startRun } from './runs.js';
import { quietSamples } from './statistics.js';
import type { WorkerLink } from './worker-link.js';
import type { Variant } from './worker-messages.js';
import { gated } from './workloads.js';

/** Gates of one sample. */
export interface GateSample {
  variant: Variant;
  /** From the update's call to the beginning of the next action, one number a gate, milliseconds. */
  latencies: number[];
  foreignCores: number | null;
}

const GATES = 12;
/** The beginning of a run: it started, and its first task was scheduled, started and completed. */
const OPEN_EVENTS = 4;
/** Lets what the opening left behind end, so that an idle machine decides. */
const IDLE_MS = 60;

/** Measures gates of all variants in turn. */
export async function measureGates(
  ground: Ground,
  workers: readonly WorkerLink[],
  pairs: number,
): Promise<GateSample[]> {
  const samples: GateSample[] = [];
  const roots = { ...ground.roots, ...Object.fromEntries(workers.map(({ variant, pid }) => [variant, pid])) };
  for (let pair = 0; pair < pairs; pair += 1) {
    const order = pair % 2 === 0 ? workers : [...workers].reverse();
    for (const worker of order) {
      samples.push(
        ...(await quietSamples(async () => {
          const before = readCpu(roots);
          const latencies: number[] = [];
          for (let passed = 0; passed < GATES; passed += 1) latencies.push(await passGate(ground, worker));
          const foreignCores = cpuBetween(before, readCpu(roots))?.foreignCores ?? null;
          return { variant: worker.variant, latencies, foreignCores };
        })),
      );
    }
  }
  return samples;
}

async function passGate(ground: Ground, worker: WorkerLink): Promise<number> {
  const id = randomUUID();
  const marked = worker.marked(id);
  const handle = await startRun(ground, worker, gated(), id);
  await until('the gate is open', async () => (await handle.describe()).historyLength >= OPEN_EVENTS);
  await pause(IDLE_MS);
  const from = preciseNow();
  const decided =
    worker.variant === 'hand'
      ? handle.executeUpdate(APPROVE)
      : handle.executeUpdate(DECIDE_GATE, { args: [{ gate: 'ok', decision: 'approve', id: randomUUID(), by: 'ann' }] });
  const at = await marked;
  await decided;
  await handle.result();
  return at - from;
}
