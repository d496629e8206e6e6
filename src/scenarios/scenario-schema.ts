import { z } from 'zod';
import { durationMs } from '../domain/duration.js';
import { isJsonObject, type Json, type JsonObject } from '../domain/json.js';

/** Scenarios of one file. */
export const MAX_SCENARIOS = 2_000;
const MAX_ENTRIES = 500;

const duration = z
  .string()
  .refine((text) => durationMs(text) !== undefined, { message: 'This is no duration such as 90s or 1d12h.' })
  .transform((text) => durationMs(text) ?? 0);
const json = z.custom<Json>((value) => value !== undefined, { message: 'A value is missing.' });
const object = z.custom<JsonObject>((value) => isJsonObject(value as Json), { message: 'This must be a map.' });
const text = z.string().min(1).max(1_000);

function oneOrMany<T extends z.ZodType>(schema: T): z.ZodType<z.output<T>[]> {
  return z.union([z.array(schema).min(1).max(MAX_ENTRIES), schema.transform((one) => [one])]);
}

/** Entries in order; `always`: written as a single one, which serves every time. */
export interface Script<T> {
  entries: T[];
  always: boolean;
}

function script<T extends z.ZodType>(schema: T): z.ZodType<Script<z.output<T>>> {
  return z.union([
    z
      .array(schema)
      .min(1)
      .max(MAX_ENTRIES)
      .transform((entries) => ({ entries, always: false })),
    schema.transform((one) => ({ entries: [one], always: true })),
  ]);
}

const failure = z
  .strictObject({
    code: text.optional(),
    message: z.string().max(4_000).optional(),
    detail: text.optional(),
    retryable: z.boolean().optional(),
    status: z.int().optional(),
    excerpt: z.string().max(1_024).optional(),
    retry_after: duration.optional(),
    outcome: z.literal('unknown').optional(),
  })
  .refine(({ code, outcome }) => (code === undefined) !== (outcome === undefined), {
    message: '`fails` takes a `code`, or `outcome: unknown`.',
  });

const mock = z
  .strictObject({
    returns: json.optional(),
    fails: failure.optional(),
    takes: duration.default(0),
    on_cancel: z.enum(['stop', 'finish', 'ignore']).default('stop'),
  })
  .refine(({ returns, fails }) => (returns === undefined) !== (fails === undefined), {
    message: 'An entry has `returns` or `fails`.',
  });

const decision = z.strictObject({
  decide: z.enum(['approve', 'reject', 'done', 'retry', 'fail']),
  by: oneOrMany(text).default(['somebody']),
  after: duration.default(0),
  reason: z.string().max(4_000).optional(),
  outputs: object.optional(),
  form: z.unknown().optional(),
});

const expectation = z.strictObject({
  status: z.enum(['completed', 'failed', 'cancelled']).optional(),
  error: object.optional(),
  path: z.array(text).max(10_000).optional(),
  path_contains: z.array(text).max(10_000).optional(),
  skipped: z
    .record(text, z.enum(['when', 'not_selected', 'not_reached', 'cancelled', 'requirement', 'lock']))
    .optional(),
  calls: z.record(text, z.strictObject({ times: z.int().min(0).optional(), with: object.optional() })).optional(),
  outputs: object.optional(),
  elapsed: z.strictObject({ min: duration.optional(), max: duration.optional() }).optional(),
  undo: z.unknown().optional(),
});

const scenario = z.strictObject({
  name: z.string().min(1).max(200),
  start: z
    .strictObject({
      inputs: object.optional(),
      event: z.strictObject({ name: text, data: object.default({}) }).optional(),
    })
    .refine(({ inputs, event }) => inputs === undefined || event === undefined, {
      message: '`start` takes `inputs` (by hand) or an `event`.',
    })
    .default({}),
  mocks: z.record(text, script(mock)).default({}),
  gates: z.record(text, script(decision)).default({}),
  cancel: z.strictObject({ at: duration, by: text.default('somebody'), reason: z.string().default('') }).optional(),
  force: z.literal('continue_as_new').optional(),
  expect: expectation,
  results: z.unknown().optional(),
  locks: z.unknown().optional(),
  policy: z.unknown().optional(),
  events: z.unknown().optional(),
});

/** What the language has and the engine does not yet: never ignored, since a test that looks away proves nothing. */
const LATER = {
  scenario: ['results', 'locks', 'policy', 'events'],
  expect: ['undo'],
} as const;

function refuseLater(one: z.output<typeof scenario>, report: (path: (string | number)[]) => void): void {
  for (const field of LATER.scenario) if (one[field] !== undefined) report([field]);
  for (const field of LATER.expect) if (one.expect[field] !== undefined) report(['expect', field]);
  for (const [key, { entries }] of Object.entries(one.gates)) {
    if (key.endsWith('~policy')) report(['gates', key]);
    else if (entries.some(({ form }) => form !== undefined)) report(['gates', key]);
  }
  for (const [place, keys] of [
    [['mocks'], Object.keys(one.mocks)],
    [['expect', 'calls'], Object.keys(one.expect.calls ?? {})],
  ] as const) {
    for (const key of keys) if (key.includes('~undo')) report([...place, key]);
  }
}

export const scenarioFileSchema = z.strictObject({
  blueprint: text,
  actions: text.optional(),
  env: z
    .strictObject({
      id: text.optional(),
      name: text,
      stage: z.enum(['dev', 'test', 'stage', 'prod']).default('dev'),
      vars: z.record(text, z.string()).default({}),
    })
    .default({ name: 'test', stage: 'test', vars: {} }),
  scenarios: z
    .array(
      scenario.superRefine((one, context) =>
        refuseLater(one, (path) => {
          const field = path.at(-1) as string;
          const params = { code: 'not_available_yet' };
          const message = `\`${field}\` is not available yet; leave it out.`;
          context.addIssue({ code: 'custom', path, message, params });
        }),
      ),
    )
    .min(1)
    .max(MAX_SCENARIOS),
});

export type ScenarioFile = z.output<typeof scenarioFileSchema>;
export type Scenario = ScenarioFile['scenarios'][number];
export type Mock = z.output<typeof mock>;
export type DecisionEntry = z.output<typeof decision>;
