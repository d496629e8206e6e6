import type { CatalogAccess } from '../catalog/unit-of-work.js';
import type { AskingStep } from '../domain/asking-step.js';
import { XynFault } from '../domain/fault.js';
import { stepIdOf } from '../domain/ids.js';
import type { Caller } from './caller.js';

/** A caller that is a step. */
export type StepCaller = Caller & Required<Pick<Caller, 'step'>>;

/**
 * Who acts when a step does: who started its run, under the run's correlation id.
 * @throws XynFault `run_not_found`, `db_unavailable`
 */
export async function stepCaller(
  { runs }: Pick<CatalogAccess, 'runs'>,
  { runId, path }: Pick<AskingStep, 'runId' | 'path'>,
): Promise<StepCaller> {
  const lineage = await runs.lineage(runId);
  if (lineage === undefined) throw new XynFault('run_not_found', 'No run has that id.');
  const { actor, correlation_id: correlationId, cause_depth: causeDepth } = lineage;
  const step = { run_id: runId, step_id: stepIdOf(runId, path), causeDepth };
  return { actor, proven: false, correlationId, source: 'system', step };
}
