import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import type { ScenarioRunDto } from '../domain/drafts.js';

/** For the thread to start and load the language, on a machine that is busy. */
const START_MS = 30_000;
/** Scenarios take milliseconds; callers wait for 15 s. */
const HARD_STOP_MS = 10_000;
/** The engine keeps no more than its states; who needs more is hostile, and ends its thread only. */
const RESOURCE_LIMITS = { maxOldGenerationSizeMb: 256 };

let last: Promise<unknown> = Promise.resolve();

/**
 * Runs scenarios in another thread, one text at a time: they cost this process no time, whatever they hold. After 10 s they
 * are given up, which is told as the problem `scenarios_timeout`.
 */
export function runScenariosInThread(
  definition: Uint8Array,
  scenarios: Uint8Array,
  hardStopMs = HARD_STOP_MS,
): Promise<ScenarioRunDto> {
  const result = last.then(() => runOnce({ definition, scenarios }, hardStopMs));
  last = result.catch(() => undefined);
  return result;
}

async function runOnce(
  texts: { definition: Uint8Array; scenarios: Uint8Array },
  hardStopMs: number,
): Promise<ScenarioRunDto> {
  const worker = new Worker(workerFile(), { resourceLimits: RESOURCE_LIMITS, execArgv: [], env: {} });
  // A late error of the thread would end the process if nobody listened.
  worker.on('error', () => undefined);
  try {
    await once(worker, 'message', { signal: AbortSignal.timeout(START_MS) });
    worker.postMessage(texts);
    return await once(worker, 'message', { signal: AbortSignal.timeout(hardStopMs) }).then(
      ([report]) => report as ScenarioRunDto,
      () => gaveUp(hardStopMs),
    );
  } finally {
    await worker.terminate();
  }
}

/** The compiled thread: beside this file, or, when this file runs from source, where the build puts it. */
function workerFile(): URL {
  const beside = new URL('./scenario-worker.js', import.meta.url);
  return existsSync(fileURLToPath(beside))
    ? beside
    : new URL('../../dist/src/main/scenario-worker.js', import.meta.url);
}

function gaveUp(hardStopMs: number): ScenarioRunDto {
  const message = `The scenarios did not end within ${hardStopMs / 1_000} s, or took more memory than they may.`;
  const problem = { code: 'scenarios_timeout', severity: 'error' as const, path: '', line: 1, column: 1, message };
  return { ok: false, passed: 0, failed: 1, problems: [{ ...problem, file: 'scenarios' }], scenarios: [] };
}
