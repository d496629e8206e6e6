import { isForbiddenKey } from '../domain/expression/value.js';
import { XynFault } from '../domain/fault.js';
import { isJsonObject, type Json, type JsonObject } from '../domain/json.js';

/** Levels of a body, as of documents (language §9). */
export const MAX_JSON_DEPTH = 64;

/** Strings, punctuation and numbers of a text that is known to be JSON. */
const TOKEN = /"[^"\\]*(?:\\.[^"\\]*)*"|[{}[\]:,]|-?\d[\d.eE+-]*/g;
const INTEGER = /^-?\d+$/;
const HALF_CHARACTER = /\p{Surrogate}/u;

function readText(token: string): string {
  const text = JSON.parse(token) as string;
  if (text.includes('\u0000') || HALF_CHARACTER.test(text)) {
    throw new XynFault('string_invalid', 'A text in the body holds NUL or half a character (unpaired surrogate).');
  }
  return text;
}

function checkNumber(token: string): void {
  const value = Number(token);
  if (Number.isFinite(value) && (!INTEGER.test(token) || Number.isSafeInteger(value))) return;
  throw new XynFault('number_range', 'A number in the body is too large to be kept exactly; send it as text.');
}

/** Refuses what `JSON.parse` takes silently; `text` is JSON already. */
function checkTokens(text: string): void {
  /** For every open object the keys so far, for every open list undefined. */
  const open: (Set<string> | undefined)[] = [];
  let pending: string | undefined;
  for (const [token] of text.matchAll(TOKEN)) {
    if (token === '{' || token === '[') {
      open.push(token === '{' ? new Set() : undefined);
      if (open.length > MAX_JSON_DEPTH) {
        throw new XynFault('json_depth', `The body is nested more than ${MAX_JSON_DEPTH} levels deep.`);
      }
    } else if (token === '}' || token === ']') open.pop();
    else if (token === ':') takeKey(open.at(-1), pending ?? '');
    else if (token.startsWith('"')) pending = readText(token);
    else if (token !== ',') checkNumber(token);
  }
}

function takeKey(keys: Set<string> | undefined, key: string): void {
  if (isForbiddenKey(key)) throw new XynFault('forbidden_key', `The body has the key \`${key}\`, which is not taken.`);
  if (keys?.has(key) === true) {
    throw new XynFault('json_duplicate_key', 'The body has a key twice in one object.', {
      details: { key: key.slice(0, 100) },
    });
  }
  keys?.add(key);
}

/**
 * Reads the body of a request.
 * @throws XynFault `invalid_json`, `body_not_object`, `json_depth`, `json_duplicate_key`, `forbidden_key`,
 * `number_range`, `string_invalid`
 */
export function parseJsonBody(bytes: Uint8Array): JsonObject {
  let text: string;
  let value: Json;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    value = JSON.parse(text) as Json;
  } catch {
    // The engine's own message would repeat parts of the body.
    throw new XynFault('invalid_json', 'The body is not JSON in UTF-8.');
  }
  if (!isJsonObject(value)) throw new XynFault('body_not_object', 'The body must be a JSON object.');
  checkTokens(text);
  return value;
}
