import { isJsonObject, type Json, type JsonObject } from '../src/domain/json.js';
import type { Keep } from '../src/domain/plan.js';

/** The part of a result that later expressions can read: only this enters the workflow's history. */
export function kept(result: Json, keep: Keep): Json {
  if (keep === '*' || !isJsonObject(result)) return result;
  const out: JsonObject = {};
  for (const path of keep) copyPath(result, out, path);
  return out;
}

function copyPath(from: JsonObject, to: JsonObject, path: readonly string[]): void {
  const [key, ...rest] = path;
  if (key === undefined || !Object.hasOwn(from, key)) return;
  const value = from[key] as Json;
  if (rest.length === 0 || !isJsonObject(value)) {
    to[key] = value;
    return;
  }
  const inner = to[key];
  const target: JsonObject = isJsonObject(inner) ? inner : {};
  if (inner !== value) to[key] = target;
  copyPath(value, target, rest);
}
