/** A JSON value. Numbers are finite doubles; integers beyond ±(2^53−1) do not occur (the readers refuse them). */
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/** A JSON object with any keys. */
export type JsonObject = { [key: string]: Json };

/** Narrows a JSON value to an object: not null, not a list. */
export function isJsonObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Orders two strings by UTF-16 code unit, the order of keys in RFC 8785 and of every iteration over a map. */
export function compareUtf16(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** The keys of a map in iteration order (UTF-16). */
export function sortedKeys(map: Readonly<Record<string, unknown>>): string[] {
  const keys = Object.keys(map);
  // Without a comparator texts are sorted by UTF-16 code unit, several times as fast as with one. Many maps are sorted.
  for (let ix = 1; ix < keys.length; ix += 1) if ((keys[ix - 1] as string) > (keys[ix] as string)) return keys.sort();
  return keys;
}

/**
 * The RFC 8785 (JCS) text of a value: keys sorted by UTF-16, no white space, numbers in their shortest form.
 * Members whose value is `undefined` are left out, as in `JSON.stringify`.
 */
export function canonicalJson(value: unknown): string {
  if (typeof value === 'string') return quoted(value);
  if (Array.isArray(value)) {
    let items = '';
    for (const item of value as unknown[]) items += `${items === '' ? '' : ','}${canonicalJson(item ?? null)}`;
    return `[${items}]`;
  }
  if (typeof value === 'object' && value !== null) {
    const map = value as Record<string, unknown>;
    let members = '';
    for (const key of sortedKeys(map)) {
      const member = map[key];
      if (member !== undefined) members += `${members === '' ? '' : ','}${quoted(key)}:${canonicalJson(member)}`;
    }
    return `{${members}}`;
  }
  // As text, -0 is 0.
  if (typeof value === 'number' && Number.isFinite(value)) return String(value);
  return JSON.stringify(value);
}

/** ASCII without quotes, backslashes and control characters. */
const PLAIN_TEXT = /^[ !#-[\]-~]*$/;

/** Most texts need no escapes, and finding that out costs a third of having them quoted. */
function quoted(text: string): string {
  return PLAIN_TEXT.test(text) ? `"${text}"` : JSON.stringify(text);
}

/**
 * The length of a value's JSON text in UTF-16 units, about; stops counting once it is over `limit`, so that a value that
 * shares its parts many times over costs no more than that.
 */
export function jsonLength(value: Json, limit: number): number {
  let length = 0;
  const add = (part: Json): void => {
    if (length > limit) return;
    if (typeof part === 'string') length += part.length + 2;
    else if (typeof part !== 'object' || part === null) length += String(part).length;
    else if (Array.isArray(part)) {
      length += part.length + 1;
      part.forEach(add);
    } else {
      for (const [key, member] of Object.entries(part)) {
        length += key.length + 4;
        add(member);
      }
    }
  };
  add(value);
  return length;
}
