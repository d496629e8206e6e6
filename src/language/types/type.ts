/** What is known of a value before anything runs (language §6.2). Immutable; parts are shared. */
export type Type = AnyType | PlainType | TextType | HoldingType | RecordType;

interface Common {
  /** May be null; of `any` nothing is known, so it is false there. */
  readonly nullable: boolean;
  /** Whether a text in it, at any depth, may come from outside (language §7.5). */
  readonly tainted: boolean;
  /** Number of types in it. */
  readonly weight: number;
}

export interface AnyType extends Common {
  readonly is: 'any';
}

export interface PlainType extends Common {
  readonly is: 'null' | 'bool' | 'int' | 'double' | 'timestamp' | 'duration';
}

export interface TextType extends Common {
  readonly is: 'text';
  /** All that it can be, where that is a closed set. */
  readonly values?: readonly string[];
}

/** `item` is that of a list, the member of a map, or what an optional may hold. */
export interface HoldingType extends Common {
  readonly is: 'list' | 'map' | 'optional';
  readonly item: Type;
}

export interface RecordType extends Common {
  readonly is: 'record';
  readonly fields: ReadonlyMap<string, Field>;
  /** Whether there may be others. */
  readonly open: boolean;
}

export interface Field {
  readonly type: Type;
  /** May be absent. */
  readonly optional: boolean;
}

/** A type with more in it becomes `any`: values that hold each other could double with every step. */
const MAX_WEIGHT = 2_000;

const anyClean: AnyType = { is: 'any', nullable: false, tainted: false, weight: 1 };
const anyTainted: AnyType = { ...anyClean, tainted: true };

/** A value of which nothing is known. */
export function any(tainted = false): AnyType {
  return tainted ? anyTainted : anyClean;
}

const plainOf = (is: PlainType['is']): PlainType => ({ is, nullable: is === 'null', tainted: false, weight: 1 });
const PLAIN: Readonly<Record<PlainType['is'], PlainType>> = {
  null: plainOf('null'),
  bool: plainOf('bool'),
  int: plainOf('int'),
  double: plainOf('double'),
  timestamp: plainOf('timestamp'),
  duration: plainOf('duration'),
};

/** A type without parts and without text. */
export function plain(is: PlainType['is']): PlainType {
  return PLAIN[is];
}

const textClean: TextType = { is: 'text', nullable: false, tainted: false, weight: 1 };
const textTainted: TextType = { is: 'text', nullable: false, tainted: true, weight: 1 };

/** A text. One of a closed set is never tainted: whoever chose it could choose nothing else. */
export function text(tainted = false, values?: readonly string[]): TextType {
  if (values !== undefined) return { is: 'text', nullable: false, tainted: false, weight: 1, values };
  return tainted ? textTainted : textClean;
}

function holding(is: HoldingType['is'], item: Type): Type {
  const { tainted } = item;
  const weight = item.weight + 1;
  return weight > MAX_WEIGHT ? any(tainted) : { is, item, nullable: false, tainted, weight };
}

export const list = (item: Type): Type => holding('list', item);
export const map = (item: Type): Type => holding('map', item);
/** What `.?` gives. An optional of an optional is that optional. */
export const optional = (item: Type): Type => (item.is === 'optional' ? item : holding('optional', item));

/** A map with known fields. */
export function record(fields: ReadonlyMap<string, Field>, open = false): Type {
  let weight = 1;
  let tainted = false;
  for (const { type } of fields.values()) {
    weight += type.weight;
    tainted ||= type.tainted;
  }
  return weight > MAX_WEIGHT ? any(tainted) : { is: 'record', fields, open, nullable: false, tainted, weight };
}

/** A closed record of which every field is there. */
export function recordOf(
  fields: Readonly<Record<string, Type>>,
  optionalFields: Readonly<Record<string, Type>> = {},
): Type {
  const entries = (types: Readonly<Record<string, Type>>, isOptional: boolean): [string, Field][] =>
    Object.entries(types).map(([name, type]) => [name, { type, optional: isOptional }]);
  return record(new Map([...entries(fields, false), ...entries(optionalFields, true)]));
}

/** The same, or null. */
export function nullable(type: Type): Type {
  return type.nullable || type.is === 'any' ? type : { ...type, nullable: true };
}

/** The same, surely not null. */
export function nonNull(type: Type): Type {
  return type.nullable && type.is !== 'null' ? { ...type, nullable: false } : type;
}

/** The type with all its texts from outside, or with none of them. */
export function withTaint(type: Type, tainted: boolean): Type {
  switch (type.is) {
    case 'any':
      return any(tainted);
    case 'text':
      return type.values === undefined && type.tainted !== tainted ? { ...type, tainted } : type;
    case 'list':
    case 'map':
    case 'optional': {
      const item = withTaint(type.item, tainted);
      return item === type.item ? type : { ...type, item, tainted: item.tainted };
    }
    case 'record':
      return recordWithTaint(type, tainted);
    default:
      return type;
  }
}

function recordWithTaint(type: RecordType, tainted: boolean): Type {
  if (!tainted && !type.tainted) return type;
  const fields = [...type.fields].map(([name, field]): [string, Field] => [
    name,
    { ...field, type: withTaint(field.type, tainted) },
  ]);
  const changed = { ...record(new Map(fields), type.open), nullable: type.nullable };
  return tainted && type.open ? { ...changed, tainted } : changed;
}

/** What a value is that may be of either type: equal parts merge, else nothing is known. */
export function merge(a: Type, b: Type): Type {
  if (a === b) return a;
  const merged = mergedBase(a, b);
  return a.nullable || b.nullable ? nullable(merged) : merged;
}

function mergedBase(a: Type, b: Type): Type {
  if (a.is === 'null') return b;
  if (b.is === 'null') return a;
  const tainted = a.tainted || b.tainted;
  if (isNumber(a) && isNumber(b)) return plain(a.is === b.is ? a.is : 'double');
  if (a.is === 'text' && b.is === 'text') return mergedTexts(a, b);
  if (a.is === 'record' && b.is === 'record') return mergedRecords(a, b);
  if ('item' in a && 'item' in b && a.is === b.is) return holding(a.is, merge(a.item, b.item));
  if (a.is === b.is && a.is !== 'any') return a;
  return any(tainted);
}

function mergedTexts(a: TextType, b: TextType): Type {
  const tainted = a.tainted || b.tainted;
  if (a.values === undefined || b.values === undefined) return text(tainted);
  return text(false, [...new Set([...a.values, ...b.values])]);
}

function mergedRecords(a: RecordType, b: RecordType): Type {
  const fields = new Map<string, Field>();
  for (const name of new Set([...a.fields.keys(), ...b.fields.keys()])) {
    const [one, other] = [a.fields.get(name), b.fields.get(name)];
    if (one !== undefined && other !== undefined) {
      fields.set(name, { type: merge(one.type, other.type), optional: one.optional || other.optional });
    } else {
      const { type } = (one ?? other) as Field;
      // An open record may have a field of that name too, of any type.
      const isOpen = one === undefined ? a.open : b.open;
      fields.set(name, { type: isOpen ? any(type.tainted || a.tainted || b.tainted) : type, optional: true });
    }
  }
  return record(fields, a.open || b.open);
}

/** Whether a value is a number. */
export function isNumber(type: Type): type is PlainType & { is: 'int' | 'double' } {
  return type.is === 'int' || type.is === 'double';
}

/** What people call it. */
export function nameOf(type: Type): string {
  if (type.is === 'double') return 'number';
  return type.is === 'record' ? 'map' : type.is;
}
