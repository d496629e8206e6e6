import { ApplicationFailure } from '@temporalio/activity';
import type { LoopChunks, StepArtifacts } from '../src/domain/artifacts.js';
import { attempt } from '../src/domain/engine/attempt.js';
import { pageOf } from '../src/domain/engine/holders/items.js';
import { inIndexOrder } from '../src/domain/engine/holders/loop-results.js';
import type { ItemPage } from '../src/domain/engine/messages.js';
import { XynFault } from '../src/domain/fault.js';
import type { Json } from '../src/domain/json.js';
import type { FailureFacts } from '../src/domain/xyn-error.js';
import { TASK_FAILURE, type ReadTask, type SpillAnswer, type SpillTask } from '../workflows/contract.js';
import { currentRunId, type ActivityDependencies } from './dependencies.js';

/** Keeps a chunk of a loop's results; after the last one all of them become one artifact, in order. */
export async function spillResults(deps: ActivityDependencies, task: SpillTask): Promise<SpillAnswer> {
  const { path, chunk, results, last } = task;
  const { artifacts, chunks } = storesOf(deps);
  const runId = currentRunId();
  return told(async () => {
    await chunks.add({ runId, path, chunk }, results as unknown as Json[]);
    if (last === undefined) return {};
    const all = inIndexOrder(await chunks.all({ runId, path }, chunk + 1));
    return { list: await artifacts.keep({ runId, path, attempt: 1 }, 'outputs.results', all) };
  });
}

/** Reads a part of a list that a loop goes over. */
export async function readItems(deps: ActivityDependencies, { list, from }: ReadTask): Promise<ItemPage> {
  const { artifacts } = storesOf(deps);
  // What only looks like a reference is the map that it is.
  const value = await told(async () => (await artifacts.resolve(currentRunId(), list)) ?? list);
  const page = attempt(() => pageOf(value, from));
  if ('fault' in page) throw failureOf(page.fault);
  return page.value;
}

function storesOf({ artifacts, chunks }: ActivityDependencies): { artifacts: StepArtifacts; chunks: LoopChunks } {
  if (artifacts === undefined || chunks === undefined) throw new Error('this worker has no place for lists of loops');
  return { artifacts, chunks };
}

/** What will be the same later too is an answer; a catalog that is away is not. */
async function told<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof XynFault) || error.code === 'db_unavailable') throw error;
    throw failureOf({ code: error.code, message: error.message, retryable: error.retryable });
  }
}

function failureOf(facts: FailureFacts): ApplicationFailure {
  return ApplicationFailure.create({
    message: facts.message,
    type: TASK_FAILURE,
    nonRetryable: true,
    details: [facts],
  });
}
