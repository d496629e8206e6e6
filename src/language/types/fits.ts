import { isNumber, nameOf, type RecordType, type Type } from './type.js';

/** Why no value of a type is one of the other; undefined where some may be. */
export function misfit(from: Type, to: Type): string | undefined {
  if (from.is === 'any' || to.is === 'any') return undefined;
  if (from.is === 'null') return to.nullable ? undefined : `null is given, ${article(to)} is wanted`;
  if (from.is === 'text' && to.is === 'text') return textMisfit(from.values, to.values);
  // Times become text where they are stored.
  if ((from.is === 'timestamp' || from.is === 'duration') && to.is === 'text') return undefined;
  if (isNumber(from) && isNumber(to)) return undefined;
  if (from.is === 'list' && to.is === 'list') return inside('an item', misfit(from.item, to.item));
  if (from.is === 'record' && to.is === 'record') return recordMisfit(from, to);
  if (from.is === 'map' && to.is === 'map') return inside('a member', misfit(from.item, to.item));
  if (from.is === 'record' && to.is === 'map') {
    return fieldMisfit(from, (name) => ({ name, type: to.item }));
  }
  if (from.is === 'map' && to.is === 'record') return undefined;
  return from.is === to.is ? undefined : `${article(from)} is given, ${article(to)} is wanted`;
}

function textMisfit(from: readonly string[] | undefined, to: readonly string[] | undefined): string | undefined {
  if (from === undefined || to === undefined || from.some((value) => to.includes(value))) return undefined;
  const quoted = (values: readonly string[]): string => values.map((value) => `\`${value}\``).join(' or ');
  return `${quoted(from)} is given, ${quoted(to)} is wanted`;
}

function recordMisfit(from: RecordType, to: RecordType): string | undefined {
  for (const [name, { optional }] of to.fields) {
    if (!optional && !from.open && !from.fields.has(name)) return `the field \`${name}\` is missing`;
  }
  if (!to.open) {
    for (const [name, { optional }] of from.fields) {
      if (!optional && !to.fields.has(name)) return `there is no field \`${name}\``;
    }
  }
  return fieldMisfit(from, (name) => to.fields.get(name));
}

function fieldMisfit(from: RecordType, wanted: (name: string) => { type: Type } | undefined): string | undefined {
  for (const [name, { type, optional }] of from.fields) {
    const to = wanted(name);
    const reason = to === undefined || optional ? undefined : misfit(type, to.type);
    if (reason !== undefined) return `in \`${name}\` ${reason}`;
  }
  return undefined;
}

function inside(where: string, reason: string | undefined): string | undefined {
  return reason === undefined ? undefined : `as ${where} ${reason}`;
}

/** A type's name in a sentence. */
export function article(type: Type): string {
  const name = nameOf(type);
  return name === 'null' ? name : `${/^[aeio]/.test(name) ? 'an' : 'a'} ${name}`;
}
