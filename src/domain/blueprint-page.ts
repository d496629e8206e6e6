/** Blueprints of the page that lists them: a catalog with more is searched, not read. */
export const MOST_LISTED_BLUEPRINTS = 500;

/** A blueprint as a list shows it. */
export interface BlueprintLine {
  blueprint_id: string;
  name: string;
  active_version: number | null;
  digest: string | null;
  enabled: boolean;
  /** Patterns of the events that start it, in order. */
  listens_to: readonly string[];
  last_run: { run_id: string; status: string; at: string } | null;
  /** Among its newest 50 runs. */
  recent: number;
  recent_failed: number;
}

/** One of the newest runs that ended. */
export interface EndedRun {
  run_id: string;
  status: 'completed' | 'failed';
  at: string;
  ms: number;
}

/** Runs of a blueprint that ended on a day (UTC). */
export interface RunDay {
  /** ISO date. */
  day: string;
  runs: number;
  failed: number;
}

/** Open runs that began with a version. */
export interface OpenRuns {
  version: number;
  open: number;
}

/** Runs that are counted by version: the newest of their blueprint. */
export const COUNTED_RUNS = 1_000;

/** What became of a version, and where it came from. */
export interface VersionFacts {
  version: number;
  /** Among the newest runs of the blueprint. */
  runs: number;
  failed: number;
  /** Scenarios of the draft that it was promoted from; null: they never ran, or it was applied without a draft. */
  tests: { passed: number; failed: number } | null;
  /** What was said of that draft's revision. */
  notes: string | null;
}
