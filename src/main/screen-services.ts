import { BlueprintPageStore } from '../catalog/blueprint-page-store.js';
import { EventConsoleStore } from '../catalog/event-console-store.js';
import { FootprintDayStore } from '../catalog/footprint-days.js';
import type { Catalog } from '../catalog/connect.js';
import { KnownValueStore } from '../catalog/known-value-store.js';
import { OverviewStore } from '../catalog/overview-store.js';
import { RunPageStore } from '../catalog/run-page-store.js';
import { BlueprintPages } from '../services/blueprint-page.js';
import { EventConsole } from '../services/event-console.js';
import { FootprintDays } from '../services/footprint-days.js';
import type { HealthReport } from '../services/health.js';
import { KnownValues } from '../services/known-values.js';
import { LaunchService } from '../services/launch.js';
import { OverviewService } from '../services/overview.js';
import { RunPageService, type RunPageDeps } from '../services/run-page.js';
import { UsualDurations } from '../services/usual-durations.js';
import type { Core } from './core.js';

export interface ScreenParts extends Pick<RunPageDeps, 'artifacts' | 'temporal'> {
  catalog: Catalog;
  core: Pick<Core, 'access' | 'plans' | 'runs' | 'events' | 'preview'>;
  health: { check(): Promise<HealthReport> };
}

export interface ScreenServices {
  overview: OverviewService;
  runPage: RunPageService;
  eventConsole: EventConsole;
  footprintDays: FootprintDays;
  launch: LaunchService;
  blueprintPages: BlueprintPages;
  knownValues: KnownValues;
}

/** What the screens need beyond the services of the API. */
export function screenServices({ catalog, core, health, artifacts, temporal }: ScreenParts): ScreenServices {
  const clock = Date.now;
  const overview = new OverviewStore(catalog);
  const usual = new UsualDurations(overview, clock);
  return {
    overview: new OverviewService({ ...core, health, store: overview, usual, clock }),
    runPage: new RunPageService({
      ...core,
      store: new RunPageStore(catalog),
      artifacts,
      clock,
      temporal,
    }),
    knownValues: new KnownValues(new KnownValueStore(catalog)),
    blueprintPages: new BlueprintPages(new BlueprintPageStore(catalog)),
    launch: new LaunchService({ ...core, usual }),
    footprintDays: new FootprintDays(new FootprintDayStore(catalog), clock),
    eventConsole: new EventConsole({ ...core, store: new EventConsoleStore(catalog), clock }),
  };
}
