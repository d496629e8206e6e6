import { z } from 'zod';
import { createDocument, type CreateDocumentOptions, type ZodOpenApiOperationObject } from 'zod-openapi';
import { API_PREFIX, type AnswerContent, type Route } from '../route.js';
import { errorResponseSchema, shownAs } from '../schemas/common.js';
import { errorsByStatus, hasDocumentCodes } from './codes.js';
import { correlationIdHeader, requestParams, requestBody, retryAfterHeader } from './request.js';

/** An OpenAPI 3.1 document as JSON. */
export type ApiDocument = ReturnType<typeof createDocument>;

type Responses = ZodOpenApiOperationObject['responses'];

const ABOUT = `Everything that Xyn takes and answers, made from the same schemas that check it. Keys are snake_case, times RFC 3339
in UTC, ids UUIDs. Every answer has the header \`X-Correlation-Id\`, and every object a \`correlation_id\`. Errors have one
form and stable codes (\`x-error-codes\` lists those of a status). Listings go on with \`next_cursor\`. A POST that makes
something takes an \`Idempotency-Key\`: the same key with the same request is done once. Objects may get further fields
within this version.`;

const answers = new WeakMap<z.ZodObject, z.ZodObject>();

/** The answer with the correlation id that every object gets on its way out. */
function asAnswered(schema: z.ZodObject): z.ZodObject {
  if ('correlation_id' in schema.shape) return schema;
  const known = answers.get(schema);
  if (known !== undefined) return known;
  const id = schema.meta()?.id;
  const extended = schema.extend({ correlation_id: z.string() });
  const answer = id === undefined ? extended : extended.meta({ id: `${id}Answer` });
  answers.set(schema, answer);
  return answer;
}

function answerOf(status: number, content: AnswerContent): Responses[`2${string}`] {
  const location = status === 201 ? { Location: z.string().meta({ description: 'Path of what was made.' }) } : {};
  const headers = z.object({ 'X-Correlation-Id': correlationIdHeader, ...location });
  if (content instanceof z.ZodType) {
    const description = status === 202 ? 'Recorded, and still on its way.' : status === 201 ? 'Made.' : 'Done.';
    return { description, headers, content: { 'application/json': { schema: asAnswered(content) } } };
  }
  if (content.type === undefined) return { description: content.description, headers };
  const bytes = { schema: z.unknown().meta(shownAs({ type: 'string', format: 'binary' })) };
  // A schema says nothing about a stream, whose messages are told in the description.
  if (content.type === 'text/event-stream')
    return { description: content.description, headers, content: { [content.type]: {} } };
  const types = content.type === '*/*' ? ['application/octet-stream', 'image/*'] : [content.type];
  return { description: content.description, headers, content: Object.fromEntries(types.map((type) => [type, bytes])) };
}

function errorAnswers(route: Route): Responses {
  const rows = [...errorsByStatus(route)].map(([status, codes]) => {
    const own = hasDocumentCodes(route) && [400, 413, 422].includes(status) ? ', or a code of the document' : '';
    return [
      String(status),
      {
        description: `${codes.map((code) => `\`${code}\``).join(', ')}${own}`.replace(/^, or a/, 'A'),
        headers: z.object({
          'X-Correlation-Id': correlationIdHeader.optional(),
          ...(status === 503 ? { 'Retry-After': retryAfterHeader } : {}),
        }),
        content: { 'application/json': { schema: errorResponseSchema } },
        'x-error-codes': codes,
      },
    ] as const;
  });
  return Object.fromEntries(rows);
}

function operationOf(route: Route): ZodOpenApiOperationObject {
  const good = Object.entries(route.answers).map(([status, content]) => [status, answerOf(Number(status), content)]);
  const body = requestBody(route);
  return {
    operationId: route.id,
    summary: route.summary,
    tags: [(route.prefix ?? API_PREFIX) === API_PREFIX ? (route.path.split('/')[1] ?? '') : 'internal'],
    'x-privilege': route.privilege,
    ...(hasDocumentCodes(route) ? { 'x-document-codes': true } : {}),
    requestParams: requestParams(route),
    ...(body === undefined ? {} : { requestBody: body }),
    responses: { ...(Object.fromEntries(good) as Responses), ...errorAnswers(route) },
  };
}

/** What reads answers must bear fields that it does not know: only a strict document forbids them. */
const openAnswers: CreateDocumentOptions = {
  override: ({ jsonSchema, io }) => {
    if (io === 'output' && jsonSchema.additionalProperties === false) delete jsonSchema.additionalProperties;
  },
};

/**
 * The description of all routes.
 * @param strict answers with a field that no schema names do not fit; default false.
 */
export function apiDocument(routes: readonly Route[], about: { version: string }, strict = false): ApiDocument {
  const paths: Record<string, Record<string, ZodOpenApiOperationObject>> = {};
  for (const route of routes) {
    const path = `${route.prefix ?? API_PREFIX}${route.path}`.replace(/:(\w+)/g, '{$1}');
    (paths[path] ??= {})[route.method.toLowerCase()] = operationOf(route);
  }
  return createDocument(
    {
      openapi: '3.1.1',
      info: {
        title: 'Xyn',
        version: about.version,
        description: ABOUT,
        license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
      },
      servers: [{ url: '/' }],
      paths,
    },
    { allowEmptySchema: { custom: true }, ...(strict ? {} : openAnswers) },
  );
}
