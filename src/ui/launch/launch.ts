import type { BlueprintDto } from '../../domain/dtos.js';
import type { LaunchPreview, LaunchStep } from '../../domain/launch.js';
import { about } from '../format.js';
import type { Html } from '../html.js';
import { fieldsOf } from '../parts/form-fields.js';
import type { Parts } from '../parts/parts.js';
import { formFields, type FormProblem, type FormTexts } from '../parts/schema-form.js';
import { template } from '../template.js';

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
const MOST_STEPS = 100;

const EFFECT_TAGS = {
  read: { text: 'read', look: '' },
  write: { text: 'write', look: 'write' },
  destructive: { text: 'cannot be undone', look: 'final' },
} as const;

function stepLine(step: LaunchStep, at: number): object {
  const { target, isTargetLater, what, only } = step;
  const where = target ?? (isTargetLater ? 'target decided later' : null);
  return {
    ...step,
    number: at + 1,
    tag: step.effect === null ? null : EFFECT_TAGS[step.effect],
    detail: [
      what,
      where,
      only === 'on_error' ? 'only after a failure' : only === 'finally' ? 'at the end, always' : null,
    ]
      .filter((one) => one !== null)
      .join(' · '),
  };
}

/** What would happen: the plan's steps with effects, targets and gates. */
export function planPreview(preview: LaunchPreview, problems: readonly FormProblem[], ui: Parts): Html {
  const { steps, usual } = preview;
  const count = (effect: string): number => steps.filter((one) => one.effect === effect).length;
  const takes = usual === null ? null : `${about(usual.median_ms)}, 95 % under ${about(usual.p95_ms)}`;
  const shown = steps.slice(0, MOST_STEPS).map(stepLine);
  const gates = steps.filter(({ gate }) => gate !== null).length;
  const counts = { writes: count('write'), finals: count('destructive'), reads: count('read'), gates };
  return previewTemplate({ ...preview, problems, takes, shown, more: steps.length - shown.length, counts }, ui);
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
  return pickTemplate({ ready }, ui);
}
