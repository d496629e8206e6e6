import type { JsonObject } from '../../domain/json.js';
import type { StepKind } from '../../domain/plan.js';
import type { Dialect } from '../document/step-fields.js';
import {
  closed,
  condition,
  count,
  duration,
  flag,
  listOf,
  nameOf,
  namedMap,
  oneOf,
  refTo,
  text,
  value,
  type FieldSchemas,
} from './schema-parts.js';

const ANY = {};
const steps = (description: string): JsonObject => ({ description, ...refTo('steps') });
const codes = (description: string): JsonObject => listOf(description, { type: 'string' });

/** Fields that mean the same on every kind of step. */
const COMMON: FieldSchemas = {
  kind: { description: 'What the step is.' },
  name: text('A text for people.', 120),
  when: condition('The step is skipped unless this expression is true. An error in it fails the step.'),
  outputs: namedMap("The step's outputs are exactly this map; on a step without a body, `result` is what it had.", ANY),
  timeout: duration('Bounds one attempt of an action, agent or block; the whole of any other step. 1 s to 30 d.'),
  retry: { description: 'More attempts after a failure.', ...refTo('retry') },
  on_error: {
    description: 'What to do when it fails; `continue` goes on whatever the error is.',
    ...refTo('handlers'),
  },
};

const MODE = oneOf('`fail_fast`: the first failure cancels the rest. `collect`: all run, whatever the others do.', [
  'fail_fast',
  'collect',
]);

const SET = 'Outputs, computed in the order in which they are written; later ones can read earlier ones.';

/** Fields of one kind. */
const OF_KIND: Readonly<Record<StepKind, FieldSchemas>> = {
  action_task: {
    action: { description: 'The action that is called.', ...refTo('action') },
    with: { description: "The action's inputs, rendered once for all attempts.", type: 'object' },
    key: value('Replaces the idempotency key: the same key in two runs means the same effect.'),
    mode: oneOf('Short steps that only read run in the worker that decides; `remote` forbids it.', ['remote']),
    declare: {
      description: 'Where the author knows better than the contract of `http.call`, `ssh.run` or `container.exec`.',
      ...closed({
        effect: oneOf('What the call does to its target.', ['read', 'write', 'destructive']),
        idempotency: oneOf('What a repeat does: nothing more, nothing more under one key, the same again.', [
          'safe',
          'keyed',
          'none',
        ]),
      }),
    },
  },
  agent_task: {
    provider: { description: 'Who runs the model.', ...refTo('provider') },
    agent: { description: 'The same as `provider`.', ...refTo('provider') },
    model: text("The model's name."),
    prompt: value('What the model is asked.'),
    prompt_template: value('The same as `prompt`.'),
    system: value('Instructions beside the prompt.'),
    output: { description: 'The answer must be JSON of this type.', type: 'object', allOf: [refTo('type')] },
    max_turns: count('How often the model may be asked. 8.', 1, 100),
    data: flag("`false`: do not send the run's inputs and its event along."),
  },
  gate: {
    mode: oneOf('How it is decided.', ['manual']),
    message: value('What people read.'),
    approvers: {
      description: 'Who may decide; without it whoever the deployment lets decide.',
      anyOf: [{ type: 'array', maxItems: 50 }, refTo('template')],
    },
    require: count('How many distinct people must approve. 1.', 1, 50),
    reject: count('How many distinct people must reject. 1.', 1, 50),
    reason: oneOf('Whether a decision needs a reason. `optional`.', ['optional', 'required']),
  },
  transform: {
    set: namedMap(SET, ANY),
    assert: listOf(
      'The first entry that is not true fails the step.',
      closed(
        {
          that: condition('An expression that must be true.'),
          code: { ...text('The code of the error. `assertion_failed`.', 64), pattern: '^[a-z][a-z0-9_]*$' },
          message: value('The message of the error.'),
          retryable: flag('Whether another attempt of a block around it is worth while. `false`.'),
        },
        ['that'],
      ),
    ),
  },
  wait: {
    for: { description: 'How long, such as `90s`; at most a year.', anyOf: [refTo('duration'), refTo('template')] },
    until: value('Until which time.'),
  },
  block: {
    do: steps('Steps that are retried, bounded, handled or cleaned up together.'),
    finally: steps('Steps that run last, whatever happened. No gates stand here.'),
    rollback: oneOf('Nothing is undone by itself.', ['manual']),
  },
  switch: {
    cases: listOf(
      'The first case whose `when` is true runs, and no other.',
      closed(
        {
          name: { description: "The case's name; without it `case0`, `case1` …", ...refTo('name') },
          when: condition('An expression over what the switch sees.'),
          do: steps('What runs in this case.'),
          outputs: namedMap('The result of the case.', ANY),
        },
        ['when', 'do'],
      ),
      1,
    ),
    default: { description: 'What runs when no case does.', ...refTo('body') },
  },
  parallel: {
    branches: {
      ...namedMap('Bodies by name, begun in the order of their names.', refTo('body')),
      minProperties: 1,
      maxProperties: 450,
    },
    join: {
      description: '`all`, or how many branches must complete; the rest is cancelled then.',
      anyOf: [{ const: 'all' }, { type: 'integer', minimum: 1, maximum: 450 }],
    },
    mode: MODE,
    concurrency: count('How many branches run at once. All.', 1, 450),
  },
  for_each: {
    in: value('A list, a map (items are `{key, value}`) or a whole number. Evaluated once.'),
    do: steps('What runs for each item.'),
    as: { description: "The item's name. `item`.", ...refTo('name') },
    concurrency: count('How many iterations run at once. 1.', 1, 100),
    mode: MODE,
    tolerate: {
      description: 'How many items may fail: a number, or a share of them such as `5%`.',
      anyOf: [
        { type: 'integer', minimum: 0, maximum: 10_000 },
        { type: 'string', pattern: '^\\d{1,3}(\\.\\d{1,3})?%$' },
      ],
    },
    while: condition('Looked at before each iteration; false ends the loop well.'),
    max_items: count('More items fail the step before the first one begins. 200.', 1, 10_000),
  },
};

/** What must be written on a step of a kind, beside `kind` and `id`. */
const REQUIRED: Readonly<Partial<Record<StepKind, readonly string[]>>> = {
  action_task: ['action'],
  agent_task: ['model'],
  gate: ['mode'],
  block: ['do'],
  switch: ['cases'],
  parallel: ['branches'],
  for_each: ['in', 'do'],
};
/** Of these at least one. */
const ONE_OF: Readonly<Partial<Record<StepKind, readonly (readonly string[])[]>>> = {
  agent_task: [
    ['provider', 'agent'],
    ['prompt', 'prompt_template'],
  ],
  transform: [['set', 'assert']],
  wait: [['for', 'until']],
};

/**
 * The schema of a step of a kind.
 * @param known the fields that the compiler takes there.
 * @throws Error when one of them is not described here.
 */
export function stepSchema(kind: StepKind, dialect: Dialect, known: readonly string[]): JsonObject {
  const fields: Record<string, JsonObject> = {};
  for (const field of known) {
    const found = ofDialect(field, dialect) ?? OF_KIND[kind][field] ?? COMMON[field];
    if (found === undefined) throw new Error(`the schema of documents does not know ${kind}.${field}`);
    fields[field] = found;
  }
  // In v0 the inputs of an action must be written, even when there are none.
  const also = kind === 'action_task' && dialect === 'xyn/v0' ? ['with'] : [];
  const choices = (ONE_OF[kind] ?? []).map((names): JsonObject => ({
    anyOf: names.filter((name) => known.includes(name)).map((name) => ({ required: [name] })),
  }));
  return {
    ...closed(fields, ['kind', 'id', ...(REQUIRED[kind] ?? []), ...also]),
    ...(choices.length === 0 ? {} : { allOf: choices }),
  };
}

/** Fields whose names the dialects spell differently. */
function ofDialect(field: string, dialect: Dialect): JsonObject | undefined {
  if (field === 'id')
    return { description: "The step's name for expressions, unique in the whole document.", ...nameOf(dialect) };
  return field === 'set' && dialect === 'xyn/v0' ? namedMap(SET, ANY, dialect) : undefined;
}

/** `retry`. */
export function retrySchema(): JsonObject {
  return closed({
    attempts: count('All attempts together.', 1, 100),
    backoff: {
      description: 'The pauses between attempts.',
      ...closed({
        first: duration('The first pause. 1 s.'),
        factor: {
          description: 'Each pause is this many times the one before. 2.',
          type: 'number',
          minimum: 1,
          maximum: 100,
        },
        max: duration('The longest pause. 1 min.'),
        jitter: { description: 'The share by which pauses are spread. 0.2.', type: 'number', minimum: 0, maximum: 1 },
      }),
    },
    deadline: duration('Bounds all attempts with their pauses.'),
    only: codes('Codes that are tried again; one may end in `*`.'),
    until: condition(
      'An expression over `result` that must be true; else the attempt failed. On actions that only read.',
    ),
    never: codes('Codes that are never tried again; one may end in `*`.'),
  });
}

/** `on_error`. */
export function handlersSchema(): JsonObject {
  const handler = {
    ...closed({
      codes: codes('Codes of the error or its causes, one may end in `*`; without it every error but a cancel.'),
      when: condition('An expression over `error` that must be true.'),
      do: steps('What to do.'),
      outputs: namedMap("The step's outputs.", ANY),
      then: oneOf('`continue`: go on after it. `fail`: keep failing with the error.', ['continue', 'fail']),
    }),
    anyOf: ['do', 'outputs', 'then'].map((field) => ({ required: [field] })),
  };
  return { anyOf: [{ const: 'continue' }, listOf('The first handler that fits runs.', handler)] };
}

/** A body: a list of steps, or one with its result. */
export function bodySchema(): JsonObject {
  const outputs = namedMap('The result of the body.', ANY);
  return { anyOf: [refTo('steps'), closed({ do: steps('The steps.'), outputs }, ['do'])] };
}
