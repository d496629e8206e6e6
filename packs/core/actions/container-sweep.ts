import type { ContainerEngine } from '../../../src/domain/container-engine.js';
import { openEngine, type OpenEngine } from './container-engine.js';
import { LABELS, removed, type Attempt } from './container-run-image.js';

/** A sweep of one engine ends after this, however slow the engine is. */
const SWEEP_MS = 30_000;
/** What one sweep looks at; more than this is for the next. */
const MAX_CONTAINERS = 1_000;
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** A place where throw-away containers may have been left. */
export interface SweptEngine {
  engine: ContainerEngine;
  name: string;
}

export interface ContainerSweepOptions {
  secret: (path: string) => Promise<string>;
  /**
   * Which of these attempts are known and over, by place in the list. What is not known may belong to another
   * installation that shares the engine.
   */
  over(attempts: readonly Attempt[]): Promise<readonly boolean[]>;
}

/**
 * Removes the throw-away containers of attempts that are over: those whose worker died before it could. Safe to run in
 * several processes at once.
 * @returns how many it removed.
 * @throws ActionFailure `engine_unavailable`; whatever `over` throws.
 */
export async function sweepContainers({ engine, name }: SweptEngine, options: ContainerSweepOptions): Promise<number> {
  const deadline = AbortSignal.timeout(SWEEP_MS);
  const open = await openEngine(engine, name, options.secret, deadline);
  const found = await leftContainers(open, deadline);
  if (found.length === 0) return 0;
  const over = await options.over(found.map(({ attempt }) => attempt));
  const ids = found.filter((_, at) => over[at] === true).map(({ id }) => id);
  for (const id of ids) await removed(open, id);
  return ids.length;
}

async function leftContainers(
  { docker }: OpenEngine,
  abortSignal: AbortSignal,
): Promise<{ id: string; attempt: Attempt }[]> {
  const labels = Object.values(LABELS);
  const all = await docker.listContainers({ all: true, filters: { label: [...labels] }, abortSignal });
  return all.slice(0, MAX_CONTAINERS).flatMap(({ Id: id, Labels: found }) => {
    const { [LABELS.runId]: runId = '', [LABELS.path]: path = '', [LABELS.attempt]: attempt = '' } = found;
    // Anybody who may use the engine can write labels; only what can be looked up is.
    return UUID.test(runId) && /^[1-9]\d{0,8}$/.test(attempt)
      ? [{ id, attempt: { runId, path, attempt: Number(attempt) } }]
      : [];
  });
}
