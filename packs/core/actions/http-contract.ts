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
    .meta({ 'x-sink': 'host', description: 'An address of http or https, without credentials.' }),
  method: z.enum(METHODS).default('GET').meta({ description: 'GET and HEAD read, the others write.' }),
  headers: z.record(z.string(), z.string()).default({}).meta({ description: 'Headers of the request.' }),
  query: z.record(z.string(), z.string()).default({}).meta({ description: 'Added to the query of the address.' }),
  body: z.json().optional().meta({ description: 'A text is sent as it is, anything else as JSON.' }),
  auth: z
    .union([
      z.strictObject({ bearer: secretReference.meta({ 'x-secret': true, description: 'The token.' }) }),
      z.strictObject({
        user: z.string().meta({ description: 'The name.' }),
        password: secretReference.meta({ 'x-secret': true, description: 'The password.' }),
      }),
    ])
    .optional()
    .meta({ description: 'A bearer token, or user and password.' }),
  accept: z
    .array(z.int().min(100).max(599))
    .optional()
    .meta({ description: 'Statuses that are no failure. 200 to 299.' }),
  max_bytes: z
    .int()
    .min(1)
    .max(10 * MIB)
    .default(MIB)
    .meta({ description: 'More is the error `response_too_large`.' }),
  idempotency_header: z.string().optional().meta({ description: 'The header that carries the idempotency key.' }),
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
