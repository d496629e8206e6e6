import { Readable } from 'node:stream';
import { z } from 'zod';
import { XynFault } from '../domain/fault.js';
import type { ArtifactDto } from '../domain/dtos.js';
import { keyPart, scopeWithin } from './caller.js';
import { listPage } from './listing.js';
import { API_PREFIX, checkDuplicates, route, type Answer, type RawCall, type Route } from './route.js';
import {
  artifactListQuery,
  artifactListSchema,
  artifactSchema,
  createArtifactRequest,
  describedUploadQuery,
  uploadArtifactQuery,
  uploadType,
} from './schemas/artifacts.js';
import { timestamp, uuid } from './schemas/common.js';
import type { Services } from './services.js';
import { parsePart } from './validation.js';

const position = z.strictObject({ created_at: timestamp, artifact_id: uuid });

/** A name of the query says that the body is the content itself; else it is JSON with the content inside. */
async function create(services: Services, call: RawCall): Promise<Answer> {
  checkDuplicates(call.query);
  const artifact = await (call.query['name'] === undefined ? createFromJson(services, call) : upload(services, call));
  return { status: 201, location: `${API_PREFIX}/artifacts/${artifact.artifact_id}`, body: artifact };
}

async function createFromJson(
  { artifacts }: Services,
  { caller, headers, query, body }: RawCall,
): Promise<ArtifactDto> {
  if (Object.keys(query).length > 0) {
    throw new XynFault('request_invalid', 'Parameters of the query go with raw bytes and their `name`.');
  }
  const { content_base64: content, ...about } = parsePart('body', createArtifactRequest, body ?? {});
  const { byte_length = null, sha256 = null } = about;
  const request = { ...about, byte_length, sha256, ...scopeWithin(headers, about), ...keyPart(headers) };
  return artifacts.create(caller, request, Readable.from([content]));
}

async function upload({ artifacts }: Services, { caller, headers, query, bytes }: RawCall): Promise<ArtifactDto> {
  const about = parsePart('query', uploadArtifactQuery, { ...query });
  const { sha256 = null } = about;
  const type = uploadType.safeParse(headers['content-type']);
  if (!type.success) throw new XynFault('unsupported_media_type', 'The `Content-Type` is none.');
  if (/^application\/json\b/i.test(type.data)) {
    throw new XynFault(
      'unsupported_media_type',
      'A body of JSON holds the content inside. Send a JSON file as application/octet-stream with `content_type` in the query.',
    );
  }
  if (headers['content-encoding'] !== undefined) {
    throw new XynFault('unsupported_media_type', 'Send the body without Content-Encoding.');
  }
  const length = headers['content-length'];
  const byte_length = length === undefined ? null : Number(length);
  const scope = scopeWithin(headers, about);
  const request = {
    ...about,
    ...scope,
    content_type: about.content_type ?? type.data,
    byte_length,
    sha256,
    metadata: {},
  };
  return artifacts.create(caller, { ...request, ...keyPart(headers) }, bytes);
}

/** Types that a browser can show without running anything; all others are sent as bytes, to be kept. */
const SHOWABLE = /^image\/(png|jpeg|gif|webp|avif)$/;

/**
 * The bytes of an artifact as an answer.
 * @throws XynFault `artifact_not_found`
 */
export async function downloadOf(artifacts: Services['artifacts'], artifactId: string): Promise<Answer> {
  const { artifact, content, open } = await artifacts.download(artifactId);
  const { name } = artifact;
  const contentType = SHOWABLE.test(artifact.content_type) ? artifact.content_type : 'application/octet-stream';
  return { body: artifact, file: { name, contentType, byteLength: content.bytes, sha256: content.sha256, open } };
}

/** What a route that sends an artifact's bytes promises. */
export const downloadAnswers = {
  200: { type: '*/*', description: 'The bytes; images under their own type.' },
  206: { type: '*/*', description: 'The one range of them that `Range` asks for.' },
  304: { description: 'The caller has them: `If-None-Match` names their digest.' },
} satisfies Route['answers'];

export const artifactRoutes: readonly Route[] = [
  {
    method: 'POST',
    path: '/artifacts',
    id: 'createArtifact',
    summary: 'Keep bytes: raw with a `name` in the query, or inside JSON',
    privilege: 'artifact.create',
    query: describedUploadQuery,
    body: createArtifactRequest,
    takesDocument: false,
    takesBytes: true,
    answers: { 201: artifactSchema },
    errors: [
      'filename_invalid',
      'run_not_found',
      'step_not_found',
      'limit_artifact',
      'artifact_storage_full',
      'digest_mismatch',
    ],
    keyed: true,
    handle: create,
  },
  route({
    method: 'GET',
    path: '/artifacts',
    id: 'listArtifacts',
    summary: 'List artifacts, newest first',
    privilege: 'artifact.read',
    query: artifactListQuery,
    answers: { 200: artifactListSchema },
    handle: (services, { query }) =>
      listPage(services, 'artifacts', query, position, (q) => services.artifacts.list(q)),
  }),
  route({
    method: 'GET',
    path: '/artifacts/:artifact_id',
    id: 'getArtifact',
    summary: 'Show what is known about an artifact',
    privilege: 'artifact.read',
    answers: { 200: artifactSchema },
    errors: ['artifact_not_found'],
    handle: async ({ artifacts }, { param }) => ({ body: await artifacts.get(param('artifact_id')) }),
  }),
  route({
    method: 'GET',
    path: '/artifacts/:artifact_id/download',
    id: 'downloadArtifact',
    summary: 'Get the bytes of an artifact',
    privilege: 'artifact.read',
    answers: downloadAnswers,
    errors: ['artifact_not_found', 'artifact_damaged', 'range_not_satisfiable'],
    handle: ({ artifacts }, { param }) => downloadOf(artifacts, param('artifact_id')),
  }),
];
