import type { EventDto, Verdict } from '../domain/dtos.js';
import type { EnvFacts } from '../domain/engine/state.js';
import { evaluateBool, type EvalScope } from '../domain/expression/evaluate.js';
import { EvaluationError, expressionError } from '../domain/expression/evaluation-error.js';
import { renderRecord } from '../domain/expression/render.js';
import { sha256Hex } from '../domain/hash.js';
import { canonicalJson, type Json, type JsonObject } from '../domain/json.js';
import { isReservedEventName, matchesPattern } from '../domain/event-name.js';
import type { Dedupe, Plan, Trigger } from '../domain/plan.js';
import { SCHEDULE_FIRED } from '../domain/schedule.js';
import { filterChecks } from './filter-checks.js';
import { checkInputs, inputsOfEvent } from './inputs.js';

/** Runs that one another cause, at most, unless a setting says otherwise. */
const MAX_CAUSE_DEPTH = 8;
/** Cost units of one filter or one `inputs` (language §7.4). */
const COST_LIMIT = 100_000;

/** UTF-16 units of a key that is kept as it is: more do not fit into an index row of Postgres. */
const LONGEST_KEY = 200;

/** A blueprint with a trigger whose pattern matches. */
export interface Candidate {
  blueprint_id: string;
  name: string;
  version: number;
  digest: string;
  enabled: boolean;
  /** Places in the plan's trigger list that are switched off apart from the plan. */
  disabled: ReadonlySet<number>;
  /** Places of the schedules whose event this is. Absent: of every schedule, since nobody said which one. */
  schedules?: ReadonlySet<number>;
  /** Undefined when the stored plan is gone or damaged. */
  plan: Plan | undefined;
}

/** What became of one candidate. */
export interface MatchVerdict {
  candidate: Candidate;
  verdict: Verdict;
  detail?: JsonObject;
  /** With `started`. */
  inputs?: JsonObject;
  /** With `started`, of a trigger that tells events apart. */
  dedupe?: DedupeKey;
}

/** What an event is to a trigger that tells events apart, and how long another one with the same key starts nothing. */
export interface DedupeKey {
  /** At most 200 UTF-16 units; of a longer one its digest. */
  key: string;
  open: boolean;
  windowMs: number;
}

/** An event that may start runs. */
export interface MatchedEvent {
  event: EventDto;
  /** Length of the chain of runs that caused it. */
  causeDepth: number;
}

export interface MatchSubject extends MatchedEvent {
  /** Longest chain that may start one more run; default 8. */
  maxCauseDepth?: number;
  env: EnvFacts;
}

/**
 * Decides for every candidate whether the event starts a run of it (language §2): the first entry whose pattern matches,
 * that is not disabled and whose filter is true decides. Where none does, the verdict tells the most that went wrong:
 * `filter_error`, else `filter_false`, else `disabled`. Pure; never throws for what users wrote.
 */
export function matchEvent(subject: MatchSubject, candidates: readonly Candidate[]): MatchVerdict[] {
  return candidates.map((candidate) => ({ candidate, ...verdictOf(subject, candidate) }));
}

type Outcome = Omit<MatchVerdict, 'candidate'>;

function verdictOf(subject: MatchSubject, candidate: Candidate): Outcome {
  if (!candidate.enabled) return { verdict: 'disabled', detail: { reason: 'blueprint' } };
  if (candidate.plan === undefined) return { verdict: 'filter_error', detail: { code: 'plan_digest_mismatch' } };
  let refusal: Outcome | undefined;
  for (const [ordinal, trigger] of candidate.plan.triggers.entries()) {
    if (!isMeant(trigger, ordinal, subject.event.event_name, candidate.schedules)) continue;
    const entry = entryOutcome(subject, trigger, trigger.disabled === true || candidate.disabled.has(ordinal), ordinal);
    if (entry === 'matches') return startOutcome(subject, candidate.plan, trigger, ordinal);
    if (refusal === undefined || RANK[entry.verdict] > RANK[refusal.verdict]) refusal = entry;
  }
  return refusal ?? { verdict: 'disabled', detail: { reason: 'trigger' } };
}

function isMeant(trigger: Trigger, ordinal: number, name: string, schedules?: ReadonlySet<number>): boolean {
  if (!listensTo(trigger, name)) return false;
  return trigger.kind === 'event' || schedules === undefined || schedules.has(ordinal);
}

/** Whether events of a name can start a run by a trigger. */
export function listensTo(trigger: Trigger, name: string): boolean {
  return trigger.kind === 'schedule' ? name === SCHEDULE_FIRED : matchesPattern(trigger.event, name);
}

const RANK: Record<Verdict, number> = {
  disabled: 0,
  filter_false: 1,
  filter_error: 2,
  input_invalid: 3,
  loop: 4,
  duplicate_of: 5,
  backlog: 6,
  started: 7,
};

function entryOutcome(
  subject: MatchSubject,
  trigger: Trigger,
  disabled: boolean,
  ordinal: number,
): Outcome | 'matches' {
  if (disabled) return { verdict: 'disabled', detail: { trigger: ordinal, reason: 'trigger' } };
  const { filter } = trigger;
  if (filter === undefined) return 'matches';
  const answer = attempt(() => evaluateBool(filter, scopeOf(subject)));
  if ('value' in answer && answer.value) return 'matches';
  const told = attempt(() => filterChecks(filter, () => scopeOf(subject)));
  const checks = 'value' in told ? { checks: told.value } : {};
  if ('failed' in answer)
    return { verdict: 'filter_error', detail: { trigger: ordinal, field: 'filter', ...answer.failed, ...checks } };
  return { verdict: 'filter_false', detail: { trigger: ordinal, ...checks } };
}

function startOutcome(subject: MatchSubject, plan: Plan, trigger: Trigger, ordinal: number): Outcome {
  const { causeDepth, maxCauseDepth: allowed = MAX_CAUSE_DEPTH } = subject;
  if (causeDepth > allowed) {
    return { verdict: 'loop', detail: { trigger: ordinal, cause_depth: causeDepth, allowed } };
  }
  const { inputs: templates } = trigger;
  const given = attempt(() =>
    templates === undefined ? inputsOfEvent(plan, subject.event.data) : renderRecord(templates, scopeOf(subject)),
  );
  if ('failed' in given)
    return { verdict: 'filter_error', detail: { trigger: ordinal, field: 'inputs', ...given.failed } };
  const checked = attempt(() => checkInputs(plan, given.value));
  if ('failed' in checked) return { verdict: 'input_invalid', detail: { trigger: ordinal, ...checked.failed } };
  if ('code' in checked.value) {
    return { verdict: 'input_invalid', detail: { trigger: ordinal, ...(checked.value as unknown as JsonObject) } };
  }
  const started = { verdict: 'started', detail: { trigger: ordinal }, inputs: checked.value.inputs } as const;
  if (trigger.kind !== 'event' || trigger.dedupe === undefined) return started;
  const { dedupe: wanted } = trigger;
  const dedupe = attempt(() => dedupeKey(wanted, scopeOf(subject)));
  if ('failed' in dedupe)
    return { verdict: 'filter_error', detail: { trigger: ordinal, field: 'dedupe', ...dedupe.failed } };
  return { ...started, dedupe: dedupe.value };
}

/** @throws EvaluationError when the key cannot be worked out, or is nothing: all such events would be the same. */
function dedupeKey({ key: template, open, window_ms: windowMs = 0 }: Dedupe, scope: EvalScope): DedupeKey {
  const { key = null } = renderRecord({ key: template }, scope);
  if (key === null) throw expressionError('wrong_type', 'The key of `dedupe` is null.');
  const text = typeof key === 'string' ? key : canonicalJson(key);
  return { key: text.length > LONGEST_KEY ? `sha256:${sha256Hex(text)}` : text, open: open === true, windowMs };
}

function scopeOf({ event, env }: MatchSubject): EvalScope {
  const variables: Record<string, Json> = {
    event: event as unknown as JsonObject,
    env: env as unknown as JsonObject,
  };
  return {
    variable: (name) => (Object.hasOwn(variables, name) ? variables[name] : undefined),
    cost: { left: COST_LIMIT },
  };
}

/** Everything thrown becomes a value: a broken trigger must not hold up the events behind it. */
function attempt<T>(work: () => T): { value: T } | { failed: JsonObject } {
  try {
    return { value: work() };
  } catch (error) {
    if (!(error instanceof EvaluationError)) return { failed: { code: 'internal' } };
    const detail = error.detail === undefined ? {} : { detail: error.detail };
    return { failed: { code: error.code, ...detail, message: error.message } };
  }
}

/** The name under which a run of a blueprint is listed when nobody gave one. */
export function defaultRunName(blueprintName: string, eventName: string): string {
  return isReservedEventName(eventName) ? blueprintName : `${blueprintName}: ${eventName}`;
}
