import { Ajv2020 } from 'ajv/dist/2020.js';
import type { ValidateFunction } from 'ajv';
import addFormats from 'ajv-formats';
import { isJsonObject, type Json, type JsonObject } from '../domain/json.js';
import { agentFailure } from './failures.js';

const SUMMARY_LENGTH = 500;
const MAX_PROBLEMS = 10;
/** Deeper answers are refused before anything walks through them. */
const MAX_DEPTH = 100;
/** Text that no record can keep: NUL and halves of characters. */
const NOT_STORABLE = /\0|\p{Surrogate}/u;
const NOT_STORABLE_ALL = /\0|\p{Surrogate}/gu;
/** A fence around the whole answer is a habit of models and means nothing. */
const WHOLE_FENCE = /^```(?:json)?[ \t]*\r?\n([\s\S]*?)\r?\n```$/i;

/** An answer's fields, or why it cannot be used, in words for the model. */
export type Checked = { fields: JsonObject } | { problems: string };

/** Checks answers against a step's `output`. */
export type OutputCheck = (answer: string) => Checked;

/**
 * Compiles a schema, once for all turns of an attempt.
 * @throws ActionFailure `output_schema_invalid`.
 */
export function outputCheck(schema: JsonObject): OutputCheck {
  const validate = compile(schema);
  return (answer) => {
    const parsed = parse(answer);
    if ('problems' in parsed) return parsed;
    const { value } = parsed;
    if (!validate(value)) return { problems: problemsOf(validate) };
    return isJsonObject(value) ? { fields: value } : { problems: 'it is not a JSON object' };
  };
}

/** `text` and `summary` of an answer (language §3.1): the first paragraph, at most 500 characters. */
export function textOutputs(answer: string): { text: string; summary: string } {
  const text = answer.replaceAll(NOT_STORABLE_ALL, '\ufffd');
  const paragraph = text.trim().split(/\n[ \t\r]*\n/, 1)[0] ?? '';
  const summary = paragraph.slice(0, SUMMARY_LENGTH).replace(/[\ud800-\udbff]$/, '');
  return { text, summary };
}

function compile(schema: JsonObject): ValidateFunction {
  const ajv = new Ajv2020({ strict: true, strictTypes: false, strictTuples: false, allErrors: true });
  addFormats.default(ajv);
  for (const mark of ['x-sink', 'x-secret', 'x-taint']) ajv.addKeyword(mark);
  try {
    return ajv.compile(schema);
  } catch (error) {
    const reason = error instanceof Error ? error.message : 'unknown reason';
    throw agentFailure('output_schema_invalid', `The step's output is no JSON Schema that can be checked: ${reason}`);
  }
}

function parse(answer: string): { value: Json } | { problems: string } {
  const trimmed = answer.trim();
  const text = WHOLE_FENCE.exec(trimmed)?.[1] ?? trimmed;
  if (depthOf(text) > MAX_DEPTH) return { problems: `it is nested deeper than ${MAX_DEPTH} levels` };
  let value: Json;
  try {
    value = JSON.parse(text) as Json;
  } catch (error) {
    return { problems: `it is not JSON (${error instanceof Error ? error.message : 'unreadable'})` };
  }
  const flaw = flawOf(value);
  return flaw === undefined ? { value } : { problems: flaw };
}

/** The greatest number of brackets that are open at once outside of strings. */
function depthOf(text: string): number {
  let depth = 0;
  let deepest = 0;
  let inString = false;
  for (let at = 0; at < text.length; at += 1) {
    const char = text[at];
    if (inString) {
      if (char === '\\') at += 1;
      else if (char === '"') inString = false;
    } else if (char === '"') inString = true;
    else if (char === '{' || char === '[') deepest = Math.max(deepest, (depth += 1));
    else if (char === '}' || char === ']') depth -= 1;
  }
  return deepest;
}

/** What a JSON text may hold but a value of ours may not. */
function flawOf(value: Json): string | undefined {
  if (typeof value === 'number') {
    const exact = Number.isFinite(value) && (!Number.isInteger(value) || Number.isSafeInteger(value));
    return exact ? undefined : 'it holds a number that is too large';
  }
  if (typeof value === 'string')
    return NOT_STORABLE.test(value) ? 'it holds a text with NUL or half characters' : undefined;
  if (typeof value !== 'object' || value === null) return undefined;
  for (const [key, member] of Object.entries(value)) {
    if (key === '__proto__') return 'it has a key __proto__';
    const flaw = (Array.isArray(value) ? undefined : flawOf(key)) ?? flawOf(member);
    if (flaw !== undefined) return flaw;
  }
  return undefined;
}

function problemsOf(validate: ValidateFunction): string {
  const problems = (validate.errors ?? []).slice(0, MAX_PROBLEMS).map(({ instancePath, message, params }) => {
    const { additionalProperty, allowedValues } = params as { additionalProperty?: string; allowedValues?: unknown };
    const which = additionalProperty ?? (allowedValues === undefined ? '' : JSON.stringify(allowedValues));
    return `${instancePath === '' ? '/' : instancePath}: ${message ?? 'is wrong'}${which === '' ? '' : ` (${which})`}`;
  });
  return problems.join('; ').slice(0, 2_000);
}
