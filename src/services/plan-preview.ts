import type { EventDto, Verdict } from '../domain/dtos.js';
import type { EnvFacts } from '../domain/engine/state.js';
import { isEventName } from '../domain/event-name.js';
import { XynFault } from '../domain/fault.js';
import type { JsonObject } from '../domain/json.js';
import type { Plan } from '../domain/plan.js';
import type { PreviewList, TargetFields } from '../domain/plan-preview.js';
import { previewPlan } from './preview-walk.js';
import { checkInputs } from './inputs.js';
import { listensTo, matchEvent } from './matching.js';

/** An event that might come. */
interface PreviewEvent {
  event_name: string;
  data: JsonObject;
  resource?: { type: string; id: string } | null | undefined;
}

/** What is to be previewed: a document, or a blueprint's id, or `id@version`. */
export type PreviewRequest = ({ source: Uint8Array } | { source?: undefined; blueprint_ref: string }) & {
  /** With an event these stand over those that its trigger gives. */
  inputs: JsonObject;
  /** Absent: a run that a person starts. */
  event?: PreviewEvent | undefined;
};

export interface PreviewDeps {
  env: EnvFacts;
  targetFields: TargetFields;
}

/** What a run would do. */
export interface PlanPreviewDto {
  blueprint_id: string;
  name: string;
  digest: string;
  /** What the event would do; null without one. */
  verdict: Verdict | 'no_trigger' | null;
  /** Why it would not start a run. */
  verdict_detail: JsonObject | null;
  /** With defaults. */
  inputs: JsonObject;
  /** The plan's own list, its handlers and what runs last; none where the event starts nothing. */
  lists: PreviewList[];
}

interface Start {
  verdict: Verdict | 'no_trigger';
  detail?: JsonObject;
  inputs?: JsonObject;
}

/** Ids that no event, caller or run has. */
const NOBODY = '00000000-0000-0000-0000-000000000000';

/**
 * The preview of a plan.
 * @throws XynFault `input_missing`, `input_unknown`, `input_invalid`, `event_name_format`.
 */
export function previewOf(
  plan: Plan,
  { inputs: given, event: told }: PreviewRequest,
  { env, targetFields, nowMs }: PreviewDeps & { nowMs: number },
): PlanPreviewDto {
  const event = told === undefined ? undefined : eventOf(told, env, nowMs);
  const start = event === undefined ? undefined : startOf(plan, event, env);
  const head = {
    blueprint_id: plan.id,
    name: plan.name ?? plan.id,
    digest: plan.digest,
    verdict: start?.verdict ?? null,
    verdict_detail: start === undefined || start.verdict === 'started' ? null : (start.detail ?? {}),
  };
  // What is given by hand may be just what the event lacks.
  const isHelped = start?.verdict === 'input_invalid' && Object.keys(given).length > 0;
  if (start !== undefined && start.verdict !== 'started' && !isHelped) return { ...head, inputs: given, lists: [] };
  const checked = checkInputs(plan, { ...start?.inputs, ...given });
  if ('code' in checked) {
    throw new XynFault(checked.code, checked.problems[0]?.message ?? 'The inputs do not fit.', {
      details: { problems: checked.problems },
    });
  }
  const { inputs } = checked;
  const facts = { inputs, event: event === undefined ? null : (event as unknown as JsonObject), env };
  return { ...head, inputs, lists: previewPlan(plan, facts, targetFields) };
}

/** What the event would do to the blueprint as it is written; what rails and switches would say is not asked. */
function startOf(plan: Plan, event: EventDto, env: EnvFacts): Start | undefined {
  if (!plan.triggers.some((trigger) => listensTo(trigger, event.event_name))) return { verdict: 'no_trigger' };
  const name = plan.name ?? plan.id;
  const disabled = new Set<number>();
  const candidate = { blueprint_id: plan.id, name, version: 0, digest: plan.digest, enabled: true, disabled, plan };
  return matchEvent({ event, causeDepth: 0, env }, [candidate])[0];
}

function eventOf({ event_name: name, data, resource = null }: PreviewEvent, env: EnvFacts, nowMs: number): EventDto {
  if (!isEventName(name)) {
    throw new XynFault('event_name_format', 'An event name is dotted lower case, such as `checkmk.alert`.');
  }
  return {
    event_id: NOBODY,
    event_name: name,
    occurred_at: new Date(nowMs).toISOString(),
    env_id: env.id,
    actor: 'preview',
    correlation_id: 'preview',
    run_id: null,
    step_id: null,
    resource,
    data,
  };
}
