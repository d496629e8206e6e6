import { request } from 'undici';
import { z } from 'zod';
import { ActionFailure, defineAction, type ActionContext, type ActionTraits } from '../../../src/domain/action.js';
import type { Json, JsonObject } from '../../../src/domain/json.js';

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'] as const;
const MIB = 1_048_576;

const Input = z.strictObject({
  url: z.url({ protocol: /^https?$/ }),
  method: z.enum(METHODS).default('GET'),
  headers: z.record(z.string(), z.string()).default({}),
  query: z.record(z.string(), z.string()).default({}),
  body: z.json().optional(),
  accept: z.array(z.int().min(100).max(599)).optional(),
  max_bytes: z
    .int()
    .min(1)
    .max(10 * MIB)
    .default(MIB),
  idempotency_header: z.string().optional(),
});
type Input = z.output<typeof Input>;

const Output = z.strictObject({
  status: z.int(),
  headers: z.record(z.string(), z.string()),
  body: z.json(),
  bytes: z.int(),
});
type Output = { status: number; headers: Record<string, string>; body: Json; bytes: number };

/** Requests that may succeed when sent again (language §3.3). */
const RETRYABLE_STATUS = new Set([408, 425, 429]);
const EXCERPT_BYTES = 1_024;

/** `http.call`: one HTTP request. Reading methods are safe; others are `none`, or `keyed` with `idempotency_header`. */
export const httpCall = defineAction<Input, Output>({
  name: 'http.call',
  summary: 'Sends one HTTP request and returns status, headers and body.',
  input: Input,
  output: Output,
  traits: { effect: 'write', idempotency: 'none' },
  traitsOf,
  errors: {
    http_status: {
      retryable: false,
      help: 'The answer has another status than `accept` names; 408, 425, 429 and 5xx are tried again.',
    },
    connect_failed: { retryable: true, help: 'No connection could be made; nothing was sent.' },
    response_too_large: { retryable: false, help: 'The body is larger than `max_bytes`.' },
  },
  execute: send,
});

function traitsOf(literal: JsonObject): ActionTraits {
  const method = literal.method ?? 'GET';
  if (method === 'GET' || method === 'HEAD') return { effect: 'read', idempotency: 'safe' };
  return { effect: 'write', idempotency: typeof literal.idempotency_header === 'string' ? 'keyed' : 'none' };
}

async function send(input: Input, context: ActionContext): Promise<Output> {
  const url = new URL(input.url);
  for (const [name, value] of Object.entries(input.query)) url.searchParams.append(name, value);
  const response = await connect(url, input, context);
  const text = await readBody(response.body, input.max_bytes);
  const status = response.statusCode;
  const accepted = input.accept ? input.accept.includes(status) : status >= 200 && status < 300;
  const headers = Object.fromEntries(Object.entries(response.headers).map(([name, value]) => [name, String(value)]));
  if (!accepted) throw statusFailure(status, headers, text);
  return { status, headers, body: bodyValue(headers['content-type'], text), bytes: Buffer.byteLength(text) };
}

type Response = Awaited<ReturnType<typeof request>>;

async function connect(url: URL, input: Input, context: ActionContext): Promise<Response> {
  const isText = typeof input.body === 'string';
  const headers: Record<string, string> = { ...input.headers };
  if (input.idempotency_header !== undefined) headers[input.idempotency_header] = context.key;
  if (input.body !== undefined && !hasHeader(headers, 'content-type')) {
    headers['content-type'] = isText ? 'text/plain; charset=utf-8' : 'application/json';
  }
  try {
    return await request(url, {
      method: input.method,
      headers,
      signal: context.signal,
      ...(input.body === undefined ? {} : { body: isText ? (input.body as string) : JSON.stringify(input.body) }),
    });
  } catch (error) {
    if (context.signal.aborted) throw error;
    throw connectionFailure(input, error);
  }
}

/** A request that reached the target may have had its effect; one that never connected has not. */
function connectionFailure(input: Input, error: unknown): ActionFailure {
  const code = (error as { code?: string }).code ?? '';
  const neverSent = [
    'ECONNREFUSED',
    'ENOTFOUND',
    'EAI_AGAIN',
    'EHOSTUNREACH',
    'ENETUNREACH',
    'UND_ERR_CONNECT_TIMEOUT',
  ].includes(code);
  const repeatable =
    neverSent || input.method === 'GET' || input.method === 'HEAD' || input.idempotency_header !== undefined;
  const reason = error instanceof Error ? error.message : 'unknown';
  if (repeatable)
    return new ActionFailure(
      { code: 'connect_failed', message: `No answer: ${reason}`, retryable: true },
      { cause: error },
    );
  const message = `The connection broke after the request was sent: ${reason}`;
  return new ActionFailure({ code: 'outcome_unknown', message, retryable: false }, { cause: error });
}

async function readBody(body: Response['body'], maxBytes: number): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    const buffer = Buffer.from(chunk as Uint8Array);
    bytes += buffer.length;
    if (bytes > maxBytes) {
      body.destroy();
      throw new ActionFailure({
        code: 'response_too_large',
        message: `The body is over ${maxBytes} bytes.`,
        retryable: false,
      });
    }
    chunks.push(buffer);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function statusFailure(status: number, headers: Record<string, string>, text: string): ActionFailure {
  const retryable = RETRYABLE_STATUS.has(status) || status >= 500;
  const retryAfterMs = retryAfter(headers['retry-after']);
  return new ActionFailure({
    code: 'http_status',
    message: `The target answered ${status}.`,
    retryable,
    status,
    excerpt: text.slice(0, EXCERPT_BYTES),
    ...(retryAfterMs === undefined ? {} : { retry_after_ms: retryAfterMs }),
  });
}

/** Milliseconds of a `Retry-After` header: seconds or an HTTP date (RFC 9110 §10.2.3). */
function retryAfter(header: string | undefined): number | undefined {
  if (header === undefined) return undefined;
  if (/^\d+$/.test(header)) return Number(header) * 1_000;
  const at = Date.parse(header);
  return Number.isNaN(at) ? undefined : Math.max(0, at - Date.now());
}

function bodyValue(contentType: string | undefined, text: string): Json {
  if (!contentType?.includes('json') || text === '') return text;
  try {
    return JSON.parse(text) as Json;
  } catch {
    return text;
  }
}

function hasHeader(headers: Record<string, string>, name: string): boolean {
  return Object.keys(headers).some((key) => key.toLowerCase() === name);
}
