import type { Tree } from '../../domain/expression/tree.js';
import { nearestName } from '../suggestion.js';
import { OPTIONAL, suggested, valueOf, type Operands } from './operands.js';
import { pathKey, type Facts } from './facts.js';
import { article } from './fits.js';
import { isNumber, nameOf, plain, type Type } from './type.js';

const ORDERED: ReadonlySet<string> = new Set(['int', 'double', 'text', 'bool', 'timestamp', 'duration']);

function kindOf(type: Type): string {
  return isNumber(type) ? 'number' : nameOf(type);
}

/** `<`, `<=`, `>`, `>=`. */
export function typeOfComparison(op: string, operands: Operands): Type {
  const { node, report } = operands;
  const [a, b] = [valueOf(operands, 0), valueOf(operands, 1)];
  const known = [a, b].findIndex((type) => type.is !== 'any' && !ORDERED.has(type.is));
  if (known !== -1) {
    const message = `\`${op}\` compares numbers, texts, bools and times, not ${nameOf([a, b][known] as Type)}.`;
    report.error('expression_type', node, known, message);
  } else if (a.is !== 'any' && b.is !== 'any' && kindOf(a) !== kindOf(b)) {
    report.error('expression_type', node, 1, unlike(a, b), conversion(operands, a, b));
  }
  return plain('bool');
}

const unlike = (a: Type, b: Type): string => `${capital(article(a))} and ${article(b)} cannot be compared.`;
const capital = (phrase: string): string => phrase.charAt(0).toUpperCase() + phrase.slice(1);

/** The conversion that makes two values comparable. */
function conversion({ node, report }: Operands, a: Type, b: Type): string | undefined {
  const at = a.is === 'text' ? 0 : b.is === 'text' ? 1 : undefined;
  if (at === undefined) return undefined;
  const other = at === 0 ? b : a;
  const name = other.is === 'timestamp' || other.is === 'duration' ? other.is : other.is === 'int' ? 'int' : undefined;
  return name === undefined ? undefined : suggested(report, node, at, name);
}

/** `==` and `!=`. */
export function typeOfEquality(operands: Operands, facts: Facts): Type {
  const { node, trees, types, report } = operands;
  const [a, b] = types as [Type, Type];
  if (a.is === 'any' || b.is === 'any') return plain('bool');
  const nullAt = types.findIndex(({ is }) => is === 'null');
  if (nullAt !== -1) return toNull(operands, 1 - nullAt, facts);
  if ((a.is === 'optional') !== (b.is === 'optional')) {
    report.error('expression_type', node, a.is === 'optional' ? 0 : 1, OPTIONAL, '.orValue(…)');
  } else if (a.is !== 'optional' && kindOf(a) !== kindOf(b)) {
    report.error('expression_type', node, 1, unlike(a, b), conversion(operands, a, b));
  } else if (a.is === 'text' && b.is === 'text') {
    const at = typeof trees[0] === 'string' ? 0 : 1;
    warnOfValues(operands, (at === 0 ? b : a).values, (at === 0 ? a : b).values, at);
  }
  return plain('bool');
}

/** Comparing with null says something only of what can be null. */
function toNull({ node, trees, types, report }: Operands, at: number, facts: Facts): Type {
  const type = types[at] as Type;
  if (type.is === 'optional') {
    report.error('expression_type', node, at, OPTIONAL, '.orValue(null)');
  } else if (!type.nullable && !isNamed(trees[at] as Tree, facts)) {
    report.warn('comparison_never', node, at, 'This is never null.');
  }
  return plain('bool');
}

/** Whether a value is known not to be null only by another test, or is the event, which a run by hand has not. */
function isNamed(tree: Tree, facts: Facts): boolean {
  const key = pathKey(tree);
  return key !== undefined && (key === '["event"]' || facts.nonNull.has(key));
}

function warnOfValues(
  { node, report }: Operands,
  known: readonly string[] | undefined,
  values: readonly string[] | undefined,
  at: number,
): void {
  if (known === undefined || values === undefined || values.some((value) => known.includes(value))) return;
  const all = known.map((value) => `\`${value}\``).join(', ');
  const [only] = values;
  const near = values.length === 1 ? nearestName(only as string, known) : undefined;
  report.warn('comparison_never', node, at, `This is never so: the other side is one of ${all}.`, near);
}

/** `in`. */
export function typeOfMembership(operands: Operands): Type {
  const { node, trees, report } = operands;
  const [wanted, container] = [operands.types[0] as Type, valueOf(operands, 1)];
  if (wanted.is === 'optional') report.error('expression_type', node, 0, OPTIONAL, '.orValue(…)');
  if (container.is === 'text') {
    const [part, whole] = [report.textOf(node, 0), report.textOf(node, 1)];
    const suggestion = part === undefined || whole === undefined ? undefined : `${whole}.contains(${part})`;
    report.error('expression_type', node, 1, '`in` looks into lists and maps, not into a text.', suggestion);
  } else if (container.is !== 'any' && !['list', 'map', 'record'].includes(container.is)) {
    report.error('expression_type', node, 1, `\`in\` looks into lists and maps, not into ${article(container)}.`);
  } else if (container.is === 'list') {
    inList(operands, wanted, container.item, trees[1] as Tree);
  } else if ((container.is === 'map' || container.is === 'record') && wanted.is !== 'any' && wanted.is !== 'text') {
    report.warn('comparison_never', node, 0, `Keys of maps are texts; this is ${article(wanted)}.`);
  }
  return plain('bool');
}

function inList(operands: Operands, wanted: Type, item: Type, tree: Tree): void {
  const { node, report } = operands;
  if (wanted.is === 'any' || item.is === 'any' || wanted.is === 'optional') return;
  const isNullable = wanted.nullable && item.nullable;
  if (kindOf(wanted) !== kindOf(item) && !isNullable) {
    report.warn('comparison_never', node, 1, `The list holds ${nameOf(item)}, never ${nameOf(wanted)}.`);
  } else if (wanted.is === 'text' && wanted.values !== undefined && Array.isArray(tree) && tree[0] === 'l') {
    // Of a written list every item is looked at: one that can never be met is a slip, whatever the others are.
    const list = { ...operands, node: tree };
    tree.slice(1).forEach((value, ix) => {
      if (typeof value === 'string') warnOfValues(list, wanted.values, [value], ix);
    });
  } else if (wanted.is === 'text' && item.is === 'text') {
    warnOfValues(operands, item.values, wanted.values, 0);
  }
}
