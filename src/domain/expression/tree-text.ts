import type { Tree, TreeNode } from './tree.js';

const INFIX: ReadonlySet<string> = new Set(['+', '-', '*', '/', '%', '==', '!=', '<', '<=', '>', '>=', 'in']);
const MACROS: ReadonlySet<string> = new Set(['all', 'exists', 'exists_one', 'filter', 'map']);
/** Functions that are written before their arguments; all others follow their first one, as methods. */
const PREFIX: ReadonlySet<string> = new Set([
  'size',
  'string',
  'int',
  'double',
  'bool',
  'timestamp',
  'duration',
  'glob',
  'json',
  'parseJson',
  'keys',
  'sum',
  'min',
  'max',
  'sort',
  'distinct',
  'uid',
  'trust',
]);
const NAME = /^[A-Za-z_]\w*$/;

/** An expression as its author could have written it: the same meaning, not always the same characters. */
export function treeText(tree: Tree): string {
  return typeof tree === 'object' && tree !== null ? nodeText(tree) : JSON.stringify(tree);
}

function part(value: unknown): string {
  return treeText(value as Tree);
}

/** An operand: what an operator made gets parentheses, so that no precedence has to be known. */
function operand(value: unknown): string {
  const text = part(value);
  const op = Array.isArray(value) ? String(value[0]) : '';
  return INFIX.has(op) || op === '/i' || op === '&&' || op === '||' || op === '?' ? `(${text})` : text;
}

function access(target: unknown, key: unknown, optional: boolean): string {
  if (typeof key === 'string' && NAME.test(key)) return `${operand(target)}.${optional ? '?' : ''}${key}`;
  return `${operand(target)}[${optional ? '?' : ''}${part(key)}]`;
}

function nodeText([op, ...args]: TreeNode): string {
  const [first, second, third] = args;
  if (op === '&&' || op === '||' || INFIX.has(op) || op === '/i') {
    return args.map(operand).join(` ${op === '/i' ? '/' : op} `);
  }
  if (MACROS.has(op)) return `${operand(first)}.${op}(${[String(second), ...args.slice(2).map(part)].join(', ')})`;
  switch (op) {
    case 'v':
      return String(first);
    case '.':
    case '[]':
      return access(first, second, false);
    case '.?':
    case '[?]':
      return access(first, second, true);
    case 'has':
      return `has(${access(first, second, false)})`;
    case '!':
    case 'neg':
      return `${op === '!' ? '!' : '-'}${operand(first)}`;
    case '?':
      return `${operand(first)} ? ${operand(second)} : ${operand(third)}`;
    case 'c':
      return call(String(first), args.slice(1));
    default:
      return literal(op, args);
  }
}

function call(name: string, args: readonly unknown[]): string {
  if (PREFIX.has(name)) return `${name}(${args.map(part).join(', ')})`;
  return `${operand(args[0])}.${name}(${args.slice(1).map(part).join(', ')})`;
}

function literal(op: string, args: readonly unknown[]): string {
  switch (op) {
    case 'd':
      return Number.isInteger(args[0]) ? `${String(args[0])}.0` : String(args[0]);
    case 'q':
      return JSON.stringify(args[0]);
    case 'l':
      return `[${args.map(part).join(', ')}]`;
    case 'm':
      return `{${args.flatMap((key, ix) => (ix % 2 === 0 ? [`${JSON.stringify(key)}: ${part(args[ix + 1])}`] : [])).join(', ')}}`;
    case 't':
      return `"${args.map((one) => (typeof one === 'string' ? one : `{{ ${part(one)} }}`)).join('')}"`;
    default:
      return `${op}(${args.map(part).join(', ')})`;
  }
}
