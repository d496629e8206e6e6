import { z } from 'zod';
import type { Json } from '../../domain/json.js';

/** Rows on one page. */
export const DEFAULT_LIMIT = 50;
export const MAX_LIMIT = 200;

export const uuid = z.guid();
/** RFC 3339 UTC. */
export const timestamp = z.iso.datetime();
/** RFC 3339 with any offset, as callers give it; what comes out is UTC. */
export const givenTime = z.iso
  .datetime({ offset: true })
  // What is no time at all was found before, and comes here too.
  .refine((text) => !(Math.abs(new Date(text).getUTCFullYear() - 5_000) > 4_999), 'must be a time of the years 1 to 9999')
  .transform((text) => (text.endsWith('Z') ? text : new Date(text).toISOString()));
/** Any JSON value: what is parsed here has been through `JSON.parse`, so nothing else can come. */
export const anyJson = z.unknown() as unknown as z.ZodType<Json, Json>;
export const jsonObject = z.record(z.string(), anyJson);
/** A whole number as text: more digits than a number of JSON keeps. */
export const wholeNumber = z.string().regex(/^\d{1,18}$/);
/** A short text that is stored and shown: no control characters. */
export const label = (maxLength: number): z.ZodString =>
  z
    .string()
    .min(1)
    .max(maxLength)
    .regex(/^[^\u0000-\u001f\u007f-\u009f]*$/u, 'must not hold control characters');
/** Text for people that may have several lines. */
export const prose = z
  .string()
  .max(2_000)
  .regex(/^[^\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]*$/u, 'must not hold control characters');

const LIMIT_RANGE = `must be a whole number from 1 to ${MAX_LIMIT}`;

/** Shows a schema in the description of the API as what a caller sends, where the parser says it in a roundabout way. */
export function shownAs(schema: Record<string, unknown>): {
  override: (context: { jsonSchema: object }) => void;
} {
  return {
    override: ({ jsonSchema }) => {
      for (const name of Object.keys(jsonSchema)) {
        if (name !== 'description') Reflect.deleteProperty(jsonSchema, name);
      }
      Object.assign(jsonSchema, schema);
    },
  };
}

/** Query parameters of every listing. */
export const pageQuery = z.strictObject({
  limit: z
    .string()
    .regex(/^\d{1,6}$/, LIMIT_RANGE)
    .transform(Number)
    .refine((value) => value >= 1 && value <= MAX_LIMIT, LIMIT_RANGE)
    .default(DEFAULT_LIMIT)
    .meta({
      description: 'Rows on the page.',
      ...shownAs({ type: 'integer', minimum: 1, maximum: MAX_LIMIT, default: DEFAULT_LIMIT }),
    }),
  cursor: z
    .string()
    .max(1_000)
    .exactOptional()
    .meta({ description: '`next_cursor` of the page before, with the same filter.' }),
});

/** One page of a listing: `next_cursor` starts the page after it, null at the end. */
export function listOf<T extends z.ZodType>(
  item: T,
  id: string,
): z.ZodObject<{ items: z.ZodArray<T>; next_cursor: z.ZodNullable<z.ZodString> }> {
  return z.object({ items: z.array(item), next_cursor: z.string().nullable() }).meta({ id });
}

/** Every answer that is not 2xx (001 §45.7). */
export const errorResponseSchema = z
  .object({
    error: z.object({
      code: z.string().regex(/^[a-z][a-z0-9_]*$/),
      message: z.string(),
      details: jsonObject.nullable(),
    }),
    correlation_id: z.string().nullable(),
  })
  .meta({ id: 'Error', description: 'Every answer that is not 2xx.' });
export type ErrorResponse = z.infer<typeof errorResponseSchema>;
