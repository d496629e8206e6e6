import { readFile } from 'node:fs/promises';
import { XynFault } from '../domain/fault.js';
import { isJsonObject, type Json, type JsonObject } from '../domain/json.js';

/** Bytes that are read from standard input, at most; the server takes no larger body. */
const MAX_INPUT_BYTES = 1_048_576;

async function readAll(stdin: AsyncIterable<Uint8Array | string>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of stdin) {
    const bytes = Buffer.from(chunk as Uint8Array);
    size += bytes.length;
    if (size > MAX_INPUT_BYTES) throw new XynFault('body_too_large', 'Standard input is larger than 1 MiB.');
    chunks.push(bytes);
  }
  return Buffer.concat(chunks);
}

async function readArgument(value: string, stdin: AsyncIterable<Uint8Array | string>): Promise<string> {
  if (value === '-') return (await readAll(stdin)).toString('utf8');
  if (!value.startsWith('@')) return value;
  return (await fileArgument(value.slice(1), stdin)).toString('utf8');
}

/**
 * The bytes of a file, `-` for standard input.
 * @throws XynFault `request_invalid` when the file cannot be read.
 */
export async function fileArgument(file: string, stdin: AsyncIterable<Uint8Array | string>): Promise<Buffer> {
  if (file === '-') return readAll(stdin);
  try {
    return await readFile(file);
  } catch (error) {
    throw new XynFault('request_invalid', `Cannot read ${file}: ${(error as Error).message}`, { cause: error });
  }
}

/** Takes an option that may be repeated. */
export function collect(value: string, before: string[]): string[] {
  return [...before, value];
}

/**
 * A blueprint that is named by its document or by its id. Documents have a path with `/`, end with `.yaml`, `.yml` or
 * `.json`, or are `-` for standard input.
 * @throws XynFault `request_invalid` when the file cannot be read.
 */
export async function documentArgument(
  given: string,
  stdin: AsyncIterable<Uint8Array | string>,
): Promise<{ source: string } | { blueprint_ref: string }> {
  if (given !== '-' && !/\/|\.(ya?ml|json)$/i.test(given)) return { blueprint_ref: given };
  return { source: (await fileArgument(given, stdin)).toString('utf8') };
}

/**
 * `name=text` and `name:=json` pairs as an object.
 * @throws XynFault `request_invalid`, `invalid_json`
 */
export function pairArguments(pairs: readonly string[]): JsonObject {
  const entries = pairs.map((pair): [string, Json] => {
    const [, name, isJson, value = ''] = /^([^=:]+)(:)?=(.*)$/s.exec(pair) ?? [];
    if (name === undefined) throw new XynFault('request_invalid', `${pair} must be like host=web-1 or count:=3.`);
    if (isJson === undefined) return [name, value];
    try {
      return [name, JSON.parse(value) as Json];
    } catch {
      throw new XynFault('invalid_json', `What follows ${name}:= is not JSON; for a text write ${name}=…`);
    }
  });
  return Object.fromEntries(entries);
}

/**
 * A JSON object given as text, as `@file`, or as `-` for standard input.
 * @throws XynFault `invalid_json`, `body_not_object`, `request_invalid` when the file cannot be read.
 */
export async function jsonArgument(
  option: string,
  value: string,
  stdin: AsyncIterable<Uint8Array | string>,
): Promise<JsonObject> {
  const text = await readArgument(value, stdin);
  let json: Json;
  try {
    json = JSON.parse(text) as Json;
  } catch {
    throw new XynFault('invalid_json', `${option} is not JSON; write it like '{"host": "web-1"}', @file or -.`);
  }
  if (isJsonObject(json)) return json;
  throw new XynFault('body_not_object', `${option} must be a JSON object, like '{"host": "web-1"}'.`);
}

/**
 * The whole number of an option, where it was given.
 * @throws XynFault `request_invalid`
 */
export function wholeNumberArgument(option: string, text: string | undefined, least: number): number | undefined {
  if (text === undefined) return undefined;
  if (/^\d{1,9}$/.test(text) && Number(text) >= least) return Number(text);
  throw new XynFault('request_invalid', `${option} must be a whole number from ${least}.`);
}

/**
 * `type:id` as a resource.
 * @throws XynFault `request_invalid`
 */
export function resourceArgument(value: string): { type: string; id: string } {
  const at = value.indexOf(':');
  if (at < 1 || at === value.length - 1) {
    throw new XynFault('request_invalid', '--resource must be like host:web-1.');
  }
  return { type: value.slice(0, at), id: value.slice(at + 1) };
}
