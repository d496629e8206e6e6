import { z } from 'zod';

/** Rows on one page. */
export const DEFAULT_LIMIT = 50;
export const MAX_LIMIT = 200;

export const uuid = z.guid();
/** RFC 3339 UTC. */
export const timestamp = z.iso.datetime();
export const jsonObject = z.record(z.string(), z.json());
/** A short text that is stored and shown: no control characters. */
export const label = (maxLength: number): z.ZodString =>
  z
    .string()
    .min(1)
    .max(maxLength)
    .regex(/^\P{Cc}*$/u, 'must not hold control characters');
/** Text for people that may have several lines. */
export const prose = z
  .string()
  .max(2_000)
  .regex(/^[\P{Cc}\n\r\t]*$/u, 'must not hold control characters');

const LIMIT_RANGE = `must be a whole number from 1 to ${MAX_LIMIT}`;

/** Query parameters of every listing. */
export const pageQuery = z.strictObject({
  limit: z
    .string()
    .regex(/^\d{1,6}$/, LIMIT_RANGE)
    .transform(Number)
    .refine((value) => value >= 1 && value <= MAX_LIMIT, LIMIT_RANGE)
    .default(DEFAULT_LIMIT),
  cursor: z.string().max(1_000).exactOptional(),
});

/** One page of a listing: `next_cursor` starts the page after it, null at the end. */
export function listOf<T extends z.ZodType>(
  item: T,
): z.ZodObject<{ items: z.ZodArray<T>; next_cursor: z.ZodNullable<z.ZodString> }> {
  return z.object({ items: z.array(item), next_cursor: z.string().nullable() });
}

/** Every answer that is not 2xx (001 §45.7). */
export const errorResponseSchema = z.object({
  error: z.object({
    code: z.string(),
    message: z.string(),
    details: z.record(z.string(), z.json()).nullable(),
  }),
  correlation_id: z.string().nullable(),
});
export type ErrorResponse = z.infer<typeof errorResponseSchema>;
