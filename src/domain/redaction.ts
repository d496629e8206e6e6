import type { ActionRedaction } from './action.js';
import { isJsonObject, type Json } from './json.js';

/** What is recorded in place of a field that is never recorded. */
const REDACTED = '[redacted]';

/** A copy of an input or output of an action without the fields that it never records. */
export function redacted<T extends Json>(
  value: T,
  redaction: ActionRedaction | undefined,
  side: keyof ActionRedaction,
): T {
  const paths = redaction?.[side] ?? [];
  return paths.reduce<Json>((clean, path) => without(clean, path.split('.')), value) as T;
}

function without(value: Json, path: readonly string[]): Json {
  if (!isJsonObject(value)) return value;
  const head = path[0] as string;
  const rest = path.slice(1);
  const members = Object.entries(value).map(([key, member]): [string, Json] => {
    if (rest.length > 0) return [key, key === head ? without(member, rest) : member];
    return [key, key.toLowerCase() === head.toLowerCase() ? REDACTED : member];
  });
  return Object.fromEntries(members);
}
