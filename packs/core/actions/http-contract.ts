import { z } from 'zod';
import type { Json } from '../../../src/domain/json.js';
import { secretReference } from './secret-reference.js';

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'] as const;
/** What can be sent. */
export type HttpMethod = (typeof METHODS)[number];
const MIB = 1_048_576;

/** The input of `http.call` (language §3.3). */
export const httpInput = z.strictObject({
  url: z
    .url({ protocol: /^https?$/ })
    .max(8_192)
    .refine((value) => !URL.canParse(value) || !hasCredentials(value), 'credentials belong into auth')
    .meta({ 'x-sink': 'host' }),
  method: z.enum(METHODS).default('GET'),
  headers: z.record(z.string(), z.string()).default({}),
  query: z.record(z.string(), z.string()).default({}),
  body: z.json().optional(),
  auth: z
    .union([
      z.strictObject({ bearer: secretReference }),
      z.strictObject({ user: z.string(), password: secretReference }),
    ])
    .optional(),
  accept: z.array(z.int().min(100).max(599)).optional(),
  max_bytes: z
    .int()
    .min(1)
    .max(10 * MIB)
    .default(MIB),
  idempotency_header: z.string().optional(),
});
/** What `http.call` takes, defaults filled in. */
export type HttpInput = z.output<typeof httpInput>;

/** Its output. */
export const httpOutput = z.strictObject({
  status: z.int(),
  headers: z.record(z.string(), z.string()).meta({ 'x-taint': true }),
  body: z.json().meta({ 'x-taint': true }),
  bytes: z.int(),
});
/** What it gives. */
export type HttpOutput = { status: number; headers: Record<string, string>; body: Json; bytes: number };

function hasCredentials(url: string): boolean {
  const { username, password } = new URL(url);
  return username !== '' || password !== '';
}
