import { isJsonObject, type Json, type JsonObject } from './json.js';

/** The parts of a value at the given paths, at their places; a path that is not there is left out. Parts are shared. */
export function pick(value: JsonObject, paths: readonly (readonly string[])[]): JsonObject {
  const out: JsonObject = {};
  for (const path of paths) copyPath(value, out, path);
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
