import { Environment, ParseError } from '@marcbachmann/cel-js';
import { saysDouble } from '../../domain/expression/numbers.js';
import type { Tree, TreeNode } from '../../domain/expression/tree.js';
import { nearestName } from '../suggestion.js';
import {
  EXPRESSION_LIMITS,
  FORBIDDEN_KEYS,
  FUNCTION_RULES,
  MACRO_ARGUMENTS,
  OTHER_NAMES,
  UNSUPPORTED_FUNCTIONS,
} from './profile.js';

/** What is wrong with an expression; `offset` counts UTF-16 units of its text. */
export interface ExpressionProblem {
  code: string;
  offset: number;
  message: string;
  suggestion?: string;
}

/** A variable that an expression names, with the static keys that follow, and where each of them stands. */
export interface Reference {
  keys: string[];
  offsets: number[];
}

/** Where a part of an expression was written; UTF-16 units of its text. */
export interface Span {
  start: number;
  end: number;
}

/** Where an operation was written. */
export interface NodeSpan extends Span {
  node: TreeNode;
  /** Its operator, key or name. */
  at: number;
  /** Its operands, in their order. */
  parts: readonly Span[];
}

/** Whether a variable with keys is known to hold ints or doubles; undefined where it can be either. */
export type NumberKindOf = (keys: readonly string[]) => 'int' | 'double' | undefined;

export interface ParsedExpression {
  /** Absent when there are problems. */
  tree?: Tree;
  problems: ExpressionProblem[];
  references: Reference[];
  /** Of every operation in the tree. */
  spans: readonly NodeSpan[];
}

interface Ast {
  op: string;
  args: unknown;
  pos: number;
  start: number;
  end: number;
}

// One more level than the limit lets our own count, which takes a chain for one level, speak first.
const environment = new Environment({
  unlistedVariablesAreDyn: true,
  enableOptionalTypes: true,
  limits: { maxDepth: 400, maxAstNodes: 4_000, maxListElements: 1_000, maxMapEntries: 1_000, maxCallArguments: 32 },
});

const CHAINS: ReadonlySet<string> = new Set(['&&', '||', '+']);
/** What has no operands. */
const LEAVES: ReadonlySet<string> = new Set(['value', 'id']);
const NO_PARTS: Span[] = [];
const ACCESSES: ReadonlySet<string> = new Set(['.', '.?', '[]', '[?]']);
const BINARY: ReadonlySet<string> = new Set(['==', '!=', '<', '<=', '>', '>=', 'in', '-', '*']);
const INT_FUNCTIONS: ReadonlySet<string> = new Set(['int', 'size']);

class Translator {
  readonly problems: ExpressionProblem[] = [];
  readonly references: Reference[] = [];
  readonly spans: NodeSpan[] = [];
  readonly #source: string;
  readonly #kindOf: NumberKindOf;
  #locals: string[] = [];
  #nodes = 0;
  /** Operands so far of the operation that is being translated. */
  #parts: Span[] = [];

  constructor(source: string, kindOf: NumberKindOf) {
    this.#source = source;
    this.#kindOf = kindOf;
  }

  report(code: string, offset: number, message: string, suggestion?: string): null {
    this.problems.push({ code, offset, message, ...(suggestion === undefined ? {} : { suggestion }) });
    return null;
  }

  tree(ast: Ast, depth: number): Tree {
    const path = this.#reference(ast);
    if (path !== undefined) this.references.push(path);
    return this.#bounded(ast, depth);
  }

  #bounded(ast: Ast, depth: number): Tree {
    this.#nodes += 1;
    if (this.#nodes === EXPRESSION_LIMITS.nodes + 1)
      return this.report('limit_expression', ast.start, `An expression has at most ${EXPRESSION_LIMITS.nodes} parts.`);
    if (this.#nodes > EXPRESSION_LIMITS.nodes) return null;
    if (depth > EXPRESSION_LIMITS.depth) {
      if (!this.problems.some(({ code }) => code === 'limit_expression'))
        this.report('limit_expression', ast.start, `An expression is at most ${EXPRESSION_LIMITS.depth} levels deep.`);
      return null;
    }
    const siblings = this.#parts;
    const parts: Span[] = LEAVES.has(ast.op) ? NO_PARTS : [];
    this.#parts = parts;
    const tree = this.#translated(ast, depth);
    const { start, end } = ast;
    if (Array.isArray(tree)) this.spans.push({ node: tree, start, end, at: this.#nameOffset(ast), parts });
    this.#parts = siblings;
    siblings.push(ast);
    return tree;
  }

  /** Where what gives an operation its meaning stands: the name of a method behind its receiver, the field that `has` tests. */
  #nameOffset({ op, args, pos }: Ast): number {
    if (op === 'call' && (args as unknown[])[0] === 'has') return (args as [string, Ast[]])[1][0]?.pos ?? pos;
    if (op !== 'rcall') return pos;
    const [name, receiver] = args as [string, Ast];
    return this.#source.indexOf(name, receiver.end);
  }

  #translated(ast: Ast, depth: number): Tree {
    const args = ast.args as unknown[];
    const below = (part: Ast): Tree => this.tree(part, depth + 1);
    switch (ast.op) {
      case 'value':
        return this.#literal(ast);
      case 'id':
        return ['v', ast.args];
      case '.':
      case '.?':
        this.#checkKey(args[1] as string, ast.pos);
        return [ast.op, this.#target(args[0] as Ast, depth, ast), args[1]];
      case '[]':
      case '[?]':
        return [ast.op, this.#target(args[0] as Ast, depth, ast), this.#index(args[1] as Ast, depth)];
      case 'list':
        return ['l', ...(args as Ast[]).map(below)];
      case 'map':
        return this.#map(args as [Ast, Ast][], depth);
      case '?:':
        return ['?', ...(args as Ast[]).map(below)];
      case '-_':
        return this.#negated(ast.args as Ast, depth);
      case '!_':
        return ['!', below(ast.args as Ast)];
      case '/':
      case '%':
        return this.#divided(ast, depth);
      case 'call':
        return this.#call(args[0] as string, args[1] as Ast[], ast, depth, false);
      case 'rcall':
        return this.#call(args[0] as string, [args[1] as Ast, ...(args[2] as Ast[])], ast, depth, true);
      default:
        return this.#operator(ast, depth);
    }
  }

  #operator(ast: Ast, depth: number): Tree {
    if (CHAINS.has(ast.op)) return [ast.op, ...chainOf(ast).map((part) => this.tree(part, depth + 1))];
    if (BINARY.has(ast.op)) return [ast.op, ...(ast.args as Ast[]).map((part) => this.tree(part, depth + 1))];
    return this.report('expression_unsupported', ast.pos, `\`${ast.op}\` is not part of the language.`);
  }

  /** The receiver of an access; where that is a reference as a whole, its beginning is none of its own. */
  #target(ast: Ast, depth: number, access: Ast): Tree {
    return this.#isReference(access) ? this.#bounded(ast, depth + 1) : this.tree(ast, depth + 1);
  }

  #index(ast: Ast, depth: number): Tree {
    if (ast.op === 'value' && typeof ast.args === 'string') this.#checkKey(ast.args, ast.start);
    return this.tree(ast, depth + 1);
  }

  #checkKey(key: string, offset: number): void {
    if (FORBIDDEN_KEYS.has(key)) this.report('template_forbidden_key', offset, `\`${key}\` cannot be read.`);
  }

  #map(entries: [Ast, Ast][], depth: number): Tree {
    const parts = entries.flatMap(([key, value]): [string, Tree][] => {
      if (key.op !== 'value' || typeof key.args !== 'string') {
        this.report('expression_unsupported', key.start, 'Keys of a map are texts in quotes.');
        return [];
      }
      this.#checkKey(key.args, key.start);
      return [[key.args, this.tree(value, depth + 1)]];
    });
    return ['m', ...parts.flat()];
  }

  #negated(operand: Ast, depth: number): Tree {
    const tree = this.tree(operand, depth + 1);
    return typeof tree === 'number' ? 0 - tree : ['neg', tree];
  }

  #divided(ast: Ast, depth: number): Tree {
    const operands = ast.args as [Ast, Ast];
    const trees = operands.map((part) => this.tree(part, depth + 1));
    if (ast.op === '%') return ['%', ...trees];
    const kinds = operands.map((part, ix) => this.#numberKind(part, trees[ix] as Tree));
    return [kinds.every((kind) => kind === 'int') ? '/i' : '/', ...trees];
  }

  /** What the way an operand is written says about its numbers. */
  #numberKind(ast: Ast, tree: Tree): 'int' | 'double' | undefined {
    if (saysDouble(tree)) return 'double';
    if (typeof tree === 'number') return 'int';
    const path = this.#reference(ast);
    if (path !== undefined) return this.#kindOf(path.keys);
    if (!Array.isArray(tree)) return 'int';
    const [op, ...rest] = tree as [string, ...Tree[]];
    if (op === 'c' && INT_FUNCTIONS.has(rest[0] as string)) return 'int';
    if (op === 'c' && String(rest[0]).startsWith('get')) return 'int';
    if (op === '/i') return 'int';
    if (op === '+' || op === '-' || op === '*' || op === '%' || op === 'neg') {
      const parts = op === 'neg' ? [ast.args as Ast] : op === '+' ? chainOf(ast) : (ast.args as Ast[]);
      const kinds = parts.map((part, ix) => this.#numberKind(part, rest[ix] as Tree));
      return kinds.includes('double') ? 'double' : kinds.includes(undefined) ? undefined : 'int';
    }
    return this.#kindOf([]);
  }

  #literal(ast: Ast): Tree {
    const value = ast.args;
    if (typeof value === 'bigint') {
      if (Number.isSafeInteger(Number(value))) return Number(value);
      return this.report('number_range', ast.start, 'An int lies between -(2^53-1) and 2^53-1.');
    }
    if (typeof value === 'number') {
      if (!Number.isFinite(value)) return this.report('number_range', ast.start, 'This number is too large.');
      return Number.isSafeInteger(value) ? ['d', value] : value;
    }
    if (value === null || typeof value === 'string' || typeof value === 'boolean') return value;
    return this.report('expression_unsupported', ast.start, 'Bytes and unsigned numbers are not part of the language.');
  }

  #call(name: string, args: Ast[], ast: Ast, depth: number, isMethod: boolean): Tree {
    const [first] = args;
    const offset = isMethod && first ? this.#nameOffset(ast) : ast.start;
    if (name === 'has' && !isMethod) return this.#has(args, offset, depth);
    if (isMethod && MACRO_ARGUMENTS.has(name)) return this.#macro(name, args, offset, depth);
    const rule = FUNCTION_RULES.get(name);
    if (rule === undefined) return this.#unknown(name, args, offset, isMethod);
    if (rule.form === (isMethod ? 'function' : 'method')) {
      const text = isMethod ? `${name}(x)` : `x.${name}(…)`;
      return this.report('function_unknown', offset, `\`${name}\` is written \`${text}\`.`, text);
    }
    if (args.length < rule.min || args.length > rule.max)
      return this.report('function_unknown', offset, `\`${name}\` does not take ${args.length} arguments.`);
    const last = args.at(-1);
    if (name.startsWith('get') && args.length === 2 && last?.op === 'value' && /[a-z]/.test(String(last.args)))
      return this.report('expression_unsupported', last.start, 'Named time zones are not part of the language.');
    return ['c', name, ...args.map((part) => this.tree(part, depth + 1))];
  }

  #has([target, ...more]: Ast[], offset: number, depth: number): Tree {
    if (target?.op !== '.' || more.length > 0)
      return this.report('expression_unsupported', offset, '`has` takes a field, as in `has(a.b)`.');
    const [object, field] = target.args as [Ast, string];
    const path = this.#reference(target);
    if (path !== undefined) this.references.push(path);
    this.#checkKey(field, target.pos);
    return ['has', this.#target(object, depth, target), field];
  }

  #macro(name: string, args: Ast[], offset: number, depth: number): Tree {
    const [range, variable, ...bodies] = args;
    if (!MACRO_ARGUMENTS.get(name)?.includes(args.length) || variable?.op !== 'id')
      return this.report('expression_unsupported', offset, `\`${name}\` is written \`list.${name}(x, …)\`.`);
    if (this.#locals.length > 0) {
      const message = `\`${name}\` stands inside of another one.`;
      return this.report('expression_nesting', offset, message, 'compute the inner one in a transform before');
    }
    const items = this.tree(range as Ast, depth + 1);
    this.#locals = [variable.args as string];
    const trees = bodies.map((body) => this.tree(body, depth + 1));
    this.#locals = [];
    return [name, items, variable.args, ...trees];
  }

  #unknown(name: string, args: Ast[], offset: number, isMethod: boolean): null {
    if (name === 'matches')
      return this.report('regex_unsafe', offset, 'Regular expressions are left out.', 'glob(text, pattern)');
    const [first] = args;
    const ofNamespace =
      isMethod && first?.op === 'id' && ['optional', 'cel', 'math', 'strings'].includes(String(first.args));
    if (ofNamespace || UNSUPPORTED_FUNCTIONS.has(name))
      return this.report('expression_unsupported', offset, `\`${name}\` is not part of the language.`);
    const known = [...FUNCTION_RULES.keys(), ...MACRO_ARGUMENTS.keys(), 'has'];
    const other = name === 'now' ? 'now' : (OTHER_NAMES.get(name) ?? nearestName(name, known));
    return this.report('function_unknown', offset, `There is no function \`${name}\`.`, other);
  }

  /** The variable and static keys of a chain of accesses; undefined for other expressions and for macro variables. */
  #reference(ast: Ast): Reference | undefined {
    if (!this.#isReference(ast)) return undefined;
    const keys: string[] = [];
    const offsets: number[] = [];
    let at = ast;
    while (at.op !== 'id') {
      const [target, key] = at.args as [Ast, Ast | string];
      keys.push(typeof key === 'string' ? key : (key.args as string));
      offsets.push(typeof key === 'string' ? at.pos : key.start);
      at = target;
    }
    keys.push(at.args as string);
    offsets.push(at.start);
    return { keys: keys.reverse(), offsets: offsets.reverse() };
  }

  #isReference(ast: Ast): boolean {
    let at = ast;
    while (ACCESSES.has(at.op)) {
      const [target, key] = at.args as [Ast, Ast | string];
      if (typeof key !== 'string' && (key.op !== 'value' || typeof key.args !== 'string')) return false;
      at = target;
    }
    return at.op === 'id' && !this.#locals.includes(at.args as string);
  }
}

/** The operands of a chain `a + b + c`, in order. */
function chainOf(ast: Ast): Ast[] {
  const operands: Ast[] = [];
  let left = ast;
  while (left.op === ast.op) {
    const [first, second] = left.args as [Ast, Ast];
    operands.unshift(second);
    left = first;
  }
  operands.unshift(left);
  // Sums in brackets on the left are numbers or texts all the same: `(a + b) + c` is `a + b + c`.
  return operands;
}

function syntaxProblem(source: string, error: ParseError): ExpressionProblem {
  const offset = Math.min(error.range?.start ?? 0, source.length);
  if (error.code === 'limit_exceeded')
    return { code: 'limit_expression', offset, message: 'The expression has too many parts or levels.' };
  if (source.charAt(offset) === '|' && source.charAt(offset + 1) !== '|') {
    const name = /^\|\s*(\w+)/.exec(source.slice(offset))?.[1] ?? '';
    const value = source.slice(0, offset).trim();
    const known = OTHER_NAMES.get(name) ?? nearestName(name, FUNCTION_RULES.keys());
    const call = known === undefined ? undefined : callOf(known, value);
    return {
      code: 'filter_unknown',
      offset,
      message: 'There are no filters; call a function.',
      ...(call === undefined ? {} : { suggestion: call }),
    };
  }
  const found = source.slice(offset).trim();
  const word = /^(\w+|\S)/.exec(found)?.[1];
  const message =
    error.code === 'unterminated_string'
      ? 'A quote is not closed.'
      : word === undefined
        ? 'The expression ends too early.'
        : `\`${word}\` was not expected here.`;
  return { code: 'template_syntax', offset, message };
}

function callOf(name: string, value: string): string {
  return FUNCTION_RULES.get(name)?.form === 'method' ? `${value}.${name}()` : `${name}(${value})`;
}

/**
 * An expression in the profile of language §7.1 as a tree. Names are only collected, not looked up.
 * @param kindOf what is known of numbers where the expression itself does not say; by default nothing, so that who knows
 *   types has to look at `/` again.
 */
export function parseExpression(source: string, kindOf: NumberKindOf = () => undefined): ParsedExpression {
  const failed = (problem: ExpressionProblem): ParsedExpression => ({
    problems: [problem],
    references: [],
    spans: [],
  });
  if (source.trim() === '')
    return failed({ code: 'template_syntax', offset: 0, message: 'An expression cannot be empty.' });
  if (source.length > EXPRESSION_LIMITS.chars) {
    const message = `An expression has at most ${EXPRESSION_LIMITS.chars} characters.`;
    return failed({ code: 'limit_expression', offset: 0, message });
  }
  let ast: Ast;
  try {
    ast = environment.parse(source).ast;
  } catch (error) {
    if (error instanceof ParseError) return failed(syntaxProblem(source, error));
    throw error;
  }
  const translator = new Translator(source, kindOf);
  const tree = translator.tree(ast, 1);
  const { problems, references, spans } = translator;
  return { ...(problems.length > 0 ? {} : { tree }), problems, references, spans };
}
