import { isJsonObject, type Json, type JsonObject } from '../../src/domain/json.js';
import type { Plan } from '../../src/domain/plan.js';
import { simulate, type Driving, type SimulatedRun } from '../../src/scenarios/simulation.js';
import { brokenInvariants, chooser } from '../../src/scenarios/variations.js';
import type { World } from '../../src/scenarios/world.js';
import { ENV, RUN } from '../support/engine-rig.js';
import { START_MS, type Answers } from './reference-clock.js';
import { Reference, type ReferenceRun } from './reference.js';
import { answersOf, planOfTrial, type Trial } from './random-plans.js';

/** What both sides say about a run, in one form. */
interface Summary {
  status: string;
  fault: Json;
  outputs: Json;
  records: Record<string, Json>;
  calls: string[];
  elapsedMs: number;
}

const VARIATIONS: Record<string, Driving> = {
  plain: {},
  'handed over': { handOver: true },
  'everything twice': { twice: true },
  'shuffled, twice and handed over': { twice: true, handOver: true, choose: chooser(1) },
};

/** Runs a trial through engine and reference, and the engine in other ways too. @returns what differs, or 'ambiguous'. */
export function differenceOf(trial: Trial): object | 'ambiguous' | undefined {
  const plan = planOfTrial(trial);
  const reference = new Reference(plan, {}, answersOf(trial)).run();
  if (reference.ambiguous) return 'ambiguous';
  const expected = summaryOfReference(reference);
  for (const [name, driving] of Object.entries(VARIATIONS)) {
    const run = simulate({
      plan,
      inputs: {},
      event: null,
      env: ENV,
      run: RUN,
      startMs: START_MS,
      world: worldOf(answersOf(trial)),
      driving,
    });
    const broken = brokenInvariants(run, name);
    if (broken.length > 0) return { broken };
    const differs = differing(expected, summaryOf(run, reference));
    if (differs.length > 0) return { name, differs };
  }
  return undefined;
}

function differing(expected: Summary, got: Summary): string[] {
  const sides = (summary: Summary): JsonObject => {
    const { records, ...rest } = summary;
    return { ...(rest as unknown as JsonObject), ...records };
  };
  const [left, right] = [sides(expected), sides(got)];
  const text = (value: Json | undefined): string => JSON.stringify(value ?? null);
  return [...new Set([...Object.keys(left), ...Object.keys(right)])]
    .filter((key) => text(left[key]) !== text(right[key]))
    .map((key) => `${key}: reference ${text(left[key])}, engine ${text(right[key])}`);
}

function worldOf(answers: Answers): World {
  const rounds = new Map<string, number>();
  const began = new Map<string, number>();
  return {
    answer({ path, attempt }) {
      began.set(path, attempt);
      const reply = answers.reply(path, attempt);
      const { takesMs, onCancel } = reply;
      if ('returns' in reply) return { takesMs, onCancel, returns: reply.returns };
      if ('lost' in reply) return { takesMs, onCancel, lost: true };
      const { code, retryable } = reply;
      return { takesMs, onCancel, fails: { code, message: code, retryable } };
    },
    decisions({ path, purpose }) {
      if (purpose === 'recovery') {
        const round = (rounds.get(path) ?? 0) + 1;
        rounds.set(path, round);
        const { decide, afterMs } = answers.recover(path.replace(/~recover$/, ''), round);
        return [{ afterMs, decision: { decision: decide, by: 'ann', outputs: { n: 99 } } }];
      }
      const answer = answers.gate(path);
      return answer ? [{ afterMs: answer.afterMs, decision: { decision: answer.decide, by: 'ann' } }] : [];
    },
    ...(answers.cancelAtMs === undefined ? {} : { cancelAtMs: answers.cancelAtMs }),
  };
}

/** Without texts, times and numbers of attempts: faults are what they are in the reference. */
function plain(value: unknown): Json {
  if (Array.isArray(value)) return value.map(plain);
  if (!isJsonObject(value as Json)) return (value ?? null) as Json;
  const object = value as Record<string, unknown>;
  if (typeof object['code'] === 'string' && typeof object['path'] === 'string') {
    const suppressed = object['suppressed'] as (string | { code: string })[] | undefined;
    return {
      code: object['code'],
      path: object['code'] === 'cancelled' ? '' : object['path'],
      retryable: object['retryable'] as Json,
      handled: object['handled'] === true,
      cause: plain(object['cause']),
      suppressed: suppressed?.map((one) => (typeof one === 'string' ? one : one.code)) ?? [],
    };
  }
  return Object.fromEntries(
    Object.keys(object)
      .sort()
      .map((key) => [key, plain(object[key])]),
  );
}

function summaryOfReference(run: ReferenceRun): Summary {
  const records = [...run.records].map(([path, one]): [string, Json] => [path, plain(one)]);
  return {
    status: run.status,
    fault: plain(run.fault),
    outputs: plain(run.outputs),
    records: Object.fromEntries(records.sort(([a], [b]) => (a < b ? -1 : 1))),
    calls: run.calls,
    elapsedMs: run.elapsedMs,
  };
}

function summaryOf({ state, transitions, path, calls, elapsedMs }: SimulatedRun, reference: ReferenceRun): Summary {
  const records = new Map<string, Json>();
  for (const one of transitions) {
    if (one.t !== 'step' || one.status === 'running') continue;
    const what = one.skip_reason ?? one.error?.code ?? one.status;
    records.set(one.path, plain({ what, ...(one.outputs === undefined ? {} : { outputs: one.outputs }) }));
  }
  // What a worker records by itself is not among the transitions: its result is the worker's own.
  for (const one of path) {
    if (!records.has(one)) records.set(one, plain(reference.records.get(one) ?? { what: 'completed' }));
  }
  return {
    status: state.status,
    fault: plain(state.error),
    outputs: plain(state.outputs),
    records: Object.fromEntries([...records].sort(([a], [b]) => (a < b ? -1 : 1))),
    calls: calls.map((call) => `${call.atMs} ${call.path} ${call.attempt}`).sort(),
    elapsedMs,
  };
}

/** The plan of a trial for people. */
export function shown(plan: Plan): string {
  return JSON.stringify({ nodes: plan.nodes, root: plan.root });
}
