import type { Request, Response } from 'express';
import { promisify } from 'node:util';
import { gzip, gzipSync } from 'node:zlib';

const compress = promisify(gzip);
/** A smaller answer fits into one packet as it is. */
const SMALLEST_COMPRESSED = 1_200;
/** Better levels cost more time than the wire saves. */
const LEVEL = 6;
/** Up to here, which nearly all pages are, to compress takes at most a millisecond; to have it done elsewhere takes longer. */
const MOST_AT_ONCE = 150_000;

/** What a page may load: its own files, and nothing else; nothing inside the page is a script or a style. */
export const PAGE_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "form-action 'self'",
  "frame-ancestors 'none'",
  "base-uri 'none'",
].join('; ');

/** Headers of every answer below `/ui`. */
export const PAGE_HEADERS = {
  'Content-Security-Policy': PAGE_POLICY,
  // Without an origin in the request a form of ours could not be told from one of another site.
  'Referrer-Policy': 'same-origin',
};

/** Whether the browser takes answers that are compressed by gzip. */
export function acceptsGzip({ headers }: Pick<Request, 'headers'>): boolean {
  return /\bgzip\b/.test(headers['accept-encoding'] ?? '');
}

/** Sends markup, compressed where the browser takes it. */
export async function sendHtml(response: Response, status: number, markup: string): Promise<void> {
  response.status(status).set(PAGE_HEADERS).type('html').vary('Accept-Encoding');
  if (!acceptsGzip(response.req) || markup.length < SMALLEST_COMPRESSED) {
    response.send(markup);
    return;
  }
  const options = { level: LEVEL };
  const bytes = markup.length > MOST_AT_ONCE ? await compress(markup, options) : gzipSync(markup, options);
  response.set('Content-Encoding', 'gzip').send(bytes);
}
