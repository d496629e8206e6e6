/** The codes of language §5.6 that an evaluation can end with. */
export type EvaluationCode =
  'expression_error' | 'input_missing' | 'type_mismatch' | 'render_too_large' | 'value_offloaded';

/** What happened, for an `expression_error`. */
export type EvaluationDetail =
  | 'missing_key'
  | 'wrong_type'
  | 'index_range'
  | 'number_range'
  | 'division_by_zero'
  | 'conversion'
  | 'cost_limit'
  | 'optional_result'
  | 'not_bool';

/**
 * Every user error of an evaluation. The engine turns it into a failure of the step; it never leaves the domain. The
 * message names keys and types, never values.
 */
export class EvaluationError extends Error {
  readonly code: EvaluationCode;
  /** Present with `expression_error` only. */
  readonly detail: EvaluationDetail | undefined;

  constructor(code: EvaluationCode, detail: EvaluationDetail | undefined, message: string) {
    super(message);
    this.name = 'EvaluationError';
    this.code = code;
    this.detail = detail;
  }
}

/** An `expression_error`. */
export function expressionError(detail: EvaluationDetail, message: string): EvaluationError {
  return new EvaluationError('expression_error', detail, message);
}
