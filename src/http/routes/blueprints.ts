import { z } from 'zod';
import { invalidDocument } from '../../domain/document-fault.js';
import { keyPart } from '../caller.js';
import { listPage, slicePage } from '../listing.js';
import { API_PREFIX, route, type Route } from '../route.js';
import {
  activatedBlueprintSchema,
  activateRequest,
  appliedBlueprintSchema,
  blueprintDetailSchema,
  blueprintListSchema,
  blueprintVersionListSchema,
  blueprintVersionSchema,
  documentRequest,
  documentSchemaAnswer,
  previewRequest,
  previewSchema,
  validationSchema,
} from '../schemas/blueprint.js';
import { pageQuery } from '../schemas/common.js';

const position = z.strictObject({ blueprint_id: z.string() });
const versionPosition = z.strictObject({ version: z.int().positive() });

/** A document of its largest size as a JSON text, and inputs beside it. */
const MAX_PREVIEW_BYTES = 3 * 1_048_576;

interface Page {
  limit: number;
  cursor?: z.infer<typeof versionPosition>;
}

const documentRoutes: readonly Route[] = [
  route({
    method: 'POST',
    path: '/blueprints/validate',
    id: 'validateBlueprint',
    summary: 'Check a document and change nothing',
    privilege: 'blueprint.validate',
    body: documentRequest,
    takesDocument: true,
    answers: { 200: validationSchema },
    handle: async ({ blueprints }, { body }) => {
      const report = await blueprints.validate(body.source);
      if (!report.is_valid) throw invalidDocument(report.problems);
      return { body: report };
    },
  }),
  route({
    method: 'POST',
    path: '/blueprints/plan',
    id: 'previewPlan',
    summary: 'Tell what a run would do, and do nothing',
    privilege: 'blueprint.validate',
    body: previewRequest,
    maxBodyBytes: MAX_PREVIEW_BYTES,
    answers: { 200: previewSchema },
    documentCodes: true,
    errors: ['blueprint_unknown', 'input_missing', 'input_unknown', 'input_invalid', 'event_name_format'],
    handle: async ({ blueprints }, { body: { source, blueprint_ref: ref = '', inputs, event } }) => {
      const what = source === undefined ? { blueprint_ref: ref } : { source: new TextEncoder().encode(source) };
      return { body: await blueprints.preview({ ...what, inputs, event }) };
    },
  }),
  route({
    method: 'POST',
    path: '/blueprints',
    id: 'applyBlueprint',
    summary: 'Make a document the active version of its blueprint',
    privilege: 'blueprint.apply',
    body: documentRequest,
    takesDocument: true,
    answers: { 200: appliedBlueprintSchema, 201: appliedBlueprintSchema },
    keyed: true,
    handle: async ({ blueprints }, { caller, headers, body }) => {
      const applied = await blueprints.apply(caller, body.source, keyPart(headers).idempotencyKey);
      const location = `${API_PREFIX}/blueprints/${applied.blueprint_id}`;
      return { status: applied.created ? 201 : 200, location, body: applied };
    },
  }),
  route({
    method: 'POST',
    path: '/blueprints/:blueprint_id/activate',
    id: 'activateBlueprint',
    summary: 'Make a version that is there the active one, such as the one before',
    privilege: 'blueprint.activate',
    body: activateRequest,
    answers: { 200: activatedBlueprintSchema },
    errors: ['blueprint_unknown'],
    handle: async ({ blueprints }, { caller, param, body }) => ({
      body: await blueprints.activate(caller, param('blueprint_id'), body),
    }),
  }),
];

export const blueprintRoutes: readonly Route[] = [
  ...documentRoutes,
  route({
    method: 'GET',
    path: '/blueprints',
    id: 'listBlueprints',
    summary: 'List blueprints by their ids',
    privilege: 'blueprint.read',
    query: pageQuery,
    answers: { 200: blueprintListSchema },
    handle: async (services, { query }) =>
      slicePage(services, 'blueprints', query, position, {
        items: await services.blueprints.list(),
        of: {},
        keyOf: ({ blueprint_id }) => ({ blueprint_id }),
        isAt: (one, { blueprint_id }) => one.blueprint_id === blueprint_id,
      }),
  }),
  route({
    method: 'GET',
    path: '/blueprints/schema',
    id: 'getDocumentSchema',
    summary: 'Give the JSON Schema of documents, for editors',
    privilege: 'blueprint.read',
    answers: { 200: documentSchemaAnswer },
    handle: ({ blueprints }) => Promise.resolve({ body: blueprints.documentSchema() }),
  }),
  route({
    method: 'GET',
    path: '/blueprints/:blueprint_id',
    id: 'getBlueprint',
    summary: 'Show a blueprint, its source and its versions',
    privilege: 'blueprint.read',
    answers: { 200: blueprintDetailSchema },
    errors: ['blueprint_unknown'],
    handle: async ({ blueprints }, { param }) => ({ body: await blueprints.get(param('blueprint_id')) }),
  }),
  route({
    method: 'GET',
    path: '/blueprints/:blueprint_id/versions',
    id: 'listBlueprintVersions',
    summary: 'List the versions of a blueprint, newest first',
    privilege: 'blueprint.read',
    query: pageQuery,
    answers: { 200: blueprintVersionListSchema },
    errors: ['blueprint_unknown'],
    handle: (services, { query, param }) => {
      const blueprintId = param('blueprint_id');
      const load = (q: Page) => services.blueprints.versions(blueprintId, q);
      return listPage(services, `versions/${blueprintId}`, query, versionPosition, load);
    },
  }),
  route({
    method: 'GET',
    path: '/blueprints/:blueprint_id/versions/:version',
    id: 'getBlueprintVersion',
    summary: 'Show a version with its source and its plan',
    privilege: 'blueprint.read',
    answers: { 200: blueprintVersionSchema },
    errors: ['blueprint_unknown'],
    handle: async ({ blueprints }, { param }) => ({
      body: await blueprints.version(param('blueprint_id'), Number(param('version'))),
    }),
  }),
];
