import type { Json, JsonObject } from '../json.js';
import { charge, chargeText, type Cost } from './cost.js';
import type { EvaluationError } from './evaluation-error.js';
import { expressionError } from './evaluation-error.js';
import { specialText } from './time.js';
import {
  checkDepth,
  Duration,
  isForbiddenKey,
  mapKeys,
  Optional,
  Special,
  Timestamp,
  type Value,
  type ValueMap,
} from './value.js';

/** Deeper texts are refused, as documents are (language §9). */
const MAX_PARSE_DEPTH = 64;
const NUMBER = /-?(?:0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?/y;
const WHITE_SPACE = /[ \t\n\r]*/y;
const LITERALS: readonly [text: string, value: Json][] = [
  ['true', true],
  ['false', false],
  ['null', null],
];

/** A scalar, a timestamp or a duration as JSON text. */
function scalarText(value: Value, cost: Cost): string {
  if (value instanceof Timestamp || value instanceof Duration) return JSON.stringify(specialText(value));
  if (value instanceof Optional)
    throw expressionError('optional_result', 'json takes no optional; end it with orValue()');
  if (typeof value === 'string') chargeText(cost, value.length);
  return JSON.stringify(value);
}

/** The RFC 8785 text of a value, charged while it is built: values that share parts can be far larger than the state. */
export function jsonText(value: Value, cost: Cost, depth = 0): string {
  charge(cost, 1);
  if (typeof value !== 'object' || value === null || value instanceof Special) return scalarText(value, cost);
  checkDepth(depth);
  if (Array.isArray(value)) return `[${value.map((item) => jsonText(item, cost, depth + 1)).join(',')}]`;
  const map: ValueMap = value;
  const members = mapKeys(map, cost).map((key) => {
    chargeText(cost, key.length);
    return `${JSON.stringify(key)}:${jsonText(map[key] as Value, cost, depth + 1)}`;
  });
  return `{${members.join(',')}}`;
}

function notJson(problem: string): EvaluationError {
  return expressionError('conversion', `parseJson: the text ${problem}`);
}

/** Reads JSON as `JSON.parse` does, but sees what that hides: duplicate keys and numbers that lose digits. */
class JsonReader {
  private at = 0;
  private readonly text: string;
  private readonly cost: Cost;

  constructor(text: string, cost: Cost) {
    this.text = text;
    this.cost = cost;
  }

  document(): Json {
    const value = this.value(0);
    this.skipSpace();
    if (this.at < this.text.length) throw notJson('goes on after its end');
    return value;
  }

  private value(depth: number): Json {
    charge(this.cost, 1);
    if (depth > MAX_PARSE_DEPTH) throw notJson(`is nested more than ${MAX_PARSE_DEPTH} deep`);
    this.skipSpace();
    if (this.take('{')) return this.object(depth);
    if (this.take('[')) return this.list(depth);
    if (this.text[this.at] === '"') return this.string();
    for (const [text, value] of LITERALS) if (this.take(text)) return value;
    return this.number();
  }

  private object(depth: number): JsonObject {
    const members: JsonObject = {};
    if (this.take('}')) return members;
    do {
      this.skipSpace();
      const key = this.string();
      if (isForbiddenKey(key)) throw notJson('has a key that is not allowed');
      if (Object.hasOwn(members, key)) throw notJson('has a key twice');
      if (!this.take(':')) throw notJson('misses a colon');
      members[key] = this.value(depth + 1);
    } while (this.take(','));
    if (!this.take('}')) throw notJson('misses the end of a map');
    return members;
  }

  private list(depth: number): Json[] {
    const items: Json[] = [];
    if (this.take(']')) return items;
    do items.push(this.value(depth + 1));
    while (this.take(','));
    if (!this.take(']')) throw notJson('misses the end of a list');
    return items;
  }

  private string(): string {
    let end = this.at + 1;
    while (end < this.text.length && this.text[end] !== '"') end += this.text[end] === '\\' ? 2 : 1;
    const token = this.text.slice(this.at, end + 1);
    this.at = end + 1;
    try {
      const read: unknown = JSON.parse(token);
      if (typeof read === 'string') return read;
    } catch {
      // Said below: the engine's own message would hold parts of the text.
    }
    throw notJson('has a key or text that is not well formed');
  }

  private number(): number {
    NUMBER.lastIndex = this.at;
    const match = NUMBER.exec(this.text);
    if (match === null) throw notJson('has something that is no value');
    this.at += match[0].length;
    const value = Number(match[0]);
    const isInt = match[1] === undefined && match[2] === undefined;
    if (!Number.isFinite(value) || (isInt && !Number.isSafeInteger(value))) {
      throw expressionError('number_range', 'parseJson: a number is too large to be kept exactly');
    }
    return value + 0;
  }

  private take(token: string): boolean {
    this.skipSpace();
    if (!this.text.startsWith(token, this.at)) return false;
    this.at += token.length;
    return true;
  }

  private skipSpace(): void {
    WHITE_SPACE.lastIndex = this.at;
    WHITE_SPACE.exec(this.text);
    this.at = WHITE_SPACE.lastIndex;
  }
}

/**
 * Reads a JSON text. Throws `conversion` for what is no JSON, for a duplicate or forbidden key and for more than 64
 * levels; `number_range` for an int beyond ±(2^53−1).
 */
export function parseJson(text: string, cost: Cost): Json {
  chargeText(cost, text.length);
  return new JsonReader(text, cost).document();
}
