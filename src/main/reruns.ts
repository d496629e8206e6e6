import type { ArtifactStore } from '../artifacts/store.js';
import type { Log } from '../services/log.js';
import { RerunService } from '../services/rerun.js';
import { StepArtifactKeeper } from '../services/step-artifacts.js';
import type { Core } from './core.js';

/** Reruns of runs. @param store where large results are. */
export function createReruns(core: Pick<Core, 'creation' | 'wake'>, store: ArtifactStore, log: Log): RerunService {
  const { creation, wake } = core;
  const { catalog, env } = creation;
  const results = new StepArtifactKeeper({ catalog, store, envId: env.id, log });
  return new RerunService({ ...creation, results, wake });
}
