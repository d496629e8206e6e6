import { request as httpRequest } from 'node:http';
import type { ApiProcess } from '../support/api-process.js';

/** A request as it goes over the wire, and the exact answer that it must get. */
export interface BadInput {
  /** Row of the catalogue, with a letter where a row has several forms. */
  id: string;
  what: string;
  method?: string;
  /** With everything that belongs to the request's target, as it is sent. */
  path: string;
  headers?: Record<string, string>;
  body?: string | Uint8Array;
  status: number;
  code: string;
  /** Rule or code of one of `details.problems`, where that of the answer does not say all. */
  rule?: string;
  /** A header of the answer. */
  header?: [name: string, value: string | RegExp];
  /** Sent that many times; every answer must be the same. */
  times?: number;
  /** Answered within so many milliseconds. */
  withinMs?: number;
}

export interface HttpAnswer {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  text: string;
  ms: number;
}

/** Sends a request without changing anything in it: no type, no path that is made canonical, no encoding. */
export function send(
  port: number,
  { method = 'GET', path, headers = {}, body }: Pick<BadInput, 'method' | 'path' | 'headers' | 'body'>,
): Promise<HttpAnswer> {
  return new Promise((resolve, reject) => {
    const startedAt = performance.now();
    const bytes = body === undefined ? undefined : Buffer.from(body as string);
    const length: Record<string, string | number> = bytes === undefined ? {} : { 'content-length': bytes.length };
    const request = httpRequest({ host: '127.0.0.1', port, method, path, headers: { ...length, ...headers } });
    request.once('response', (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => (text += chunk));
      response.once('error', reject);
      response.once('end', () => {
        const ms = performance.now() - startedAt;
        resolve({ status: response.statusCode ?? 0, headers: response.headers, text, ms });
      });
    });
    // A refusal may come before the whole body is sent: what counts is the answer.
    request.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE' && error.code !== 'ECONNRESET') reject(error);
      else setTimeout(() => reject(error), 1_000).unref();
    });
    request.end(bytes);
  });
}

/** Sends a document the way `blueprints apply` and `blueprints validate` do. */
export function document(
  id: string,
  what: string,
  text: string | Uint8Array,
  [status, code]: readonly [number, string],
  more: Partial<BadInput> = {},
): BadInput {
  const headers = { 'content-type': 'text/yaml' };
  return { id, what, method: 'POST', path: '/api/v1/blueprints', headers, body: text, status, code, ...more };
}

/** Sends JSON text. */
export function json(
  id: string,
  what: string,
  body: string | Uint8Array,
  [status, code]: readonly [number, string],
  more: Partial<BadInput> = {},
): BadInput {
  const headers = { 'content-type': 'application/json', ...more.headers };
  return { id, what, method: 'POST', path: '/api/v1/events', body, status, code, ...more, headers };
}

/** How many rows each table has: bad input changes none of these numbers. The key of cursors is made when first needed. */
export async function countRows(api: ApiProcess): Promise<Record<string, number>> {
  const tables = await api.rows<{ name: string }>(
    "SELECT table_name AS name FROM information_schema.tables WHERE table_schema = 'public' AND table_type = 'BASE TABLE' AND table_name <> 'signing_keys'",
  );
  const counts = tables.map(({ name }) => `SELECT '${name}' AS name, count(*)::int AS n FROM "${name}"`);
  const rows = await api.rows<{ name: string; n: number }>(counts.join(' UNION ALL '));
  return Object.fromEntries(rows.map(({ name, n }) => [name, n]));
}

/** What no answer may tell: stack traces, statements, places in the file system. */
export const LEAKS =
  /\bat .+:\d+:\d+|node_modules|\/src\/|\/dist\/|\bSELECT\b|\bINSERT\b|prisma|\brelation\b|42P01|postgres:/i;
