import { ERROR_CODES, type ErrorCode } from './error-codes.js';

/**
 * The one error class that crosses layers: services and adapters throw it, the edges translate it by the table of
 * `error-codes.ts` (HTTP status, exit code, retryability).
 */
export class XynFault extends Error {
  readonly code: ErrorCode;
  /** Machine-readable facts for the caller; never secrets. */
  readonly details: Readonly<Record<string, unknown>> | undefined;

  /**
   * @param code a row of the table.
   * @param message what happened and what to do next, for people.
   */
  constructor(code: ErrorCode, message: string, options: { details?: Record<string, unknown>; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'XynFault';
    this.code = code;
    this.details = options.details;
  }

  /** Whether the same call may succeed later without a change. */
  get retryable(): boolean {
    return ERROR_CODES[this.code].retryable;
  }
}
