import { pipeline } from 'node:stream/promises';
import type { Readable } from 'node:stream';
import type { IncomingMessage } from 'node:http';
import type { Response } from 'express';
import { XynFault } from '../domain/fault.js';

/** Inclusive positions of the first and last byte. */
export interface ByteRange {
  first: number;
  last: number;
}

/** Bytes that are the answer, not yet opened. */
export interface FileAnswer {
  /** As people named it; it need not be a safe file name. */
  name: string;
  contentType: string;
  byteLength: number;
  /** Lower-case hex: the entity tag. */
  sha256: string;
  /** Opens the bytes, or a part of them. Called at most once. */
  open: (range?: ByteRange) => Promise<Readable>;
}

/** One range, the only form that is served: parts of a page of ranges could overlap and cost more than the file. */
const ONE_RANGE = /^bytes=[ \t]*(\d{0,15})-(\d{0,15})[ \t]*$/i;
/** What cannot be seen, turns text around, or makes a name a path. */
const UNSAFE = /[/\\]|\p{Cc}|\p{Cf}|\p{Zl}|\p{Zp}|\p{Surrogate}/gu;

/**
 * Sends a file: whole, one range of it (206), or nothing when the client has it (304). A browser never shows it in place,
 * never guesses another type and never runs it with the rights of our pages.
 * @throws XynFault `range_not_satisfiable`, and what `open` throws; nothing was sent then.
 */
export async function sendFile(request: IncomingMessage, response: Response, file: FileAnswer): Promise<void> {
  const tag = `"${file.sha256}"`;
  response.set({ ETag: tag, 'Accept-Ranges': 'bytes' });
  if (hasTag(request.headers['if-none-match'], tag)) {
    response.status(304).end();
    return;
  }
  const range = wantedRange(request, tag, file.byteLength);
  if (range === 'unsatisfiable') {
    response.set('Content-Range', `bytes */${file.byteLength}`);
    throw new XynFault('range_not_satisfiable', `The file has ${file.byteLength} bytes; ask for a range within them.`);
  }
  const bytes = request.method === 'HEAD' ? undefined : await file.open(range);
  const length = range === undefined ? file.byteLength : range.last - range.first + 1;
  response.status(range === undefined ? 200 : 206).set({
    'Content-Type': file.contentType,
    'Content-Length': String(length),
    'Content-Disposition': dispositionOf(file.name),
    'Content-Security-Policy': "default-src 'none'; sandbox",
  });
  if (range !== undefined) response.set('Content-Range', `bytes ${range.first}-${range.last}/${file.byteLength}`);
  if (bytes === undefined) {
    response.end();
    return;
  }
  // A client that goes away is no defect: the request's log line says that it was aborted.
  await pipeline(bytes, response).catch((error: unknown) => {
    if (!response.destroyed) throw error;
  });
}

/**
 * The range that a GET asks for; undefined: all bytes. Whatever is not exactly one range of bytes is passed over, as RFC
 * 9110 allows, and so is a range of another version (`If-Range`).
 */
function wantedRange(
  { method, headers }: IncomingMessage,
  tag: string,
  byteLength: number,
): ByteRange | 'unsatisfiable' | undefined {
  const { range, 'if-range': ifRange } = headers;
  if (method !== 'GET' || range === undefined || (ifRange !== undefined && ifRange !== tag)) return undefined;
  const [, from = '', to = ''] = ONE_RANGE.exec(range) ?? [];
  if (from === '' && to === '') return undefined;
  if (from === '') {
    const length = Math.min(Number(to), byteLength);
    return length === 0 ? 'unsatisfiable' : { first: byteLength - length, last: byteLength - 1 };
  }
  const first = Number(from);
  const last = to === '' ? byteLength - 1 : Math.min(Number(to), byteLength - 1);
  if (to !== '' && Number(to) < first) return undefined;
  return first >= byteLength ? 'unsatisfiable' : { first, last };
}

/** Whether `If-None-Match` names the tag; comparison is weak, as for every GET. */
function hasTag(header: string | undefined, tag: string): boolean {
  if (header === undefined) return false;
  return header.trim() === '*' || header.split(',').some((one) => one.trim().replace(/^W\//, '') === tag);
}

/** RFC 6266: a plain name for old clients, the real one in RFC 8187's encoding for all others. */
export function dispositionOf(name: string): string {
  const safe = name.replace(UNSAFE, '_');
  const plain = safe.replace(/[^\x20-\x7e]|["%]/g, '_');
  const encoded = encodeURIComponent(safe).replace(/['()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
  return `attachment; filename="${plain}"; filename*=UTF-8''${encoded}`;
}
