import type { ErrorRequestHandler, NextFunction, Request, Response } from 'express';
import { documentAnswer } from '../domain/document-fault.js';
import { ERROR_CODES } from '../domain/error-codes.js';
import { XynFault } from '../domain/fault.js';
import type { Json } from '../domain/json.js';
import type { Log } from './log.js';
import type { ErrorResponse } from './schemas/common.js';

/** Errors of Express and its body reader, by their `type`. */
const READER_FAULTS: Readonly<Record<string, (error: { limit?: unknown }) => XynFault>> = {
  'entity.too.large': ({ limit }) => new XynFault('body_too_large', `The body is larger than ${Number(limit)} bytes.`),
  'encoding.unsupported': () => new XynFault('unsupported_media_type', 'Send the body without Content-Encoding.'),
  'request.size.invalid': () => new XynFault('request_malformed', 'The body is not as long as Content-Length says.'),
  'request.aborted': () => new XynFault('request_malformed', 'The request ended before its body did.'),
};

/** All that a caller learns about a defect: where it happened is nobody's business but the log's. */
const DEFECT = 'A defect of Xyn; the log has the details.';

/** Any thrown value as a fault; what nobody foresaw is `internal`, without its message. */
export function faultOf(error: unknown): XynFault {
  if (error instanceof XynFault) return error;
  if (error instanceof URIError) return new XynFault('path_encoding', 'The path has an invalid percent escape.');
  const type = typeof error === 'object' && error !== null && 'type' in error ? String(error.type) : '';
  const known = Object.hasOwn(READER_FAULTS, type) ? READER_FAULTS[type] : undefined;
  return known?.(error as object) ?? new XynFault('internal', DEFECT, { cause: error });
}

/** The body of an answer that is not 2xx. */
export function errorBody(fault: XynFault, correlationId: string | null): ErrorResponse {
  if (fault.code === 'internal') {
    return { error: { code: 'internal', message: DEFECT, details: null }, correlation_id: correlationId };
  }
  const details = (fault.details ?? null) as Record<string, Json> | null;
  return {
    error: { code: documentAnswer(fault)?.code ?? fault.code, message: fault.message, details },
    correlation_id: correlationId,
  };
}

/** The one place where errors become answers. */
export function handleErrors(log: Log): ErrorRequestHandler {
  return (error: unknown, request: Request, response: Response, _next: NextFunction): void => {
    const fault = faultOf(error);
    const { status } = documentAnswer(fault) ?? ERROR_CODES[fault.code];
    const correlationId = (response.locals['correlationId'] as string | undefined) ?? null;
    if (status >= 500) {
      log.error(
        { err: error, code: fault.code, method: request.method, path: request.path, correlation_id: correlationId },
        'request failed',
      );
    }
    if (response.headersSent) {
      // Half an answer is no answer: the client notices by the end of the connection.
      response.destroy();
      return;
    }
    if (status === 503) response.setHeader('Retry-After', '1');
    // The rest of a body that was refused is not read: the connection is of no further use.
    if (status === 408 || status === 413) response.setHeader('Connection', 'close');
    if (status === 413 && !request.complete) {
      refuseBody(request, response, JSON.stringify(errorBody(fault, correlationId)));
      return;
    }
    response.status(status).json(errorBody(fault, correlationId));
  };
}

/** How long the rest of a body that was refused is read and thrown away. */
const LINGER_MS = 2_000;

/**
 * Answers whole, and closes when the client has ended its body or a moment has passed: a connection that is closed while its
 * client still writes takes the answer with it.
 */
function refuseBody(request: Request, response: Response, body: string): void {
  response
    .status(413)
    .type('json')
    .set('Content-Length', String(Buffer.byteLength(body)))
    .write(body);
  const timer = setTimeout(() => response.end(), LINGER_MS);
  const end = (): void => {
    clearTimeout(timer);
    response.end();
  };
  request.once('end', end).once('close', end).resume();
}
