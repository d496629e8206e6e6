import express, { type NextFunction, type Request, type RequestHandler, type Response } from 'express';
import { XynFault } from '../domain/fault.js';
import { allowSlowBody } from './body-clock.js';
import { parseJsonBody } from './strict-json.js';

/** Bytes of a request's body, at most, unless its route says otherwise. */
export const MAX_BODY_BYTES = 1_048_576;

/** With parameters there may be a charset, and only this one. */
const JSON_TYPE = /^application\/json(?:\s*;\s*charset="?utf-8"?)?\s*$/i;

/** `text/yaml` and its older names. */
const YAML_TYPE = /^(?:text|application)\/(?:x-)?yaml(?:\s*;\s*charset="?utf-8"?)?\s*$/i;

function hasBody(request: Request): boolean {
  const { 'content-length': length, 'transfer-encoding': transfer } = request.headers;
  return transfer !== undefined || (length !== undefined && length !== '0');
}

function checkType(request: Request, _response: Response, next: NextFunction): void {
  if (!hasBody(request) || JSON_TYPE.test(request.headers['content-type'] ?? '')) next();
  else next(new XynFault('unsupported_media_type', 'Send the body as `Content-Type: application/json` in UTF-8.'));
}

function parse(request: Request, _response: Response, next: NextFunction): void {
  const bytes: unknown = request.body;
  request.body = Buffer.isBuffer(bytes) && bytes.length > 0 ? parseJsonBody(bytes) : undefined;
  next();
}

/**
 * Reads the body strictly; a request without one is left with `body` undefined.
 * @param limit bytes, at most.
 */
export function readJsonBody(limit: number): RequestHandler[] {
  return [checkType, express.raw({ type: () => true, limit, inflate: false }), parse];
}

function checkDocumentType(request: Request, _response: Response, next: NextFunction): void {
  const type = request.headers['content-type'] ?? '';
  if (!hasBody(request) || JSON_TYPE.test(type) || YAML_TYPE.test(type)) next();
  else {
    const message = 'Send the document as `Content-Type: text/yaml`, or as `application/json` with a text `source`.';
    next(new XynFault('unsupported_media_type', message));
  }
}

function takeDocument(request: Request, _response: Response, next: NextFunction): void {
  const bytes: unknown = request.body;
  const given = Buffer.isBuffer(bytes) ? bytes : Buffer.alloc(0);
  request.body = JSON_TYPE.test(request.headers['content-type'] ?? '') ? parseJsonBody(given) : { source: given };
  next();
}

/** Reads a document that comes as YAML or inside JSON; either way the body becomes an object with `source`. */
export const readDocumentBody: RequestHandler[] = [
  checkDocumentType,
  express.raw({ type: () => true, limit: MAX_BODY_BYTES, inflate: false }),
  takeDocument,
];

/** Bytes that the query names may take as long as they make progress; whatever else comes has the usual time. */
export const readUpload: RequestHandler = (request, _response, next) => {
  if (request.query['name'] !== undefined) allowSlowBody(request);
  next();
};

/** The same step, passed over when the query names what the body is. */
export function unlessNamed(step: RequestHandler): RequestHandler {
  return (request, response, next) => (request.query['name'] === undefined ? step(request, response, next) : next());
}

/** The body as it comes. What ends reading early leaves the connection open for the answer. */
export async function* bytesOf(request: Request): AsyncGenerator<Uint8Array> {
  try {
    yield* request.iterator({ destroyOnReturn: false }) as AsyncIterable<Uint8Array>;
  } catch (error) {
    throw new XynFault('request_malformed', 'The request ended before its body did.', { cause: error });
  }
}
