import type { z } from 'zod';
import type { Json } from '../domain/json.js';
import { sortedProblems, type Problem } from '../language/problem.js';
import { pointerToken, type Source } from '../language/source.js';

type Issue = z.core.$ZodIssue;

/** A JSON pointer to a place. */
export function pointerTo(...keys: readonly (string | number | symbol)[]): string {
  return keys.map((key) => `/${pointerToken(String(key))}`).join('');
}

/** A problem at a place of a document. */
export function problemAt(
  source: Source,
  pointer: string,
  facts: { code: string; message: string; suggestion?: string | undefined; what?: 'key' | 'value' },
): Problem {
  const { code, message, suggestion, what = 'value' } = facts;
  const hint = suggestion === undefined ? {} : { suggestion };
  return { code, severity: 'error', path: pointer, ...source.placeOf(pointer, what), message, ...hint };
}

/** What a schema found, with line and column. */
export function schemaProblems(source: Source, issues: readonly Issue[]): Problem[] {
  return sortedProblems(issues.flatMap((issue) => problemsOf(source, issue, [])));
}

function problemsOf(source: Source, issue: Issue, above: readonly PropertyKey[]): Problem[] {
  const path = [...above, ...issue.path];
  const pointer = pointerTo(...path);
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => {
      const message = `\`${key}\` is not a field here.`;
      return problemAt(source, pointerTo(...path, key), { code: 'field_unknown', message, what: 'key' });
    });
  }
  // Of the forms that a field may have, the problems of the one that was probably meant.
  if (issue.code === 'invalid_union') {
    const isList = Array.isArray(valueAt(source.value, path));
    const meant = isList ? issue.errors[0] : issue.errors.at(-1);
    return (meant ?? []).flatMap((inner) => problemsOf(source, inner, path));
  }
  if (issue.code === 'invalid_type' && valueAt(source.value, path) === undefined) {
    const message = `\`${String(path.at(-1))}\` is required.`;
    return [problemAt(source, pointer, { code: 'field_required', message })];
  }
  return [problemAt(source, pointer, { code: codeOf(issue), message: issue.message })];
}

function codeOf(issue: Issue): string {
  if (issue.code === 'custom')
    return typeof issue.params?.['code'] === 'string' ? issue.params['code'] : 'field_conflict';
  if (issue.code === 'invalid_value') return 'value_unknown';
  return issue.code === 'too_big' || issue.code === 'too_small' ? 'limit_range' : 'type_mismatch';
}

function valueAt(value: Json, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (inner, key) =>
      typeof inner === 'object' && inner !== null ? (inner as Record<PropertyKey, unknown>)[key] : undefined,
    value,
  );
}
