import { z } from 'zod';
import type { ZodOpenApiOperationObject } from 'zod-openapi';
import type { FreeParam, Route } from '../route.js';
import { shownAs } from '../schemas/common.js';

/** The header that every answer carries. */
export const correlationIdHeader = z.string().meta({ description: 'What ties together all that a request causes.' });
export const retryAfterHeader = z
  .string()
  .meta({ description: 'Seconds until the same call may succeed.', ...shownAs({ type: 'integer', minimum: 0 }) });

/** Of every request; which of them count, and how they are checked, is in `caller.ts`. */
const callerHeaders = {
  'X-Correlation-Id': z
    .string()
    .optional()
    .meta({ description: 'At most 128 of A-Z, a-z, 0-9 and ._:-; any other text is replaced by a new id.' }),
  'X-Xyn-Actor': z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9._@+:/-]{0,127}$/)
    .optional()
    .meta({ description: 'Who calls, as records show it; `local` when absent, and never `system` or `temporal-ui`.' }),
};
const idempotencyKey = z
  .string()
  .regex(/^[\x21-\x7e]([\x20-\x7e]{0,253}[\x21-\x7e])?$/)
  .optional()
  .meta({ description: 'Makes repeats harmless: the same key with the same request is done once.' });

const uuidParam = z
  .string()
  .regex(/^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/)
  .meta({ format: 'uuid' });
const counted = z.string().meta(shownAs({ type: 'integer', minimum: 1, maximum: 999_999_999 }));
const FREE_PARAMS: Readonly<Record<FreeParam, z.ZodType>> = {
  blueprint_id: z.string().min(1).max(200),
  schedule_id: z.string().min(1).max(220),
  version: counted,
  revision: counted,
};

const scopeHeaders = {
  'X-Run-Id': uuidParam.optional().meta({ description: 'The run that the request belongs to.' }),
  'X-Step-Id': uuidParam.optional().meta({ description: 'The step of that run.' }),
};

function paramOf(name: string): z.ZodType {
  return Object.hasOwn(FREE_PARAMS, name) ? FREE_PARAMS[name as FreeParam] : uuidParam;
}

/** What a route takes besides its body. */
export function requestParams(route: Route): NonNullable<ZodOpenApiOperationObject['requestParams']> {
  const names = [...route.path.matchAll(/:(\w+)/g)].map(([, name = '']) => name);
  const path = z.object(Object.fromEntries(names.map((name) => [name, paramOf(name)])));
  const query = route.query instanceof z.ZodObject ? route.query : z.object({});
  const header = z.object({
    ...callerHeaders,
    ...scopeHeaders,
    ...(route.keyed === undefined ? {} : { 'Idempotency-Key': idempotencyKey }),
  });
  return { path, query, header };
}

/** What a route takes as its body; undefined when it reads none. */
export function requestBody(route: Route): ZodOpenApiOperationObject['requestBody'] | undefined {
  if (route.body === undefined) return undefined;
  const json = { 'application/json': { schema: route.body } };
  const text = z.string().meta({ description: 'A document as it is.' });
  const bytes = z.unknown().meta(shownAs({ type: 'string', format: 'binary' }));
  return {
    required: !route.body.safeParse({}).success,
    content: {
      ...json,
      ...(route.takesDocument ? { 'text/yaml': { schema: text } } : {}),
      ...(route.takesBytes === true ? { 'application/octet-stream': { schema: bytes } } : {}),
    },
  };
}
