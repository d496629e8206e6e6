import type { ActionCatalog } from '../domain/action-catalog.js';
import type { EventDto } from '../domain/dtos.js';
import type { EnvFacts, EventFacts, RunFacts } from '../domain/engine/state.js';
import type { JsonObject } from '../domain/json.js';
import type { Plan } from '../domain/plan.js';
import { scheduledFacts } from '../domain/schedule.js';
import { isoUtc } from '../domain/time.js';
import { checkInputs } from '../services/inputs.js';
import { matchEvent } from '../services/matching.js';
import { mismatches, type Mismatch } from './expectations.js';
import type { Scenario, ScenarioFile } from './scenario-schema.js';
import { ScriptedWorld } from './scripted-world.js';
import { BrokenRule, simulate, type Driving, type SimulatedRun } from './simulation.js';
import { brokenInvariants, differences, variationsOf } from './variations.js';

/** Virtual time begins here, so that scenarios that read `now` give the same every time. */
const START_MS = Date.UTC(2026, 0, 1);
/** Ids of a simulated run and of its event. */
const RUN_ID = '00000000-0000-4000-8000-000000000001';
const EVENT_ID = '00000000-0000-4000-8000-000000000002';

/** What scenarios of one file share. */
export interface ScenarioSubject {
  plan: Plan;
  actions: ActionCatalog;
  env: ScenarioFile['env'];
  /** Repeat every scenario in other orders, with everything twice and handed over. */
  chaos: boolean;
}

export interface ScenarioOutcome {
  mismatches: Mismatch[];
  /** Of the plain run; absent where it did not begin, or ended with a broken rule. */
  run?: SimulatedRun;
}

/** Runs a scenario, in all its variations, and compares. */
export function runScenario(subject: ScenarioSubject, scenario: Scenario): ScenarioOutcome {
  const begun = beginning(subject, scenario);
  if ('refusal' in begun) return { mismatches: [begun.refusal] };
  const plain = drive(subject, scenario, begun, {});
  if (!('state' in plain)) return { mismatches: [plain] };
  const found = [...problemsOf(plain), ...brokenInvariantsOf(plain, 'plain')];
  if (plain.unscripted === undefined) found.push(...mismatches(scenario.expect, plain));
  if (found.length > 0) return { mismatches: found, run: plain };
  const handOver = scenario.force === 'continue_as_new';
  for (const variation of variationsOf(subject.plan, { handOver, chaos: subject.chaos })) {
    const other = drive(subject, scenario, begun, variation.driving);
    if (!('state' in other)) found.push({ ...other, what: `${other.what} (${variation.name})` });
    else {
      found.push(...brokenInvariantsOf(other, variation.name));
      if (variation.mustEqual) found.push(...differences(plain, other, variation));
    }
    if (found.length > 0) break;
  }
  return { mismatches: found, run: plain };
}

interface Beginning {
  inputs: JsonObject;
  event: EventFacts;
  env: EnvFacts;
  run: RunFacts;
}

function beginning({ plan, env: given }: ScenarioSubject, { start }: Scenario): Beginning | { refusal: Mismatch } {
  const env: EnvFacts = { id: given.id ?? given.name, name: given.name, stage: given.stage, vars: given.vars };
  const run: RunFacts = {
    id: RUN_ID,
    blueprint: plan.id,
    version: '1',
    digest: plan.digest,
    actor: 'somebody',
    trigger: start.event?.name ?? 'manual',
    started_at: isoUtc(START_MS),
    correlation_id: RUN_ID,
  };
  if (start.event === undefined) {
    const checked = checkInputs(plan, start.inputs ?? {});
    if ('code' in checked) return { refusal: notStarted(checked.code, checked.problems) };
    return { inputs: checked.inputs, event: null, env, run };
  }
  const event: EventDto = {
    event_id: EVENT_ID,
    event_name: start.event.name,
    occurred_at: isoUtc(START_MS),
    env_id: env.id,
    actor: 'somebody',
    correlation_id: RUN_ID,
    run_id: null,
    step_id: null,
    resource: null,
    data: start.event.data,
  };
  const candidate = {
    blueprint_id: plan.id,
    name: plan.name ?? plan.id,
    version: 1,
    digest: plan.digest,
    enabled: true,
  };
  const verdict = matchEvent({ event, causeDepth: 0, env }, [{ ...candidate, disabled: new Set(), plan }])[0];
  if (verdict?.inputs !== undefined) {
    const facts = event as unknown as EventFacts;
    return { inputs: verdict.inputs, event: facts, env, run: { ...run, ...scheduledFacts(run.trigger, facts) } };
  }
  return { refusal: notStarted(verdict?.verdict ?? 'no trigger', verdict?.detail) };
}

function notStarted(code: string, detail: unknown): Mismatch {
  return { what: 'start', expected: ['a run'], got: [`none: ${code}`, JSON.stringify(detail ?? null)] };
}

function drive(
  { plan, actions }: ScenarioSubject,
  scenario: Scenario,
  begun: Beginning,
  driving: Driving,
): SimulatedRun | Mismatch {
  try {
    const world = new ScriptedWorld(scenario, actions);
    return simulate({ plan, ...begun, startMs: START_MS, world, driving });
  } catch (error) {
    if (!(error instanceof BrokenRule)) throw error;
    return { what: 'engine', expected: ['its own rules kept'], got: [error.message] };
  }
}

/** What a script has not foreseen. */
function problemsOf({ unscripted, refused }: SimulatedRun): Mismatch[] {
  const found: Mismatch[] = refused.map(({ gate, decision, code }) => ({
    what: 'decision',
    expected: [`${decision.decision} by ${decision.by}`],
    got: [`refused: ${code}`],
    path: gate,
  }));
  if (unscripted === undefined) return found;
  const { path, attempt, input } = unscripted;
  const got = [`unscripted_call: ${path}, attempt ${attempt}`, JSON.stringify(input)];
  return [...found, { what: 'mocks', expected: [`an entry for ${path}`], got, path }];
}

function brokenInvariantsOf(run: SimulatedRun, name: string): Mismatch[] {
  return run.unscripted === undefined ? brokenInvariants(run, name) : [];
}
