import { any, list, map, nullable, plain, record, recordOf, text, type Field, type Type } from './type.js';

const int = plain('int');
const bool = plain('bool');

const errorOf = (always: Readonly<Record<string, Type>>, maybe: Readonly<Record<string, Type>>): Type =>
  recordOf(
    {
      code: text(),
      message: text(true),
      step: text(),
      path: text(),
      attempt: int,
      retryable: bool,
      at: text(),
      ...always,
    },
    { detail: text(), status: int, excerpt: text(true), handled: bool, suppressed: list(any(true)), ...maybe },
  );

/** An error (language §5.6). What it tells may be what a target said. */
export const ERROR: Type = errorOf({}, { cause: any(true) });
/** The error of branches or iterations, which tells that of the first one that failed. */
export const ERROR_OF_MANY: Type = errorOf({ cause: any(true) }, {});

/** The event that started a run (001 §45.3). What it carries is from outside. */
export const EVENT: Type = recordOf({
  event_id: text(),
  event_name: text(),
  occurred_at: text(),
  env_id: text(),
  actor: text(),
  correlation_id: text(),
  run_id: nullable(text()),
  step_id: nullable(text()),
  resource: any(true),
  data: any(true),
});

const RUN: Readonly<Record<string, Type>> = {
  id: text(),
  blueprint: text(),
  version: any(),
  digest: text(),
  actor: text(),
  trigger: any(),
  started_at: text(),
  correlation_id: text(),
};
/** The run. Whether it has a nominal time is known where a schedule starts it. */
export const runType = (isScheduled: boolean): Type => {
  const [always, maybe] = isScheduled ? [{ scheduled_at: text() }, {}] : [{}, { scheduled_at: text() }];
  return recordOf({ ...RUN, ...always }, { parent_id: text(), ...maybe });
};

/** The run where it is known how it ended. */
export function withOutcome(run: Type): Type {
  if (run.is !== 'record') return run;
  const outcome = { type: text(false, ['completed', 'failed', 'cancelled']), optional: false };
  return record(new Map([...run.fields, ['outcome', outcome]]));
}

/** The environment's snapshot. */
export const ENV: Type = recordOf({
  id: text(),
  name: text(),
  stage: text(false, ['dev', 'test', 'stage', 'prod']),
  vars: map(text()),
});

/** What others can read of a step (language §5.1). */
export interface StepView {
  outputs: Type;
  /** Whether the outputs may be absent where the list goes on. */
  absent: boolean;
  /** Conditions that all hold where it ran; undefined: it runs in any case. */
  when?: readonly string[];
  /** Whether it holds branches or iterations, whose errors it lists. */
  many: boolean;
}

const STATUS: Field = {
  type: text(false, ['completed', 'failed', 'skipped', 'running', 'created']),
  optional: false,
};
const FAILURES = list(ERROR);
/** What can be read of every step: references are many, so that only what differs is made anew. */
const OF_EVERY_STEP: readonly (readonly [string, Field])[] = [
  ['error', { type: ERROR, optional: true }],
  ['handled', { type: bool, optional: true }],
  ['failures', { type: FAILURES, optional: true }],
  ['attempts', { type: int, optional: false }],
  ['started_at', { type: text(), optional: false }],
  ['ended_at', { type: text(), optional: false }],
];

/** `steps.<id>`, where its outputs may be absent or not. */
export function stepType({ outputs, many }: StepView, absent: boolean): Type {
  const fields = new Map<string, Field>([
    ['status', STATUS],
    ['outputs', { type: outputs, optional: absent }],
    ...OF_EVERY_STEP,
  ]);
  if (many) fields.set('failures', { type: FAILURES, optional: false });
  return record(fields);
}

/** What a gate that was passed gives. */
export const GATE: Type = recordOf({
  decision: text(false, ['approve']),
  by: list(text()),
  reason: text(),
  at: text(),
  form: any(),
});
