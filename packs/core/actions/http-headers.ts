import { ActionFailure, type ActionContext } from '../../../src/domain/action.js';
import type { HttpInput } from './http-contract.js';

const NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,128}$/;
/** Visible characters, blanks and tabs of Latin 1: nothing that could begin another header. */
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;
/** They belong to the connection or the framing, which are not the caller's. */
const FORBIDDEN = new Set([
  'connection',
  'content-length',
  'expect',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/**
 * The headers of a request, names in lower case; secrets are looked up here.
 * @throws ActionFailure `header_invalid`, `secret_not_found`.
 */
export async function headersOf(input: HttpInput, context: ActionContext): Promise<Record<string, string>> {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(input.headers)) set(headers, name, value);
  if (input.body !== undefined && headers['content-type'] === undefined) {
    headers['content-type'] = typeof input.body === 'string' ? 'text/plain; charset=utf-8' : 'application/json';
  }
  if (input.idempotency_header !== undefined) set(headers, input.idempotency_header, context.key);
  if (input.auth !== undefined) set(headers, 'authorization', await authorization(input.auth, context));
  return headers;
}

async function authorization(auth: NonNullable<HttpInput['auth']>, { secret }: ActionContext): Promise<string> {
  // Secrets that were put into a file or a variable often end with a line break, which no header can hold.
  if ('bearer' in auth) return `Bearer ${(await secret(auth.bearer.secret)).trimEnd()}`;
  const password = (await secret(auth.password.secret)).trimEnd();
  return `Basic ${Buffer.from(`${auth.user}:${password}`).toString('base64')}`;
}

function set(headers: Record<string, string>, name: string, value: string): void {
  const lower = name.toLowerCase();
  if (!NAME.test(name) || FORBIDDEN.has(lower)) {
    throw invalid(`A header named ${JSON.stringify(name.slice(0, 64))} cannot be sent.`);
  }
  // The value may be a secret: it is not repeated.
  if (!VALUE.test(value)) throw invalid(`The value of ${lower} has characters that a header cannot hold.`);
  headers[lower] = value;
}

function invalid(message: string): ActionFailure {
  return new ActionFailure({ code: 'header_invalid', message, retryable: false });
}
