import type { Config } from '../config/config.js';
import type { LimitRails } from '../services/plan-limits.js';
import type { Rails } from '../services/rails.js';

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
const MIB = 1_048_576;
const GIB = 1_073_741_824;

/** Bounds of starting runs, from settings. */
export function railsOf(config: Config): Rails {
  return {
    startsPerMinute: config.startsPerMinute,
    eventBacklogMs: config.eventBacklogDays * DAY_MS,
    causeDepth: config.eventDepth,
    places: { workcell: config.workcells, ci: config.ciRuns },
  };
}

/** Bounds of what a run may do, from settings. */
export function limitRailsOf(config: Config): LimitRails {
  return {
    defaults: { steps: config.runSteps, run_time_ms: config.runMinutes * MINUTE_MS },
    ceilings: { steps: config.maxRunSteps, run_time_ms: config.maxRunMinutes * MINUTE_MS },
    workcellAgeMs: config.workcellMinutes * MINUTE_MS,
  };
}

/** Bounds of the store of artifacts, from settings. */
export function artifactBounds(config: Config): { maxBytes: number; maxStoreBytes: number } {
  return { maxBytes: config.artifactMib * MIB, maxStoreBytes: config.artifactStoreGib * GIB };
}
