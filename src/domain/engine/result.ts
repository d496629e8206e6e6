import { EVALUATION_COST_LIMIT } from '../expression/cost.js';
import { evaluateBool, type EvalScope } from '../expression/evaluate.js';
import { readsOf, readsOfTree, type Read } from '../expression/reads.js';
import { renderRecord } from '../expression/render.js';
import type { Tree } from '../expression/tree.js';
import { timestampOfMs } from '../expression/time.js';
import { sha256Base32 } from '../hash.js';
import type { Json, JsonObject } from '../json.js';
import type { Val } from '../plan.js';
import { pick } from '../pick.js';
import type { FailureFacts } from '../xyn-error.js';
import { attempt } from './attempt.js';

/**
 * What a worker does with the result of an attempt before it hands it over (language §4.2, §4.3): the whole result is read
 * there, and only what comes of it enters the run's state.
 */
export interface ResultRules {
  /** Must hold, or the attempt failed with `until_not_met`. */
  until?: Tree;
  /** Replace the result. */
  outputs?: Record<string, Val>;
  /** What the expressions read beside `result`, as it was when the step began. */
  seen: JsonObject;
  /** `now` of that moment, milliseconds since the epoch. */
  now: number;
}

/** Where the rules apply: for `uid`. */
export interface ResultPlace {
  runId: string;
  path: string;
}

/** A result as the run's state gets it, or why the attempt failed. */
export type FinishedResult = { value: Json } | { fault: FailureFacts };

/**
 * Rules with what they read, taken from the scope of the step.
 * @returns undefined where results stay as they are.
 */
export function resultRules(
  { until, outputs }: Pick<ResultRules, 'until' | 'outputs'>,
  scope: EvalScope,
  now: number,
): ResultRules | undefined {
  if (until === undefined && outputs === undefined) return undefined;
  const reads = [
    ...(until === undefined ? [] : readsOfTree(until)),
    ...(outputs === undefined ? [] : readsOf(outputs)),
  ];
  return {
    ...(until === undefined ? {} : { until }),
    ...(outputs === undefined ? {} : { outputs }),
    seen: seenBy(reads, scope),
    now,
  };
}

function seenBy(reads: readonly Read[], scope: EvalScope): JsonObject {
  const wanted = reads.filter(([variable]) => variable !== 'result' && variable !== 'now');
  const variables: JsonObject = {};
  for (const [name] of wanted) {
    // `now` alone is a time; every other variable is JSON.
    variables[name as string] = scope.variable(name as string) as Json;
  }
  return pick(variables, wanted);
}

/** Applies the rules to a result. Pure: workers and the scenario runner share it. */
export function finishResult(rules: ResultRules | undefined, raw: Json, { runId, path }: ResultPlace): FinishedResult {
  if (rules === undefined) return { value: raw };
  const { until, outputs, seen, now } = rules;
  const scope = (): EvalScope => ({
    cost: { left: EVALUATION_COST_LIMIT },
    variable: (name) => (name === 'result' ? raw : name === 'now' ? timestampOfMs(now) : seen[name]),
    uid: (label) => sha256Base32(`${runId}/${path}/${label}`, 26),
  });
  if (until !== undefined) {
    const held = attempt(() => evaluateBool(until, scope()));
    if ('fault' in held) return held;
    if (!held.value) return { fault: NOT_MET };
  }
  return outputs === undefined ? { value: raw } : attempt(() => renderRecord(outputs, scope()));
}

const NOT_MET: FailureFacts = {
  code: 'until_not_met',
  message: 'What `retry.until` asks for is not so yet.',
  retryable: true,
};
