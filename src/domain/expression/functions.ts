import { globMatches, globWork } from '../glob.js';
import { sha256Hex } from '../hash.js';
import { toBool, toDouble, toDuration, toInt, toText, toTimestamp } from './conversions.js';
import { chargeText, charge, type Cost } from './cost.js';
import { expressionError } from './evaluation-error.js';
import { jsonText, parseJson } from './json-text.js';
import { distinct, extreme, listOf, sort, sum } from './lists.js';
import { intOf } from './numbers.js';
import * as text from './text.js';
import { GETTER_NAMES, getTimePart } from './time.js';
import { isMap, mapKeys, Optional, wrongType, type Value } from './value.js';

/** What functions may use beside their arguments. */
export interface FunctionContext {
  cost: Cost;
  /** 26 characters that depend on the run, the step's path and the label; absent where there is no step. */
  uid: ((label: string) => string) | undefined;
}

type Args = readonly (Value | undefined)[];
type Implementation = (args: Args, context: FunctionContext) => Value;

function textOf(value: Value | undefined, operation: string): string {
  if (typeof value !== 'string') throw wrongType(value, operation, 'text');
  return value;
}

/** An int argument that may be left out. */
function optionalInt(value: Value | undefined, operation: string): number | undefined {
  return value === undefined ? undefined : intOf(value, operation);
}

function size([value]: Args, { cost }: FunctionContext): number {
  if (typeof value === 'string') return text.textSize(value, cost);
  if (Array.isArray(value)) return value.length;
  if (isMap(value)) return mapKeys(value, cost).length;
  throw wrongType(value, 'size', 'a text, a list or a map');
}

function glob(args: Args, { cost }: FunctionContext): boolean {
  const subject = textOf(args[0], 'glob');
  const pattern = textOf(args[1], 'glob');
  chargeText(cost, globWork(subject, pattern));
  return globMatches(subject, pattern);
}

function join(args: Args, { cost }: FunctionContext): string {
  const items = listOf(args[0], 'join');
  charge(cost, items.length);
  const texts = items.map((item) => textOf(item, 'join'));
  return text.join(texts, args[1] === undefined ? '' : textOf(args[1], 'join'), cost);
}

function keys([value]: Args, { cost }: FunctionContext): string[] {
  if (!isMap(value)) throw wrongType(value, 'keys', 'a map');
  return mapKeys(value, cost);
}

function sha256(args: Args, { cost }: FunctionContext): string {
  const subject = textOf(args[0], 'sha256');
  chargeText(cost, subject.length);
  return sha256Hex(subject);
}

function uid(args: Args, context: FunctionContext): string {
  if (context.uid === undefined) throw expressionError('missing_key', 'uid() can only be used inside a step');
  return context.uid(textOf(args[0], 'uid'));
}

/** Narrows the receiver of an optional's method. Throws `wrong_type`. */
export function optionalOf(value: Value | undefined, operation: string): Optional {
  if (!(value instanceof Optional)) throw wrongType(value, operation, 'an optional (made by .? or [?])');
  return value;
}

function valueOf([optional]: Args): Value {
  const { value } = optionalOf(optional, 'value');
  if (value === undefined) throw expressionError('missing_key', 'value() of an optional that is empty');
  return value;
}

/** Whether a text has something in it, by one of the methods of a string. */
function textTest(name: string, test: (subject: string, part: string) => boolean): [string, Implementation] {
  return [
    name,
    (args, { cost }) => {
      const subject = textOf(args[0], name);
      chargeText(cost, subject.length);
      return test(subject, textOf(args[1], name));
    },
  ];
}

/** All functions of language §7.1 but `or` and `orValue`, whose argument is evaluated only when it is needed. */
export const FUNCTIONS: ReadonlyMap<string, Implementation> = new Map<string, Implementation>([
  ['size', size],
  ['string', ([value]) => toText(value)],
  ['int', ([value]) => toInt(value)],
  ['double', ([value]) => toDouble(value)],
  ['bool', ([value]) => toBool(value)],
  ['timestamp', ([value]) => toTimestamp(value)],
  ['duration', ([value]) => toDuration(value)],
  textTest('contains', (subject, part) => subject.includes(part)),
  textTest('startsWith', (subject, part) => subject.startsWith(part)),
  textTest('endsWith', (subject, part) => subject.endsWith(part)),
  ['lowerAscii', ([value], { cost }) => text.lowerAscii(textOf(value, 'lowerAscii'), cost)],
  ['upperAscii', ([value], { cost }) => text.upperAscii(textOf(value, 'upperAscii'), cost)],
  ['trim', ([value], { cost }) => text.trim(textOf(value, 'trim'), cost)],
  [
    'split',
    ([value, separator, limit], { cost }) =>
      text.split(textOf(value, 'split'), textOf(separator, 'split'), optionalInt(limit, 'split') ?? -1, cost),
  ],
  ['join', join],
  [
    'replace',
    ([value, from, to, limit], { cost }) => {
      const [subject, old, fresh] = [textOf(value, 'replace'), textOf(from, 'replace'), textOf(to, 'replace')];
      return text.replace(subject, old, fresh, optionalInt(limit, 'replace') ?? -1, cost);
    },
  ],
  [
    'substring',
    ([value, start, end], { cost }) =>
      text.substring(textOf(value, 'substring'), intOf(start, 'substring'), optionalInt(end, 'substring'), cost),
  ],
  ...GETTER_NAMES.map((name): [string, Implementation] => [name, ([value, zone]) => getTimePart(name, value, zone)]),
  ['hasValue', ([optional]) => optionalOf(optional, 'hasValue').value !== undefined],
  ['value', valueOf],
  ['glob', glob],
  ['json', ([value], { cost }) => jsonText(value as Value, cost)],
  ['parseJson', ([value], { cost }) => parseJson(textOf(value, 'parseJson'), cost)],
  ['keys', keys],
  ['sum', ([value], { cost }) => sum(value, cost)],
  ['min', ([value], { cost }) => extreme(value, 'min', cost)],
  ['max', ([value], { cost }) => extreme(value, 'max', cost)],
  ['sort', ([value], { cost }) => sort(value, cost)],
  ['distinct', ([value], { cost }) => distinct(value, cost)],
  ['sha256', sha256],
  ['uid', uid],
  ['trust', ([value]) => value as Value],
]);
