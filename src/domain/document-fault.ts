import type { ProblemDto } from './dtos.js';
import { XynFault } from './fault.js';

/** Problems of the bytes and of YAML itself; those of what the document says are 422. */
const UNREADABLE = /^(yaml_\w+|encoding_invalid|forbidden_key)$/;

/**
 * A document that cannot be used, with all its problems in `details`.
 * @param problems at least one of severity `error`.
 */
export function invalidDocument(problems: readonly ProblemDto[]): XynFault {
  const errors = problems.filter((problem) => problem.severity === 'error');
  const [first] = errors;
  const where = first === undefined ? '' : ` Line ${first.line}, column ${first.column}: ${first.message}`;
  const more = errors.length > 1 ? ` (and ${errors.length - 1} more, see details)` : '';
  return new XynFault('blueprint_invalid', `The document is not a valid blueprint.${where}${more}`, {
    details: { is_valid: false, problems },
  });
}

/** How the API answers such a fault: the code of its first error, and a status that fits it. Undefined for other faults. */
export function documentAnswer(fault: XynFault): { code: string; status: number } | undefined {
  if (fault.code !== 'blueprint_invalid') return undefined;
  const problems = (fault.details?.['problems'] ?? []) as readonly ProblemDto[];
  const first = problems.find((problem) => problem.severity === 'error');
  if (first === undefined) return undefined;
  if (first.code === 'body_too_large') return { code: first.code, status: 413 };
  return { code: first.code, status: UNREADABLE.test(first.code) ? 400 : 422 };
}
