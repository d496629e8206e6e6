import { randomUUID } from 'node:crypto';
import { cpuBetween, readCpu } from './cpu.js';
import type { Ground } from './ground.js';
import { startReal } from './real-processes.js';
import { quietSamples } from './statistics.js';

/** One start of a worker process. */
export interface WorkerStartSample {
  /** From the start of the process to polling. */
  readyMs: number;
  foreignCores: number | null;
}

/** Starts and stops real workers, one after the other. */
export async function measureWorkerStart(ground: Ground, starts: number): Promise<WorkerStartSample[]> {
  const samples: WorkerStartSample[] = [];
  for (let start = 0; start < starts; start += 1) {
    samples.push(
      ...(await quietSamples(async () => {
        const before = readCpu(ground.roots);
        // It is a child of this process, so its CPU time counts as ours.
        const worker = await startReal(ground, 'worker', `bench-start-${randomUUID()}`);
        const foreignCores = cpuBetween(before, readCpu(ground.roots))?.foreignCores ?? null;
        await worker.stop();
        return { readyMs: worker.readyMs, foreignCores };
      })),
    );
  }
  return samples;
}
