import { isJsonObject, type Json } from './json.js';
import { pick } from './pick.js';
import type { Keep } from './plan.js';

/** A result in the run's state has at most so many bytes of JSON (language §8.4). */
const MAX_INLINE_BYTES = 32 * 1024;
/** Fields that are smaller stay readable: to move them away would gain nothing. */
const MIN_FIELD_BYTES = 1_024;
/** Bytes of a reference, about. */
const REFERENCE_BYTES = 160;

/** The part of a result that later expressions can read: only this enters the workflow's history. */
export function kept(result: Json, keep: Keep): Json {
  return keep === '*' || !isJsonObject(result) ? result : pick(result, keep);
}

/**
 * What of a result must be kept outside of the state: nothing, fields of it, the largest first, or `*`, the whole.
 * @param sizeOf bytes of a value's JSON text.
 */
export function fieldsToMove(result: Json, sizeOf: (value: Json) => number): readonly string[] | '*' {
  let size = sizeOf(result);
  if (size <= MAX_INLINE_BYTES) return [];
  if (!isJsonObject(result)) return '*';
  const moving: string[] = [];
  const fields = Object.entries(result).map(([name, value]) => ({ name, size: sizeOf(value) }));
  fields.sort((a, b) => b.size - a.size);
  for (const field of fields) {
    if (size <= MAX_INLINE_BYTES || field.size < MIN_FIELD_BYTES) break;
    moving.push(field.name);
    size -= field.size - REFERENCE_BYTES;
  }
  return size <= MAX_INLINE_BYTES ? moving : '*';
}
