import type { ActionCatalog } from '../../domain/action-catalog.js';
import type { JsonObject } from '../../domain/json.js';
import type { StepKind } from '../../domain/plan.js';
import { OVERLAPS } from '../../domain/schedule.js';
import type { CompileContext } from '../compile.js';
import { topFields } from '../document/envelope.js';
import { MODIFIED_LISTS } from '../document/names.js';
import { STEP_KINDS, stepFields, type Dialect } from '../document/step-fields.js';
import { actionInputs, actionNames, actionRules } from './action-schemas.js';
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
  whereFieldIs,
  type FieldSchemas,
} from './schema-parts.js';
import { bodySchema, handlersSchema, retrySchema, stepSchema } from './step-schemas.js';
import { typeSchema } from './type-schemas.js';

const DURATION = '^((\\d+d)?(\\d+h)?(\\d+m)?(\\d+s)?|P(\\d+D)?(T(?=\\d)(\\d+H)?(\\d+M)?(\\d+S)?)?)$';
const EVENT = '^[a-z][a-z0-9_]*(\\.[a-z0-9][a-z0-9_]*)+$';
const EVENT_PATTERN = '^[a-z][a-z0-9_]*(\\.[a-z0-9][a-z0-9_]*)*(\\.[a-z0-9][a-z0-9_]*|\\.\\*\\*?)$';

const HEAD: FieldSchemas = {
  id: {
    description: 'Names the blueprint for ever: lower-case words joined by `.`, `_` or `-`.',
    type: 'string',
    maxLength: 128,
    pattern: '^[a-z][a-z0-9]*([._-][a-z0-9]+)*$',
  },
  name: text('A text for people.', 120),
  description: text('A text for people.', 4_000),
};

const V0: FieldSchemas = {
  ...HEAD,
  trigger: {
    description: 'What starts a run.',
    ...closed(
      {
        event_type: { description: "The event's name.", type: 'string', maxLength: 200, pattern: EVENT },
        filter: condition('An expression over `event` and `env` that must be true.'),
      },
      ['event_type'],
    ),
  },
  inputs: listOf('Parameters; input `n` takes `event.data.n`.', namedEntry('The name of the input.')),
  plan: { description: 'The steps, from top to bottom.', ...refTo('steps_v0'), minItems: 1 },
  outputs: listOf('Outputs, each of the last step that has one of that name.', namedEntry('The name of the output.')),
};

const V1: FieldSchemas = {
  ...HEAD,
  api: { description: 'The version of the language.', const: 'xyn/v1' },
  labels: {
    description: 'Texts by name, for people and programs.',
    type: 'object',
    maxProperties: 20,
    additionalProperties: { type: 'string' },
  },
  trigger: { description: 'A list of one trigger.', ...refTo('trigger') },
  triggers: listOf('What starts a run; the first entry that matches decides.', refTo('trigger')),
  inputs: namedMap('Typed parameters by name.', refTo('type')),
  policy: {
    description: 'Facts for policies.',
    ...closed({
      risk: oneOf('`low`.', ['low', 'medium', 'high']),
      tests_required: flag('Whether it is promoted only with passing scenarios. `false`.'),
    }),
  },
  limits: {
    description: 'Bounds of a run.',
    ...closed({
      run_time: duration('How long a run may be active. 1 h; at most 1 d.'),
      max_age: duration('How long a run may be open. 30 d; at most a year.'),
      steps: count('Steps outside of loops. 200.', 1, 1_000),
      loop_steps: count('Steps inside of loops.', 1, 200_000),
      cleanup: duration('How long a `finally` may take. 10 min; at most 1 h.'),
      cancel_grace: duration('How long a cancelled task may go on. 60 s; at most 10 min.'),
    }),
  },
  plan: { description: 'The steps, from top to bottom.', ...refTo('steps'), minItems: 1 },
  on_error: { description: 'What to do when the plan fails.', ...refTo('handlers') },
  finally: { description: 'Steps that run last, whatever happened.', ...refTo('steps') },
  outputs: namedMap('Values when the plan has completed; long form `{value, type, description}`.', {}),
  rollback: oneOf('Nothing is undone by itself.', ['manual']),
};

function namedEntry(description: string): JsonObject {
  return closed({ name: { description, ...nameOf('xyn/v0') } }, ['name']);
}

function triggerSchema(): JsonObject {
  const fields = {
    event: {
      description: "The event's name, or one that ends in `.*` (one further segment) or `.**` (one or more).",
      type: 'string',
      maxLength: 200,
      pattern: EVENT_PATTERN,
    },
    schedule: { description: 'Starts runs by the clock.', ...scheduleSchema() },
    dedupe: { description: 'Which events are the same, and start one run.', ...dedupeSchema() },
    filter: condition('An expression over `event` and `env` that must be true.'),
    inputs: namedMap('Values over `event` and `env`; without it input `n` takes `event.data.n`.', {}),
    enabled: flag('`false` switches the entry off.'),
    manual: { description: '`{}`: may be started by hand, as every blueprint may.', not: { const: false } },
  };
  return {
    ...closed(fields),
    anyOf: ['event', 'schedule', 'manual'].map((name) => ({ required: [name] })),
    dependentRequired: { dedupe: ['event'] },
  };
}

function dedupeSchema(): JsonObject {
  const fields = {
    key: { description: 'Events with an equal key are the same; a value over `event` and `env`.' },
    while: oneOf('An event starts nothing while a run with its key is open.', ['open']),
    window: duration('An event starts nothing for so long after a run with its key began. 1 s to 30 d.'),
  };
  return { ...closed(fields, ['key']), anyOf: [{ required: ['while'] }, { required: ['window'] }] };
}

function scheduleSchema(): JsonObject {
  const fields = {
    cron: text('`minute hour day-of-month month weekday`, with `*`, `a-b`, lists, steps and names.'),
    every: duration('Instead of `cron`: 1 s to 30 d, counted from the beginning of 1970 in UTC.'),
    timezone: text('With `cron`: a name such as `Europe/Berlin`. `UTC`.'),
    jitter: duration('Each time is put off by a random part of this; at most 1 d.'),
    catchup: duration('A time that was missed by no more than this is made up for. 10 min.'),
    overlap: oneOf('What happens when a run of the schedule is open. `skip`.', OVERLAPS),
  };
  return { ...closed(fields), oneOf: [{ required: ['cron'] }, { required: ['every'] }] };
}

function topSchema(dialect: Dialect, fields: FieldSchemas): JsonObject {
  const known = topFields(dialect).known.map((name): [string, JsonObject] => {
    const found = fields[name];
    if (found === undefined) throw new Error(`the schema of documents does not know ${name}`);
    return [name, found];
  });
  const required = dialect === 'xyn/v0' ? ['id', 'trigger', 'plan'] : ['id', 'plan'];
  return closed(Object.fromEntries(known), required);
}

function kindsOf(dialect: Dialect): StepKind[] {
  return STEP_KINDS.filter((kind) => dialect === 'xyn/v1' || !MODIFIED_LISTS.has(kind));
}

/** Steps of a dialect: which fields there are is told by `kind`. */
function anyStep(dialect: Dialect): JsonObject {
  const suffix = dialect === 'xyn/v0' ? '_v0' : '';
  const kinds = kindsOf(dialect);
  return {
    type: 'object',
    required: ['kind', 'id'],
    properties: {
      kind: {
        description: 'What the step is.',
        anyOf: kinds.map((kind) => ({ const: kind, description: KIND_TEXTS[kind] })),
      },
    },
    allOf: kinds.map((kind) => whereFieldIs('kind', kind, refTo(kind + suffix))),
  };
}

const KIND_TEXTS: Readonly<Record<StepKind, string>> = {
  action_task: 'Calls an action.',
  agent_task: 'Asks a model.',
  gate: 'Waits for people.',
  wait: 'Waits for a moment.',
  transform: 'Computes.',
  block: 'Steps that belong together.',
  switch: 'One of several lists of steps.',
  parallel: 'Lists of steps at once.',
  for_each: 'A list of steps for each item.',
};

function stepsOf(dialect: Dialect, actions: ActionCatalog): [string, JsonObject][] {
  const suffix = dialect === 'xyn/v0' ? '_v0' : '';
  return kindsOf(dialect).map((kind) => {
    const schema = stepSchema(kind, dialect, stepFields(kind, dialect).known);
    const withInputs = kind === 'action_task' ? { ...schema, allOf: actionRules(actions) } : schema;
    return [kind + suffix, withInputs];
  });
}

/**
 * JSON Schema (draft 2020-12) of blueprint documents, for editors: what it refuses the compiler refuses too, but not the
 * other way round (names, expressions and types are the compiler's). It names the actions and providers of the context.
 */
export function documentSchema({ actions, providers }: CompileContext): JsonObject {
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'A blueprint of Xyn',
    description:
      'A list of steps with what starts it. With `api: xyn/v1` all of the language; without it the first dialect.',
    type: 'object',
    properties: { api: { description: 'The version of the language.', const: 'xyn/v1' } },
    if: { required: ['api'] },
    then: refTo('document'),
    else: refTo('document_v0'),
    $defs: {
      document: { ...topSchema('xyn/v1', V1), not: { required: ['trigger', 'triggers'] } },
      document_v0: topSchema('xyn/v0', V0),
      trigger: triggerSchema(),
      type: typeSchema(),
      steps: { type: 'array', items: refTo('step'), minItems: 1 },
      steps_v0: { type: 'array', items: refTo('step_v0'), minItems: 1 },
      step: anyStep('xyn/v1'),
      step_v0: anyStep('xyn/v0'),
      ...Object.fromEntries([...stepsOf('xyn/v1', actions), ...stepsOf('xyn/v0', actions)]),
      action: actionNames(actions),
      ...Object.fromEntries(actionInputs(actions)),
      provider: { description: 'Who runs the model.', enum: providers.map(({ name }) => name) },
      retry: retrySchema(),
      handlers: handlersSchema(),
      body: bodySchema(),
      name: nameOf('xyn/v1'),
      duration: {
        type: 'string',
        pattern: DURATION,
        not: { const: '' },
        description: 'Such as `90s`, `1h30m`, `PT5M`.',
      },
      template: { type: 'string', pattern: '\\{\\{', description: 'A text with an expression in `{{ }}`.' },
      secret: {
        description: 'A secret by its path; its value stands nowhere.',
        ...closed({ secret: { description: 'The path, such as `ssh/ops`.', type: 'string' } }, ['secret']),
      },
    },
  };
}
