import type { z } from 'zod';
import { XynFault } from '../domain/fault.js';

/** One thing that is wrong with a request. */
interface Problem {
  /** Where, e.g. `resource.type`; empty for the whole. */
  path: string;
  rule: string;
  message: string;
}

/** More would not help anybody. */
const MAX_PROBLEMS = 50;

function ruleOf(issue: z.core.$ZodIssue): string {
  switch (issue.code) {
    case 'unrecognized_keys':
      return 'field_unknown';
    case 'invalid_type':
      return issue.input === undefined ? 'field_required' : 'type_mismatch';
    case 'too_big':
      return issue.origin === 'string' ? 'string_too_long' : 'limit_range';
    case 'too_small':
      return issue.origin === 'string' ? 'string_too_short' : 'limit_range';
    case 'invalid_value':
      return 'value_unknown';
    case 'invalid_format':
      return 'format';
    default:
      return issue.path.at(-1) === 'limit' ? 'limit_range' : 'value_invalid';
  }
}

function pathOf(path: readonly PropertyKey[]): string {
  return path.map((part) => String(part).slice(0, 100)).join('.');
}

function problemsOf(issue: z.core.$ZodIssue): Problem[] {
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({
      path: pathOf([...issue.path, key]),
      rule: 'field_unknown',
      message: 'is not a field of this request',
    }));
  }
  const message = issue.message.replace(/^Invalid input: /, '');
  return [{ path: pathOf(issue.path), rule: ruleOf(issue), message }];
}

/**
 * Parses one part of a request.
 * @throws XynFault `request_invalid` with every problem in `details.problems`; `limit_range` when only `limit` is wrong.
 */
export function parsePart<T>(part: 'body' | 'query', schema: z.ZodType<T>, value: unknown): T {
  const parsed = schema.safeParse(value, { reportInput: true });
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.flatMap(problemsOf).slice(0, MAX_PROBLEMS);
  const [first] = problems;
  const code = problems.every(({ path }) => path === 'limit') ? 'limit_range' : 'request_invalid';
  const where = first === undefined || first.path === '' ? `The ${part}` : `\`${first.path}\` in the ${part}`;
  const more = problems.length > 1 ? ` (and ${problems.length - 1} more, see details)` : '';
  throw new XynFault(code, `${where}: ${first?.message ?? 'is not valid'}${more}`, { details: { problems } });
}
