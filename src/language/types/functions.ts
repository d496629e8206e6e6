import { valueOf, type Operands } from './operands.js';
import { article } from './fits.js';
import { mergedItems } from './json-schema.js';
import { any, isNumber, list, merge, nameOf, plain, text, withTaint, type Type } from './type.js';

type Kind = Type['is'];
interface Rule {
  /** What each argument may be; the last one counts for those after it. */
  takes: readonly (readonly Kind[])[];
  gives: (types: readonly Type[]) => Type;
}

const NUMBER: readonly Kind[] = ['int', 'double'];
const TEXT: readonly Kind[] = ['text'];
const LIST: readonly Kind[] = ['list'];
const MAPS: readonly Kind[] = ['map', 'record'];
const TIMES: readonly Kind[] = ['timestamp', 'duration'];

const gives = (is: 'bool' | 'int' | 'double' | 'timestamp' | 'duration') => (): Type => plain(is);
/** A text with parts of its arguments. */
const textOf = (types: readonly Type[]): Type => text(types.some(({ tainted }) => tainted));
const itemOf = ([type]: readonly Type[]): Type => (type?.is === 'list' ? type.item : any(type?.tainted));
const rule = (takes: Rule['takes'], result: Rule['gives']): Rule => ({ takes, gives: result });

const GETTERS = ['getFullYear', 'getMonth', 'getDayOfYear', 'getDayOfMonth', 'getDate', 'getDayOfWeek'];
const CLOCK_GETTERS = ['getHours', 'getMinutes', 'getSeconds', 'getMilliseconds'];

/** Functions that take values; those of optionals are apart (language §7.1). */
const RULES: ReadonlyMap<string, Rule> = new Map<string, Rule>([
  ['size', rule([[...TEXT, ...LIST, ...MAPS]], gives('int'))],
  ['string', rule([[...TEXT, ...NUMBER, 'bool', ...TIMES]], textOf)],
  ['int', rule([[...NUMBER, ...TEXT, 'timestamp']], gives('int'))],
  ['double', rule([[...NUMBER, ...TEXT]], gives('double'))],
  ['bool', rule([['bool', ...TEXT]], gives('bool'))],
  ['timestamp', rule([['timestamp', ...TEXT, ...NUMBER]], gives('timestamp'))],
  ['duration', rule([['duration', ...TEXT]], gives('duration'))],
  ...['contains', 'startsWith', 'endsWith', 'glob'].map((name): [string, Rule] => [name, rule([TEXT], gives('bool'))]),
  ...['lowerAscii', 'upperAscii', 'trim'].map((name): [string, Rule] => [name, rule([TEXT], textOf)]),
  ['split', rule([TEXT, TEXT, NUMBER], ([subject]) => list(text(subject?.tainted)))],
  ['join', rule([LIST, TEXT], textOf)],
  ['replace', rule([TEXT, TEXT, TEXT, NUMBER], textOf)],
  ['substring', rule([TEXT, NUMBER], textOf)],
  ...GETTERS.map((name): [string, Rule] => [name, rule([['timestamp'], TEXT], gives('int'))]),
  ...CLOCK_GETTERS.map((name): [string, Rule] => [name, rule([TIMES, TEXT], gives('int'))]),
  ['parseJson', rule([TEXT], ([type]) => any(type?.tainted))],
  ['keys', rule([MAPS], ([type]) => list(keyOf(type)))],
  ['sum', rule([LIST], (types) => sumOfItems(itemOf(types)))],
  ['min', rule([LIST], itemOf)],
  ['max', rule([LIST], itemOf)],
  ['sort', rule([LIST], (types) => list(itemOf(types)))],
  ['distinct', rule([LIST], (types) => list(itemOf(types)))],
  ['sha256', rule([TEXT], () => text())],
  ['uid', rule([TEXT], () => text())],
]);

function keyOf(type: Type | undefined): Type {
  return type?.is === 'record' && !type.open ? text(false, [...type.fields.keys()]) : text(type?.tainted);
}

function sumOfItems(item: Type): Type {
  return isNumber(item) ? item : any();
}

/** The type of a call. */
export function typeOfCall(name: string, operands: Operands): Type {
  switch (name) {
    case 'json':
      return text(valueOrNull(operands, 0).tainted);
    case 'trust':
      valueOf(operands, 1);
      return withTaint(operands.types[0] as Type, false);
    case 'hasValue':
    case 'value':
    case 'or':
    case 'orValue':
      return ofOptional(name, operands);
    default:
      return ofRule(name, operands);
  }
}

/** An argument that may be null, but not absent. */
function valueOrNull(operands: Operands, ix: number): Type {
  const type = operands.types[ix] as Type;
  return type.is === 'optional' ? valueOf(operands, ix) : type;
}

function ofOptional(name: string, operands: Operands): Type {
  const { node, types, report } = operands;
  const [receiver, other] = types as [Type, Type?];
  if (receiver.is !== 'optional' && receiver.is !== 'any') {
    const message = `\`${name}\` is for what \`.?\` or \`[?]\` gives; this is ${article(receiver)}.`;
    report.error('expression_type', node, 0, message);
    return name === 'hasValue' ? plain('bool') : merge(receiver, other ?? receiver);
  }
  const inner = receiver.is === 'optional' ? receiver.item : any(receiver.tainted);
  if (name === 'hasValue') return plain('bool');
  if (name === 'value') return inner;
  const fallback = other as Type;
  if (name === 'orValue') return merge(inner, valueOrNull(operands, 1));
  if (fallback.is === 'optional') return merge(receiver, fallback);
  if (fallback.is !== 'any') report.error('expression_type', node, 1, '`or` takes another optional.', 'orValue');
  return receiver;
}

function ofRule(name: string, operands: Operands): Type {
  const found = RULES.get(name);
  if (found === undefined) return any(operands.types.some(({ tainted }) => tainted));
  const types = operands.types.map((_, ix) => {
    const type = valueOf(operands, ix);
    const takes = found.takes[Math.min(ix, found.takes.length - 1)] as readonly Kind[];
    if (type.is !== 'any' && !takes.includes(type.is)) refuse(name, operands, ix, type, takes);
    return type;
  });
  const [first] = types as [Type];
  if (name === 'join' || name === 'sum') checkItems(name, operands, first);
  return found.gives(types);
}

function refuse(name: string, { node, report }: Operands, ix: number, type: Type, takes: readonly Kind[]): void {
  const kinds = [
    ...new Set(
      takes.map((kind) => (kind === 'int' || kind === 'double' ? 'number' : kind === 'record' ? 'map' : kind)),
    ),
  ];
  const message = `\`${name}\` takes ${kinds.join(' or ')} here, not ${nameOf(type)}.`;
  const [receiver, part] = [report.textOf(node, 0), report.textOf(node, 1)];
  const isSearch = name === 'contains' && ix === 0 && (type.is === 'list' || type.is === 'record' || type.is === 'map');
  const hint = isSearch && receiver !== undefined && part !== undefined ? `${part} in ${receiver}` : undefined;
  report.error('expression_type', node, ix, message, hint);
}

/** Items that the function fails at. */
function checkItems(name: string, { node, report }: Operands, type: Type): void {
  const item = mergedItems(type.is === 'list' ? [type.item] : []);
  const wanted = name === 'join' ? item.is === 'text' : isNumber(item);
  if (item.is === 'any' || wanted) return;
  report.error(
    'expression_type',
    node,
    0,
    `\`${name}\` takes a list of ${name === 'join' ? 'texts' : 'numbers'}, not of ${nameOf(item)}.`,
  );
}
