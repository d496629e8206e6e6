import { z } from 'zod';
import type { ArtifactDto } from '../../domain/dtos.js';
import { jsonObject, label, listOf, pageQuery, timestamp, uuid } from './common.js';

export const artifactSchema = z
  .object({
    artifact_id: uuid,
    name: z.string(),
    kind: z.string(),
    content_type: z.string(),
    byte_length: z.int().nullable(),
    created_at: timestamp,
    created_by: z.string(),
    run_id: uuid.nullable(),
    step_id: uuid.nullable(),
    sha256: z.string().nullable(),
    metadata: jsonObject,
  })
  .meta({ id: 'Artifact' }) satisfies z.ZodType<ArtifactDto>;

export const artifactListSchema = listOf(artifactSchema, 'ArtifactList');

/** A word like `log`, `report`, `bundle`, `file`. */
const kind = z.string().regex(/^[a-z][a-z0-9_]{0,31}$/, 'must be a word like report: a-z, 0-9 and _');
const contentType = z
  .string()
  .max(200)
  .regex(
    /^[a-z0-9][a-z0-9!#$&^_.+-]{0,126}\/[a-z0-9][a-z0-9!#$&^_.+-]{0,126}(; ?charset=[a-z0-9-]{1,40})?$/i,
    'must be a type like application/json',
  );
const sha256 = z.string().regex(/^[0-9a-f]{64}$/, 'must be 64 hexadecimal digits in lower case');

const announced = {
  /** The service judges it, with a code of its own. */
  name: z.string().max(2_000),
  kind: kind.default('file'),
  run_id: uuid.nullish(),
  step_id: uuid.nullish(),
  sha256: sha256.nullish(),
};

/** Upload inside JSON, for small contents. */
export const createArtifactRequest = z
  .strictObject({
    ...announced,
    content_type: contentType.default('application/octet-stream'),
    byte_length: z.int().nonnegative().nullish(),
    metadata: jsonObject.default({}),
    content_base64: z.base64().transform((text) => Buffer.from(text, 'base64')),
  })
  .meta({ id: 'CreateArtifact' });

/** Upload of raw bytes: what they are is said by the query, their type there too or by `Content-Type`. */
export const uploadArtifactQuery = z.strictObject({
  ...announced,
  run_id: uuid.exactOptional(),
  step_id: uuid.exactOptional(),
  sha256: sha256.exactOptional(),
  content_type: contentType.exactOptional(),
});

/** As the API's description has it: clients that send defaults along would send one beside a body of JSON. */
export const describedUploadQuery = uploadArtifactQuery.extend({ kind: announced.kind.unwrap() }).partial();

/** The `Content-Type` of an upload; absent: just bytes. */
export const uploadType = contentType.default('application/octet-stream');

export const artifactListQuery = pageQuery.extend({
  run_id: uuid.exactOptional(),
  kind: label(32).exactOptional(),
});
