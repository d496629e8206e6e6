import type { Json } from '../domain/json.js';

const HALF_CHARACTER = /\p{Surrogate}/u;

/** Whether Postgres can store a JSON value: no text in it, keys included, holds NUL or half of a surrogate pair. */
export function isStorable(value: Json): boolean {
  if (typeof value === 'string') return isStorableText(value);
  if (Array.isArray(value)) return value.every(isStorable);
  if (typeof value !== 'object' || value === null) return true;
  return Object.entries(value).every(([key, item]) => isStorableText(key) && isStorable(item));
}

/** The same for one text. */
export function isStorableText(text: string): boolean {
  return !text.includes('\u0000') && !HALF_CHARACTER.test(text);
}
