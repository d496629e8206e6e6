import { z } from 'zod';
import { defineAction, type ActionContext, type ActionExample } from '../../../src/domain/action.js';
import { DRAFT_KINDS, DRAFT_STATUSES, type DraftActions } from '../../../src/domain/drafts.js';
import { isJsonObject, type JsonObject } from '../../../src/domain/json.js';
import { failure, withFaults } from './faults.js';

/** A text that Postgres and screens can show. */
const line = (max: number) =>
  z
    .string()
    .max(max)
    .regex(/^[^\p{Cc}\p{Surrogate}]*$/u, 'must not hold control characters');
export const draftId = z.strictObject({ draft_id: z.string().max(200).meta({ description: 'Which draft.' }) });
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

const saveInput = z.strictObject({
  draft_type: z.enum(DRAFT_KINDS).meta({ description: 'What it will become.' }),
  name: line(200).min(1).meta({ description: 'Names the draft among those of its type.' }),
  trigger_event_type: line(200).meta({ description: 'The event that it is meant for.' }),
  definition: z.json().meta({ description: 'The document: a text, or a map that is kept as JSON. At most 512 KiB.' }),
  notes: z
    .string()
    .max(2_000)
    .regex(/^[^\u0000\p{Surrogate}]*$/u, 'must not hold NUL')
    .meta({ description: 'What is new in this revision.' })
    .optional(),
  source_run_id: z.guid().meta({ description: 'The run that made it.' }).optional(),
});
const saveOutput = z.strictObject({ draft_id: z.string(), revision: z.int(), status: z.enum(DRAFT_STATUSES) });
const KEYED = { effect: 'write', idempotency: 'keyed' } as const;
/** Of every action that names a draft. */
export const DRAFT_NOT_FOUND = { retryable: false, help: 'No draft has that id.' };
/** The draft that examples are about. */
export const EXAMPLE_ID = '4b1c9f52-6b0c-4d7e-8f7e-2d6f3a1c5e90';
const DEFINITION = 'api: xyn/v1\nid: bp.example\nplan:\n  - {kind: gate, id: ask, mode: manual}\n';

/** The example of a draft that is not there. */
export const NO_SUCH_DRAFT = (more: JsonObject): ActionExample => ({
  name: 'knows no such draft',
  input: { draft_id: '00000000-0000-4000-8000-000000000000', ...more },
  error: 'draft_not_found',
});

/** `drafts.save` (language §3.3): keeps a document as a revision of a draft. */
export const draftsSave = defineAction<z.output<typeof saveInput>, z.output<typeof saveOutput>>({
  name: 'drafts.save',
  summary:
    'Keeps a document as the newest revision of a draft, which is made when there is none of that type and name.',
  input: saveInput,
  output: saveOutput,
  traits: KEYED,
  errors: {
    invalid_definition: {
      retryable: false,
      help: 'The definition is no text or map, is empty, or larger than 512 KiB.',
    },
    storage_error: { retryable: true, help: 'The definition could not be kept; nothing was changed.' },
  },
  examples: [
    {
      name: 'keeps a blueprint that is not valid yet',
      input: { draft_type: 'blueprint', name: 'bp.example', trigger_event_type: 'app.failed', definition: DEFINITION },
      output: { revision: 1, status: 'draft' },
    },
    {
      name: 'refuses a definition that is a number',
      input: { draft_type: 'blueprint', name: 'bp.example', trigger_event_type: 'app.failed', definition: 42 },
      error: 'invalid_definition',
    },
  ],
  execute: async ({ draft_type: kind, notes, source_run_id: run, definition, ...named }, context) => {
    if (typeof definition !== 'string' && !isJsonObject(definition)) {
      throw failure('invalid_definition', 'A definition is a text, or a map.');
    }
    const draft = {
      ...named,
      kind,
      definition,
      ...(notes === undefined ? {} : { notes }),
      ...(run === undefined ? {} : { source_run_id: run }),
    };
    return withDrafts(context, 'storage_error', ['invalid_definition'], (drafts) => drafts.save(context, draft));
  },
});

const validateOutput = z.strictObject({ is_valid: z.boolean(), issues: z.array(z.json()) });

/** `blueprints.validate`: what the compiler says about the newest revision of a draft. */
export const blueprintsValidate = defineAction<z.output<typeof draftId>, z.output<typeof validateOutput>>({
  name: 'blueprints.validate',
  summary: 'Checks the newest revision of a draft and keeps the report.',
  input: draftId,
  output: validateOutput,
  traits: KEYED,
  errors: {
    draft_not_found: DRAFT_NOT_FOUND,
    invalid_schema: { retryable: false, help: 'The draft is none of a blueprint.' },
  },
  examples: [
    { name: 'finds nothing wrong', input: { draft_id: EXAMPLE_ID }, output: { is_valid: true, issues: [] } },
    NO_SUCH_DRAFT({}),
  ],
  execute: ({ draft_id: id }, context) =>
    withDrafts(context, 'audit_unavailable', ['draft_not_found', 'invalid_schema'], async (drafts) => {
      requireId(id);
      const { is_valid, issues } = await drafts.validate(context, id);
      return { is_valid, issues: issues as unknown as JsonObject[] };
    }),
});

const promoteOutput = z.strictObject({ blueprint_id: z.string(), version: z.string(), status: z.literal('active') });

/** `blueprints.promote`: makes the newest, validated revision of a draft the active version of its blueprint. */
export const blueprintsPromote = defineAction<z.output<typeof draftId>, z.output<typeof promoteOutput>>({
  name: 'blueprints.promote',
  summary: 'Makes the newest revision of a draft, which was validated, the active version of its blueprint.',
  input: draftId,
  output: promoteOutput,
  traits: KEYED,
  errors: {
    draft_not_found: DRAFT_NOT_FOUND,
    validation_failed: {
      retryable: false,
      help: 'The newest revision was not validated, has errors, or lacks the scenarios that its policy wants.',
    },
    conflict: {
      retryable: false,
      help: 'Another version became active since the work began, or the draft was saved meanwhile.',
    },
  },
  examples: [
    {
      name: 'activates a valid draft',
      input: { draft_id: EXAMPLE_ID },
      output: { blueprint_id: 'bp.example', version: '1', status: 'active' },
    },
    NO_SUCH_DRAFT({}),
  ],
  execute: ({ draft_id: id }, context) =>
    withDrafts(context, 'audit_unavailable', ['draft_not_found', 'validation_failed', 'conflict'], async (drafts) => {
      requireId(id);
      const { blueprint_id, version, status } = await drafts.promote(context, id);
      return { blueprint_id, version: String(version), status };
    }),
});

/** What a fault is called where the contract has no name of its own for it. */
const NAMES = { tests_missing: 'validation_failed', draft_changed: 'conflict' };

/** Drafts of this worker; their faults become failures of the action's contract. */
export async function withDrafts<T>(
  context: ActionContext,
  later: string,
  declared: readonly string[],
  work: (drafts: DraftActions) => Promise<T>,
): Promise<T> {
  const { drafts } = context;
  if (drafts === undefined) throw new Error('This worker was given no drafts.');
  return withFaults({ declared, later, names: NAMES }, () => work(drafts));
}

/** @throws ActionFailure `draft_not_found` for what is no id. */
export function requireId(id: string): void {
  if (!UUID.test(id)) throw failure('draft_not_found', 'No draft has that id.');
}
