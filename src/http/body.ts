import express, { type NextFunction, type Request, type RequestHandler, type Response } from 'express';
import { XynFault } from '../domain/fault.js';
import { parseJsonBody } from './strict-json.js';

/** Bytes of a request's body, at most. */
export const MAX_BODY_BYTES = 1_048_576;

/** With parameters there may be a charset, and only this one. */
const JSON_TYPE = /^application\/json(?:\s*;\s*charset="?utf-8"?)?\s*$/i;

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

/** Reads the body strictly; a request without one is left with `body` undefined. */
export const readJsonBody: RequestHandler[] = [
  checkType,
  express.raw({ type: () => true, limit: MAX_BODY_BYTES, inflate: false }),
  parse,
];
