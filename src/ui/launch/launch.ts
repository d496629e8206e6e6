import type { BlueprintDto } from '../../domain/dtos.js';
import type { LaunchPreview } from '../../domain/launch.js';
import type { Effect } from '../../domain/plan.js';
import type { PreviewStep } from '../../domain/plan-preview.js';
import { about } from '../format.js';
import type { Html } from '../html.js';
import { fieldsOf } from '../parts/form-fields.js';
import type { Parts } from '../parts/parts.js';
import { formFields, type FormProblem, type FormTexts } from '../parts/schema-form.js';
import { template } from '../template.js';
import { previewRows } from './preview-rows.js';

/** All that the launcher shows for one blueprint. */
export interface LaunchView {
  preview: LaunchPreview;
  /** What was typed; null: the form is new. */
  texts: FormTexts | null;
  /** Problems are told after the form was sent, not while somebody begins to type. */
  isSent: boolean;
  problems: readonly FormProblem[];
  /** The plan that the form showed was another one. */
  hasChanged: boolean;
  csrf: string;
  /** The same key starts one run, however often the form is sent. */
  key: string;
  stage: string;
}

const formTemplate = template<Record<string, unknown>>(import.meta.url, './launch.eta');
const previewTemplate = template<Record<string, unknown>>(import.meta.url, './preview.eta');
const pickTemplate = template<Record<string, unknown>>(import.meta.url, './pick.eta');
/** More rows say nothing to a reader; the blueprint's page has all of them. */
const MOST_ROWS = 100;
/** Blueprints that one can choose by reading; more are searched. */
const MOST_PICKED = 200;
/** Steps that one sentence names. */
const MOST_NAMED = 5;

const EFFECT_TAGS = {
  read: { text: 'read', look: '' },
  write: { text: 'write', look: 'write' },
  destructive: { text: 'cannot be undone', look: 'final' },
} as const;

/** What would happen: the plan's steps with effects, targets and gates. */
export function planPreview(preview: LaunchPreview, problems: readonly FormProblem[], ui: Parts): Html {
  const { usual } = preview;
  const rows = previewRows(preview.lists);
  const steps = rows.flatMap(({ step }) => (step === null || step.would_run === 'no' ? [] : [step]));
  const count = (effect: Effect): number =>
    steps.filter((one) => one.effect === effect && one.action?.startsWith('agent:') !== true).length;
  const takes = usual === null ? null : { usual: about(usual.median_ms), most: about(usual.p95_ms) };
  const shown = rows.slice(0, MOST_ROWS).map((row) => ({ ...row, tag: tagOf(row.step) }));
  const gates = steps.filter(({ gate }) => gate !== undefined);
  const counts = { writes: count('write'), finals: count('destructive'), reads: count('read'), gates: gates.length };
  // While inputs are missing, every value that reads them would fail.
  const faults =
    problems.length > 0 ? [] : steps.flatMap(({ path, faults: all }) => all.map((one) => ({ path, ...one })));
  const { eventless, others } = withoutEvent(faults);
  const view = {
    ...preview,
    problems,
    takes,
    shown,
    more: rows.length - shown.length,
    counts,
    gates,
    eventless,
    faults: others,
  };
  return previewTemplate(view, ui);
}

/** Steps that fail for want of the event that starts the blueprint, which a start by hand does not have. */
function withoutEvent<T extends { path: string; needs_event?: true }>(
  faults: readonly T[],
): { eventless: string[]; others: T[] } {
  const paths = faults.filter((one) => one.needs_event).map(({ path }) => path);
  return { eventless: [...new Set(paths)].slice(0, MOST_NAMED), others: faults.filter((one) => !one.needs_event) };
}

function tagOf(step: PreviewStep | null): { text: string; look: string } | null {
  if (step?.effect === undefined || step.action?.startsWith('agent:') === true) return null;
  return EFFECT_TAGS[step.effect];
}

/** The form beside the preview. */
export function launchMain(view: LaunchView, ui: Parts): Html {
  const { preview, texts, isSent, problems } = view;
  const isWhole = isSent || view.hasChanged;
  const fields = formFields(preview.schema, texts, isSent ? problems : [], isWhole);
  const known = new Set(fields.filter(({ problem }) => problem !== null).map(({ name }) => name));
  const others = isSent ? problems.filter(({ path }) => !known.has(path.split('/')[1] ?? '')) : [];
  const shown = planPreview(preview, problems, ui);
  return formTemplate(
    { ...view, fields, inputs: fieldsOf(fields, ui), others, shown, count: isSent ? problems.length : 0 },
    ui,
  );
}

/** The choice of a blueprint. */
export function launchPick(blueprints: readonly BlueprintDto[], ui: Parts): Html {
  const ready = blueprints.filter(({ active_version, enabled }) => active_version !== null && enabled);
  const shown = ready.slice(0, MOST_PICKED);
  return pickTemplate({ ready: shown, more: ready.length - shown.length }, ui);
}
