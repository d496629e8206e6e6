import type { RunDto } from './dtos.js';
import type { JsonObject } from './json.js';

/** Why a step of a rerun does not take over what the earlier run has. */
export type AnewReason =
  /** The caller wanted it to. */
  | 'asked'
  /** A step before it runs anew. */
  | 'after'
  | 'failed'
  /** The earlier run did not get there, or has no record of it. */
  | 'not_run'
  /** The earlier run completed: the whole of it is repeated. */
  | 'run_completed'
  /** It reads an input or a variable of the environment that is another one now. */
  | 'inputs_changed'
  /** Whether it runs depends on a gate, or on something else that is decided anew. */
  | 'decided_anew'
  /** In the version that runs now the step or the contract of its action is another one. */
  | 'rerun_contract_changed'
  /** The earlier run's result was too large to be kept. */
  | 'result_gone';

/** Why a step runs anew, for people. */
export const ANEW_TEXTS: Readonly<Record<AnewReason, string>> = {
  asked: 'asked for',
  after: 'follows a step that runs anew',
  failed: 'failed',
  not_run: 'did not run',
  run_completed: 'the run completed: all of it is repeated',
  inputs_changed: 'reads an input or a variable that changed',
  decided_anew: 'depends on what is decided anew',
  rerun_contract_changed: 'the step or its action is another one in this version',
  result_gone: 'its result was too large to be kept',
};

/** How a run is to be repeated. */
export interface RerunRequest {
  /** A step's id or path: it and all that follows run anew. Absent: the first step that failed or did not run. */
  from?: string;
  /** Inputs that are to be others; the rest stays. */
  inputs?: JsonObject;
  /** The active version of the blueprint instead of the one that the run has. */
  latest?: boolean;
}

/** What a rerun takes over and what it does. Lists hold the first thousand. */
export interface RerunPlanDto {
  blueprint_version: number;
  /** Paths in the new run. */
  reused: string[];
  reused_count: number;
  anew: { path: string; reason: AnewReason }[];
  anew_count: number;
}

export interface RerunDto extends RerunPlanDto {
  /** Null when nothing was started. */
  run: RunDto | null;
}

/** Whether the history of a run fits the code of today. */
export interface ReplayCheckDto {
  fits: boolean;
  /** Where it parts from the code, when it does. */
  difference: string | null;
  /** Events of the history. */
  events: number;
}
