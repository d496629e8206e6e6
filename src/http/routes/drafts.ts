import { z } from 'zod';
import { keyPart } from '../caller.js';
import { listPage } from '../listing.js';
import { API_PREFIX, route, type Answer, type Route } from '../route.js';
import { pageQuery, timestamp, uuid } from '../schemas/common.js';
import {
  draftDetailSchema,
  draftDiffQuery,
  draftDiffSchema,
  draftListQuery,
  draftListSchema,
  draftReportSchema,
  draftRevisionDetailSchema,
  draftRevisionListSchema,
  draftTestSchema,
  promoteDraftRequest,
  promotedDraftSchema,
  reviseDraftRequest,
  savedDraftSchema,
  saveDraftRequest,
  testDraftRequest,
} from '../schemas/draft.js';
import type { Services } from '../services.js';

/** A definition of its largest size as a JSON text, every second character escaped. */
const MAX_SAVE_BYTES = 1_048_576 + 64 * 1_024;

const CHECK_ERRORS = [
  'draft_not_found',
  'invalid_schema',
  'draft_changed',
  'artifact_damaged',
  'artifact_storage_full',
] as const;

const draftPosition = z.strictObject({ updated_at: timestamp, draft_id: uuid });
const revisionPosition = z.strictObject({ revision: z.int().positive() });

function savedAnswer(saved: Awaited<ReturnType<Services['drafts']['save']>>): Answer {
  const location = `${API_PREFIX}/drafts/${saved.draft_id}`;
  return { status: saved.created ? 201 : 200, location, body: saved };
}

const saved = { 200: savedDraftSchema, 201: savedDraftSchema };

const readRoutes: readonly Route[] = [
  route({
    method: 'GET',
    path: '/drafts',
    id: 'listDrafts',
    summary: 'List drafts, last changed first',
    privilege: 'draft.read',
    query: draftListQuery,
    answers: { 200: draftListSchema },
    handle: (services, { query }) => listPage(services, 'drafts', query, draftPosition, (q) => services.drafts.list(q)),
  }),
  route({
    method: 'GET',
    path: '/drafts/:draft_id',
    id: 'getDraft',
    summary: 'Show a draft with the text of its newest revision',
    privilege: 'draft.read',
    answers: { 200: draftDetailSchema },
    errors: ['draft_not_found', 'artifact_damaged'],
    handle: async ({ drafts }, { param }) => ({ body: await drafts.get(param('draft_id')) }),
  }),
  route({
    method: 'GET',
    path: '/drafts/:draft_id/revisions',
    id: 'listDraftRevisions',
    summary: 'List the revisions of a draft, newest first',
    privilege: 'draft.read',
    query: pageQuery,
    answers: { 200: draftRevisionListSchema },
    errors: ['draft_not_found'],
    handle: async (services, { query, param }) => {
      const draftId = param('draft_id');
      const load = (q: { limit: number; cursor?: z.infer<typeof revisionPosition> }) =>
        services.drafts.revisions(draftId, q);
      return listPage(services, `revisions/${draftId}`, query, revisionPosition, load);
    },
  }),
  route({
    method: 'GET',
    path: '/drafts/:draft_id/revisions/:revision',
    id: 'getDraftRevision',
    summary: 'Show a revision of a draft with its text',
    privilege: 'draft.read',
    answers: { 200: draftRevisionDetailSchema },
    errors: ['draft_not_found', 'artifact_damaged'],
    handle: async ({ drafts }, { param }) => ({
      body: await drafts.revision(param('draft_id'), Number(param('revision'))),
    }),
  }),
  route({
    method: 'GET',
    path: '/drafts/:draft_id/diff',
    id: 'diffDraft',
    summary: 'Show what changed, line by line',
    privilege: 'draft.read',
    query: draftDiffQuery,
    answers: { 200: draftDiffSchema },
    errors: ['draft_not_found', 'artifact_damaged'],
    handle: async ({ drafts }, { query, param }) => ({ body: await drafts.diff(param('draft_id'), query) }),
  }),
];

export const draftRoutes: readonly Route[] = [
  route({
    method: 'POST',
    path: '/drafts',
    id: 'saveDraft',
    summary: 'Keep a document as the newest revision of the draft of that kind and name',
    privilege: 'draft.save',
    body: saveDraftRequest,
    maxBodyBytes: MAX_SAVE_BYTES,
    answers: saved,
    errors: ['invalid_definition', 'draft_changed', 'conflict', 'run_not_found', 'artifact_storage_full'],
    keyed: true,
    handle: async ({ drafts }, { caller, headers, body: { kind, name, ...rest } }) =>
      savedAnswer(await drafts.save(caller, { ...rest, draft: { kind, name }, ...keyPart(headers) })),
  }),
  ...readRoutes,
  route({
    method: 'POST',
    path: '/drafts/:draft_id/revisions',
    id: 'reviseDraft',
    summary: 'Keep a document as the newest revision of a draft',
    privilege: 'draft.save',
    body: reviseDraftRequest,
    maxBodyBytes: MAX_SAVE_BYTES,
    answers: saved,
    errors: [
      'draft_not_found',
      'invalid_definition',
      'draft_changed',
      'conflict',
      'run_not_found',
      'artifact_storage_full',
    ],
    keyed: true,
    handle: async ({ drafts }, { caller, headers, body, param }) =>
      savedAnswer(await drafts.save(caller, { ...body, draft: { id: param('draft_id') }, ...keyPart(headers) })),
  }),
  route({
    method: 'POST',
    path: '/drafts/:draft_id/validate',
    id: 'validateDraft',
    summary: 'Check the newest revision of a draft and keep the report',
    privilege: 'draft.validate',
    answers: { 200: draftReportSchema },
    errors: CHECK_ERRORS,
    handle: async ({ drafts }, { caller, param }) => ({ body: await drafts.validate(caller, param('draft_id')) }),
  }),
  route({
    method: 'POST',
    path: '/drafts/:draft_id/test',
    id: 'testDraft',
    summary: 'Run scenarios of the newest revision of a draft in virtual time and keep how they went',
    privilege: 'draft.validate',
    body: testDraftRequest,
    maxBodyBytes: MAX_SAVE_BYTES,
    answers: { 200: draftTestSchema },
    errors: [...CHECK_ERRORS, 'invalid_definition'],
    handle: async ({ drafts }, { caller, param, body }) => ({
      body: await drafts.test(caller, param('draft_id'), body.scenarios),
    }),
  }),
  route({
    method: 'POST',
    path: '/drafts/:draft_id/promote',
    id: 'promoteDraft',
    summary: 'Make the newest, validated revision of a draft the active version of its blueprint',
    privilege: 'draft.promote',
    body: promoteDraftRequest,
    answers: { 200: promotedDraftSchema },
    errors: ['draft_not_found', 'validation_failed', 'tests_missing', 'draft_changed', 'conflict', 'artifact_damaged'],
    handle: async ({ drafts }, { caller, param, body }) => ({
      body: await drafts.promote(caller, param('draft_id'), body),
    }),
  }),
];
