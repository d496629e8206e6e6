import type { ErrorRequestHandler, NextFunction, Request, Response } from 'express';
import { documentAnswer } from '../domain/document-fault.js';
import { ERROR_CODES } from '../domain/error-codes.js';
import { XynFault } from '../domain/fault.js';
import type { Json } from '../domain/json.js';
import type { Log } from './log.js';
import type { ErrorResponse } from './schemas/common.js';

/** Errors of Express and its body reader, by their `type`. */
const READER_FAULTS: Readonly<Record<string, () => XynFault>> = {
  'entity.too.large': () => new XynFault('body_too_large', 'The body is larger than 1 MiB.'),
  'encoding.unsupported': () => new XynFault('unsupported_media_type', 'Send the body without Content-Encoding.'),
  'request.size.invalid': () => new XynFault('request_malformed', 'The body is not as long as Content-Length says.'),
  'request.aborted': () => new XynFault('request_malformed', 'The request ended before its body did.'),
};

/** Any thrown value as a fault; what nobody foresaw is `internal`, without its message. */
export function faultOf(error: unknown): XynFault {
  if (error instanceof XynFault) return error;
  if (error instanceof URIError) return new XynFault('path_encoding', 'The path has an invalid percent escape.');
  const type = typeof error === 'object' && error !== null && 'type' in error ? String(error.type) : '';
  const known = Object.hasOwn(READER_FAULTS, type) ? READER_FAULTS[type] : undefined;
  return known?.() ?? new XynFault('internal', 'A defect of Xyn; the log has the details.', { cause: error });
}

/** The body of an answer that is not 2xx. */
export function errorBody(fault: XynFault, correlationId: string | null): ErrorResponse {
  const details = (fault.details ?? null) as Record<string, Json> | null;
  return {
    error: { code: documentAnswer(fault)?.code ?? fault.code, message: fault.message, details },
    correlation_id: correlationId,
  };
}

/** The one place where errors become answers. */
export function handleErrors(log: Log): ErrorRequestHandler {
  return (error: unknown, request: Request, response: Response, next: NextFunction): void => {
    if (response.headersSent) {
      next(error);
      return;
    }
    const fault = faultOf(error);
    const { status } = documentAnswer(fault) ?? ERROR_CODES[fault.code];
    const correlationId = (response.locals['correlationId'] as string | undefined) ?? null;
    if (status >= 500) {
      log.error(
        { err: error, code: fault.code, method: request.method, path: request.path, correlation_id: correlationId },
        'request failed',
      );
    }
    if (status === 503) response.setHeader('Retry-After', '1');
    // The rest of a body that was refused is not read: the connection is of no further use.
    if (status === 408 || status === 413) response.setHeader('Connection', 'close');
    response.status(status).json(errorBody(fault, correlationId));
  };
}
