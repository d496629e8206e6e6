import type { RunDto } from '../../domain/dtos.js';
import { ANEW_TEXTS, type AnewReason, type ReplayCheckDto, type RerunPlanDto } from '../../domain/rerun.js';
import type { Html } from '../html.js';
import { fieldsOf } from '../parts/form-fields.js';
import type { Parts } from '../parts/parts.js';
import type { FormField } from '../parts/schema-form.js';
import { template } from '../template.js';

/** Why something cannot be done. */
export interface Problem {
  code: string;
  message: string;
}

/** What a person reads before repeating a run. */
export interface RerunView {
  run: RunDto;
  /** Null when it cannot be repeated. */
  plan: RerunPlanDto | null;
  problem: Problem | null;
  from: string | null;
  latest: boolean;
  /** The active version of the blueprint, where that is another one. */
  newer: number | null;
  /** The inputs, as the run has them or as they were typed. */
  fields: readonly FormField[];
  /** Some are others than those of the run. */
  hasOtherInputs: boolean;
  csrf: string;
  key: string;
}

/** What a person reads before and after a replay check. */
export interface ReplayView {
  run: RunDto;
  result: ReplayCheckDto | null;
  problem: Problem | null;
  csrf: string;
}

interface RerunTemplate extends RerunView {
  inputs: Html;
  why: (reason: AnewReason) => string;
}

const drawRerun = template<RerunTemplate>(import.meta.url, './rerun.eta');

/** Asks whether to repeat a run; works as a page and as a dialog. */
export function rerunMain(view: RerunView, ui: Parts): Html {
  const { fields } = view;
  return drawRerun({ ...view, inputs: fieldsOf(fields, ui), why: (reason) => ANEW_TEXTS[reason] }, ui);
}

/** Asks whether to check a run's history, and tells what came of it. */
export const replayMain: (view: ReplayView, ui: Parts) => Html = template<ReplayView>(import.meta.url, './replay.eta');
