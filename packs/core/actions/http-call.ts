import { ActionFailure, defineAction, type ActionContext, type AnyAction } from '../../../src/domain/action.js';
import type { ActionTraits } from '../../../src/domain/action.js';
import type { Json, JsonObject } from '../../../src/domain/json.js';
import { httpInput, httpOutput, type HttpInput, type HttpOutput } from './http-contract.js';
import { EgressDenied, NotConnected, type ConnectOptions } from './egress-guard.js';
import { headersOf } from './http-headers.js';
import { GuardedClient, RedirectRefused, type Answer } from './http-request.js';

/** Requests that may succeed when sent again (language §3.3). */
const RETRYABLE_STATUS = new Set([408, 425, 429]);
const EXCERPT_BYTES = 1_024;
/** JSON that is nested deeper stays text: nobody reads it by path, and checking it could exhaust the stack. */
const MAX_DEPTH = 64;

/**
 * `http.call`: one HTTP request. Reading methods are safe; others are `none`, or `keyed` with `idempotency_header`.
 * @param options what a test replaces.
 */
export function httpCallWith(options: ConnectOptions = {}): AnyAction {
  const client = new GuardedClient(options);
  return defineAction<HttpInput, HttpOutput>({
    name: 'http.call',
    summary: 'Sends one HTTP request and returns status, headers and body.',
    input: httpInput,
    output: httpOutput,
    traits: { effect: 'write', idempotency: 'none' },
    traitsOf,
    static: ['method', 'idempotency_header'],
    redact: {
      input: ['headers.authorization', 'headers.proxy-authorization', 'headers.cookie', 'headers.x-api-key'],
      output: ['headers.set-cookie'],
    },
    errors: {
      http_status: {
        retryable: false,
        help: 'The answer has another status than `accept` names; 408, 425, 429 and 5xx are tried again.',
      },
      connect_failed: { retryable: true, help: 'No connection could be made; nothing was sent.' },
      tls_invalid: { retryable: false, help: 'The certificate of the target is not valid for it; nothing was sent.' },
      egress_denied: {
        retryable: false,
        help: 'The address is not public; `XYN_EGRESS_ALLOW` grants addresses. Only http and https are spoken.',
      },
      header_invalid: { retryable: false, help: 'A header has a name or value that HTTP does not allow.' },
      response_too_large: { retryable: false, help: 'The body is larger than `max_bytes`.' },
    },
    examples: [
      {
        name: 'reads a JSON document',
        input: { url: 'http://service.example/health' },
        output: { status: 200, body: { status: 'ok' } },
      },
      {
        name: 'creates something once, however often it is tried',
        input: {
          url: 'http://service.example/tickets',
          method: 'POST',
          body: { title: 'disk full' },
          auth: { bearer: { secret: 'tickets/token' } },
          idempotency_header: 'Idempotency-Key',
          accept: [201],
        },
        output: { status: 201 },
      },
      {
        name: 'fails on a status that accept does not name',
        input: { url: 'http://service.example/missing' },
        error: 'http_status',
      },
    ],
    execute: (input, context) => send(client, input, context),
  });
}

/** `http.call` as it ships. */
export const httpCall = httpCallWith();

function traitsOf(literal: JsonObject): ActionTraits {
  const method = literal.method ?? 'GET';
  if (method === 'GET' || method === 'HEAD') return { effect: 'read', idempotency: 'safe' };
  return { effect: 'write', idempotency: typeof literal.idempotency_header === 'string' ? 'keyed' : 'none' };
}

async function send(client: GuardedClient, input: HttpInput, context: ActionContext): Promise<HttpOutput> {
  const url = new URL(input.url);
  for (const [name, value] of Object.entries(input.query)) url.searchParams.append(name, value);
  const headers = await headersOf(input, context);
  const { body } = input;
  const text = body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body);
  let answer: Answer;
  try {
    answer = await client.send(
      { url, method: input.method, headers, ...(text === undefined ? {} : { body: text }) },
      { grants: context.grantedAddresses, signal: context.signal, keepsStatus: input.accept ?? [] },
    );
  } catch (error) {
    if (context.signal.aborted) throw context.signal.reason;
    throw failureOf(input, error);
  }
  return outputOf(input, answer, context);
}

async function outputOf(input: HttpInput, answer: Answer, { signal }: ActionContext): Promise<HttpOutput> {
  const status = answer.statusCode;
  const accepted = input.accept ? input.accept.includes(status) : status >= 200 && status < 300;
  const headers = Object.fromEntries(
    Object.entries(answer.headers).map(([name, value]) => [
      name,
      Array.isArray(value) ? value.join(', ') : (value ?? ''),
    ]),
  );
  const limit = accepted ? input.max_bytes : EXCERPT_BYTES;
  let read: Awaited<ReturnType<typeof readBody>>;
  try {
    read = await readBody(answer.body, limit);
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    throw failureOf(input, error);
  }
  if (!accepted) throw statusFailure(status, headers, read.text);
  if (read.cut) {
    const message = `The body is over ${input.max_bytes} bytes.`;
    throw new ActionFailure({ code: 'response_too_large', message, retryable: false });
  }
  return { status, headers, body: bodyValue(headers['content-type'], read.text), bytes: read.bytes };
}

/** A request that reached the target may have had its effect; one that never connected has not. */
function failureOf(input: HttpInput, error: unknown): ActionFailure {
  const fail = (code: string, message: string, retryable: boolean): ActionFailure =>
    new ActionFailure({ code, message, retryable }, { cause: error });
  if (error instanceof RedirectRefused) {
    if (error.reason === 'scheme') return fail('egress_denied', error.message, false);
    return new ActionFailure({ code: 'http_status', message: error.message, retryable: false, status: error.status });
  }
  const reason = error instanceof Error ? error.message || error.name : 'unknown';
  if (error instanceof NotConnected) {
    if (error.cause instanceof EgressDenied) return fail('egress_denied', `Not called: ${reason}.`, false);
    if (isTlsProblem(error.cause)) return fail('tls_invalid', `The certificate is not valid: ${reason}`, false);
    return fail('connect_failed', `No connection: ${reason}`, true);
  }
  const repeatable = input.method === 'GET' || input.method === 'HEAD' || input.idempotency_header !== undefined;
  if (repeatable) return fail('connect_failed', `No answer: ${reason}`, true);
  return fail('outcome_unknown', `The connection broke after the request was sent: ${reason}`, false);
}

/** Codes of OpenSSL's certificate checks, as Node names them, and of handshakes that find no common ground. */
function isTlsProblem(error: unknown): boolean {
  const code = (error as { code?: unknown } | undefined)?.code;
  return (
    typeof code === 'string' &&
    /^(ERR_TLS_|ERR_SSL_|CERT_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|HOSTNAME_|INVALID_CA|PATH_LENGTH|EPROTO)/.test(code)
  );
}

/** Reads at most `maxBytes` and leaves the rest. */
async function readBody(
  body: Answer['body'],
  maxBytes: number,
): Promise<{ text: string; bytes: number; cut: boolean }> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    const buffer = Buffer.from(chunk as Uint8Array);
    chunks.push(buffer.subarray(0, maxBytes - bytes));
    bytes += buffer.length;
    if (bytes > maxBytes) break;
  }
  return { text: Buffer.concat(chunks).toString('utf8'), bytes, cut: bytes > maxBytes };
}

function statusFailure(status: number, headers: Record<string, string>, text: string): ActionFailure {
  const retryable = RETRYABLE_STATUS.has(status) || status >= 500;
  const retryAfterMs = retryAfter(headers['retry-after']);
  return new ActionFailure({
    code: 'http_status',
    message: `The target answered ${status}.`,
    retryable,
    status,
    excerpt: text,
    ...(retryAfterMs === undefined ? {} : { retry_after_ms: retryAfterMs }),
  });
}

/** Milliseconds of a `Retry-After` header: seconds or an HTTP date (RFC 9110 §10.2.3). */
function retryAfter(header: string | undefined): number | undefined {
  if (header === undefined) return undefined;
  if (/^\d{1,9}$/.test(header)) return Number(header) * 1_000;
  const at = Date.parse(header);
  return Number.isNaN(at) ? undefined : Math.max(0, at - Date.now());
}

function bodyValue(contentType: string | undefined, text: string): Json {
  if (!contentType?.includes('json') || text === '') return text;
  try {
    const value = JSON.parse(text) as Json;
    return isPlain(value, MAX_DEPTH) ? value : text;
  } catch {
    return text;
  }
}

/** Whether a value is finite in depth and numbers, as values of the language are. */
function isPlain(value: Json, depth: number): boolean {
  if (typeof value === 'number') return Number.isFinite(value);
  if (typeof value !== 'object' || value === null) return true;
  return depth > 0 && Object.values(value).every((member) => isPlain(member, depth - 1));
}
