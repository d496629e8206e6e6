import { existsSync } from 'node:fs';
import { sweepContainers, type SweptEngine } from '../../packs/core/actions/container-sweep.js';
import { attemptsOver } from '../catalog/attempts.js';
import type { CatalogPool } from '../catalog/pool.js';
import type { Target } from '../domain/action.js';
import { engineEndpoint, type ContainerEngine } from '../domain/container-engine.js';
import type { Log } from '../services/log.js';
import { startWakeLoop, type WakeLoop } from '../services/wake-loop.js';

/** A throw-away container outlives its attempt by this long at most, while a worker runs. */
const PAUSE_MS = 60_000;

/** What sweeps need to know. */
export interface ContainerSweepParts {
  catalog: CatalogPool;
  engines: readonly SweptEngine[];
  secret: (path: string) => Promise<string>;
  log: Log;
}

/** The local engine and those of the inventory, each once. */
export function enginesOf(local: ContainerEngine, targets: readonly Target[]): SweptEngine[] {
  const byAddress = new Map([[local.address, { engine: local, name: 'the local engine' }]]);
  for (const { name, engine } of targets) {
    if (engine !== undefined && !byAddress.has(engine.address))
      byAddress.set(engine.address, { engine, name: `the engine of ${name}` });
  }
  return [...byAddress.values()];
}

/** Removes, at the start and every minute, the containers of attempts whose worker died; ends with `stop`. */
export function startContainerSweep({ catalog, engines, secret, log }: ContainerSweepParts): WakeLoop {
  const over = attemptsOver.bind(undefined, catalog);
  const sweep = async (place: SweptEngine): Promise<void> => {
    try {
      const removed = await sweepContainers(place, { secret, over });
      if (removed > 0) log.info({ engine: place.name, removed }, 'removed containers that their worker left behind');
    } catch (error) {
      log.debug({ err: error, engine: place.name }, 'containers are not swept now; the next sweep tries again');
    }
  };
  return startWakeLoop({
    work: async () => {
      for (const place of engines) if (mayBeThere(place)) await sweep(place);
      return PAUSE_MS;
    },
    onError: (error) => log.warn({ err: error }, 'a sweep of containers ended early; the next goes on'),
    errorPauseMs: PAUSE_MS,
  });
}

/** Most machines have no engine: they shall not even load its client. */
function mayBeThere({ engine }: SweptEngine): boolean {
  const endpoint = engineEndpoint(engine.address);
  return endpoint !== undefined && (endpoint.kind === 'tcp' || existsSync(endpoint.socketPath));
}
