import { setTimeout as pause } from 'node:timers/promises';
import type { Ground } from './ground.js';
import { startRun } from './runs.js';
import { quantile } from './statistics.js';
import { loop, MARKED_ITEMS, type Where } from './workloads.js';
import { WorkerLink } from './worker-link.js';

/** One loop over many items. Memory is that of the worker's process from the item that it names on, the median of two seconds. */
export interface LoopSample {
  where: Where;
  items: number;
  elapsedMs: number;
  rssMib: { early: number; late: number };
  /** Executions that the run was handed over to, the first one included. */
  executions: number;
}

const WARM_UP_ITEMS = 2_000;
/** One reading says where V8 stands between two collections; these span several of them. */
const READINGS = 40;
const READING_INTERVAL_MS = 50;

/** Runs one loop at each place, with records, in a worker process of its own. */
export async function measureLoops(ground: Ground, items: number): Promise<LoopSample[]> {
  const samples: LoopSample[] = [];
  for (const where of ['remote', 'local'] as const) {
    const worker = await WorkerLink.start(ground, 'full', true);
    try {
      // A process that has just begun grows by itself.
      await (await startRun(ground, worker, loop(where, WARM_UP_ITEMS))).result();
      samples.push(await takeSample(ground, worker, where, items));
    } finally {
      await worker.stop();
    }
  }
  return samples;
}

async function takeSample(ground: Ground, worker: WorkerLink, where: Where, items: number): Promise<LoopSample> {
  const [early, late] = MARKED_ITEMS;
  const seen = [early, late].map(async (item) => {
    await worker.marked(`items[${item}].look`);
    const readings: number[] = [];
    for (let n = 0; n < READINGS; n += 1) {
      readings.push((await worker.usage()).rssBytes / 1_048_576);
      await pause(READING_INTERVAL_MS);
    }
    return quantile(readings, 0.5);
  });
  const began = performance.now();
  const handle = await startRun(ground, worker, loop(where, items));
  await handle.result();
  const elapsedMs = performance.now() - began;
  const [earlyMib = NaN, lateMib = NaN] = await Promise.all(seen);
  const executions = await executionsOf(ground, handle.workflowId);
  return { where, items, elapsedMs, rssMib: { early: earlyMib, late: lateMib }, executions };
}

async function executionsOf(ground: Ground, workflowId: string): Promise<number> {
  let count = 0;
  for await (const _ of ground.client.workflow.list({ query: `WorkflowId = "${workflowId}"` })) count += 1;
  return count;
}
