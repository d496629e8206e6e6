import { isArtifactReference } from '../artifact-reference.js';
import { compareUtf16, type Json } from '../json.js';
import { charge, chargeText, type Cost } from './cost.js';
import { EvaluationError, expressionError } from './evaluation-error.js';

/** A value that exists only inside one expression; `toJson` gives what is stored of it. */
export abstract class Special {
  abstract readonly type: 'timestamp' | 'duration' | 'optional';
}

/** A point in time, in nanoseconds since the epoch. */
export class Timestamp extends Special {
  readonly type = 'timestamp';
  readonly nanos: bigint;

  constructor(nanos: bigint) {
    super();
    this.nanos = nanos;
  }
}

/** A span of time in nanoseconds, maybe negative. */
export class Duration extends Special {
  readonly type = 'duration';
  readonly nanos: bigint;

  constructor(nanos: bigint) {
    super();
    this.nanos = nanos;
  }
}

/** What `.?` gives: a value, or `undefined` for none. */
export class Optional extends Special {
  readonly type = 'optional';
  readonly value: Value | undefined;

  constructor(value: Value | undefined) {
    super();
    this.value = value;
  }
}

/** JSON, with specials at any depth. */
export type Value = null | boolean | number | string | Special | Value[] | ValueMap;
export type ValueMap = { [key: string]: Value };

/** Keys that would reach a prototype elsewhere. They never resolve, even where data holds them as own members. */
const FORBIDDEN_KEYS: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype']);

/** Deeper values end as `cost_limit`, long before the stack does. */
const MAX_VALUE_DEPTH = 500;

/** Whether a key never resolves in an expression. */
export function isForbiddenKey(key: string): boolean {
  return FORBIDDEN_KEYS.has(key);
}

/** Narrows to a map: no list, no special, not null. */
export function isMap(value: Value | undefined): value is ValueMap {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Special);
}

/** The type's name as people know it from the language. */
export function typeName(value: Value | undefined): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'list';
  if (value instanceof Special) return value.type;
  if (typeof value === 'boolean') return 'bool';
  return typeof value === 'object' ? 'map' : typeof value;
}

/** Throws `value_offloaded` for a reference: whole, it may be passed on, but not be looked into. */
export function requireInline(value: Value | undefined): void {
  if (!isMap(value) || !isArtifactReference(value)) return;
  const message = 'the value is too large to be read in an expression; pass it on whole to an action';
  throw new EvaluationError('value_offloaded', undefined, message);
}

/** The error for a value of another type than the operation takes. Throws `value_offloaded` for a reference. */
export function wrongType(value: Value | undefined, operation: string, expected: string): EvaluationError {
  requireInline(value);
  return expressionError('wrong_type', `${operation} takes ${expected}, not ${typeName(value)}`);
}

/** The keys of a map in iteration order, one unit each. */
export function mapKeys(map: ValueMap, cost: Cost): string[] {
  requireInline(map);
  const keys = Object.keys(map);
  charge(cost, keys.length);
  return keys.filter((key) => !FORBIDDEN_KEYS.has(key)).sort(compareUtf16);
}

/** The member of a map, or undefined where the map itself has none. */
export function ownMember(map: ValueMap, key: string): Value | undefined {
  return Object.hasOwn(map, key) && !FORBIDDEN_KEYS.has(key) ? map[key] : undefined;
}

/** Fails where a walk through a value goes deeper than any sensible data. */
export function checkDepth(depth: number): void {
  if (depth > MAX_VALUE_DEPTH)
    throw expressionError('cost_limit', `a value is nested more than ${MAX_VALUE_DEPTH} deep`);
}

/** `==`: by value at any depth; values of different types differ. Charged per element and per 64 bytes of text. */
export function equal(a: Value | undefined, b: Value | undefined, cost: Cost, depth = 0): boolean {
  if (typeof a === 'string' && typeof b === 'string') {
    if (a.length === b.length) chargeText(cost, a.length);
    return a === b;
  }
  if (a === null || b === null || typeof a !== 'object' || typeof b !== 'object') return a === b;
  checkDepth(depth);
  if (Array.isArray(a)) {
    if (!Array.isArray(b) || a.length !== b.length) return false;
    charge(cost, a.length);
    return a.every((item, ix) => equal(item, b[ix], cost, depth + 1));
  }
  if (a instanceof Special) return b instanceof Special && equalSpecials(a, b, cost, depth);
  if (!isMap(b)) return false;
  const keys = mapKeys(a, cost);
  if (keys.length !== mapKeys(b, cost).length) return false;
  return keys.every((key) => {
    const other = ownMember(b, key);
    return other !== undefined && equal(ownMember(a, key), other, cost, depth + 1);
  });
}

function equalSpecials(a: Special, b: Special, cost: Cost, depth: number): boolean {
  if (a instanceof Timestamp) return b instanceof Timestamp && a.nanos === b.nanos;
  if (a instanceof Duration) return b instanceof Duration && a.nanos === b.nanos;
  const left = (a as Optional).value;
  return b instanceof Optional && equal(left, b.value, cost, depth + 1);
}

/** Moves surrogates above U+E000 to U+FFFF, so that units order like the code points that they belong to. */
function codePointRank(unit: number): number {
  if (unit < 0xd800) return unit;
  return unit < 0xe000 ? unit + 0x2000 : unit - 0x800;
}

/** Orders two texts by code point. */
function compareText(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let ix = 0; ix < length; ix += 1) {
    const left = a.charCodeAt(ix);
    const right = b.charCodeAt(ix);
    if (left !== right) return codePointRank(left) - codePointRank(right);
  }
  return a.length - b.length;
}

/**
 * Orders two values of one type: numbers, texts, bools, timestamps, durations. Throws `wrong_type` otherwise.
 * @returns negative, zero or positive.
 */
export function compare(a: Value | undefined, b: Value | undefined, operation: string, cost: Cost): number {
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  if (typeof a === 'string' && typeof b === 'string') {
    chargeText(cost, Math.min(a.length, b.length));
    return compareText(a, b);
  }
  if (typeof a === 'boolean' && typeof b === 'boolean') return Number(a) - Number(b);
  if ((a instanceof Timestamp && b instanceof Timestamp) || (a instanceof Duration && b instanceof Duration)) {
    return a.nanos < b.nanos ? -1 : Number(a.nanos > b.nanos);
  }
  requireInline(a);
  throw wrongType(b, operation, `two values of one ordered type, here ${typeName(a)}`);
}

/** The error for an optional where a value is stored or shown. */
function optionalResult(): Error {
  return expressionError('optional_result', 'the result is optional; end it with orValue(default) or value()');
}

/** What is stored of a value: specials become text, an optional is `optional_result`. Untouched parts are shared. */
export function toJson(value: Value, cost: Cost, textOf: (special: Timestamp | Duration) => string, depth = 0): Json {
  if (value === null || typeof value !== 'object') return value;
  if (value instanceof Timestamp || value instanceof Duration) return textOf(value);
  if (value instanceof Special) throw optionalResult();
  checkDepth(depth);
  const convert = (item: Value): Json => toJson(item, cost, textOf, depth + 1);
  if (Array.isArray(value)) {
    charge(cost, value.length);
    const items = value.map(convert);
    return items.some((item, ix) => item !== value[ix]) ? items : (value as Json[]);
  }
  const entries = Object.entries(value);
  charge(cost, entries.length);
  const converted = entries.map(([key, item]): [string, Json] => [key, convert(item)]);
  // `fromEntries` defines members, so that a key such as `__proto__` stays data.
  return converted.some(([key, item]) => item !== value[key])
    ? Object.fromEntries(converted)
    : (value as { [key: string]: Json });
}
