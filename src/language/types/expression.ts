import type { Tree, TreeNode } from '../../domain/expression/tree.js';
import { AccessTyper } from './access.js';
import { negated, ratio, sumOf, typeOfProduct } from './arithmetic.js';
import { typeOfComparison, typeOfEquality, typeOfMembership } from './comparisons.js';
import { factsOf, factsOfStatusTests, joined, NO_FACTS, without, type Facts } from './facts.js';
import { typeOfCall } from './functions.js';
import { mergedItems } from './json-schema.js';
import { article } from './fits.js';
import { OPTIONAL, suggested, type ExpressionReport } from './operands.js';
import { any, list, merge, nonNull, optional, plain, record, text, type Field, type Type } from './type.js';

/** What an expression can see. */
export interface TypeScope {
  variable(name: string): Type | undefined;
  /** `steps.<id>`. */
  step(id: string): Type | undefined;
  facts: Facts;
}

const MACROS: ReadonlySet<string> = new Set(['all', 'exists', 'exists_one', 'filter', 'map']);

/** Finds the type of one expression and reports what can never work in it (language §6.2, §7.2). */
export class ExpressionTyper {
  readonly #report: ExpressionReport;
  readonly #scope: TypeScope;
  readonly #access: AccessTyper;
  #facts: Facts;
  #local: { name: string; type: Type } | undefined;

  constructor(report: ExpressionReport, scope: TypeScope) {
    this.#report = report;
    this.#scope = scope;
    this.#facts = scope.facts;
    this.#access = new AccessTyper(report);
  }

  /** The type of the whole expression. Also chooses the operator of divisions. */
  typeOfRoot(tree: Tree): Type {
    this.#facts = joined(this.#scope.facts, factsOfStatusTests(tree));
    return this.typeOf(tree);
  }

  typeOf(tree: Tree): Type {
    if (tree === null) return plain('null');
    if (typeof tree === 'string') return text(false, [tree]);
    if (typeof tree === 'boolean') return plain('bool');
    if (typeof tree === 'number') return plain(Number.isSafeInteger(tree) ? 'int' : 'double');
    return this.#node(tree);
  }

  #node(node: TreeNode): Type {
    const [op, first] = node;
    if (MACROS.has(op)) return this.#macro(node);
    switch (op) {
      case 'v':
        return this.#variable(first as string);
      case 'd':
        return plain('double');
      case 'q':
        return any();
      case '.':
      case '.?':
      case '[]':
      case '[?]':
      case 'has':
        return this.#accessed(node);
      case 'l':
        return list(mergedItems(node.slice(1).map((part, ix) => this.#stored(node, part as Tree, ix))));
      case 'm':
        return this.#map(node);
      case 't':
        return this.#text(node);
      case '?':
        return this.#conditional(node);
      case '&&':
      case '||':
        return this.#chain(node);
      default:
        return this.#operator(node);
    }
  }

  #variable(name: string): Type {
    const type = (this.#local?.name === name ? this.#local.type : this.#scope.variable(name)) ?? any(true);
    return type.nullable && this.#facts.nonNull.has(JSON.stringify([name])) ? nonNull(type) : type;
  }

  #accessed(node: TreeNode): Type {
    const [op, target, key] = node as [string, Tree, Tree];
    if (typeof key === 'string' && Array.isArray(target) && target[0] === 'v' && target[1] === 'steps') {
      const type = this.#scope.step(key) ?? any(true);
      return op === 'has' ? plain('bool') : op === '.?' || op === '[?]' ? optional(type) : type;
    }
    const isField = op === '.' || op === '.?' || op === 'has' || typeof key === 'string';
    const container = this.typeOf(target);
    const wanted = isField ? undefined : this.typeOf(key);
    return this.#access.typeOf(node, container, wanted, this.#facts);
  }

  /** A value inside of a list or map, where no optional may be. */
  #stored(node: TreeNode, part: Tree, ix: number): Type {
    const type = this.typeOf(part);
    if (type.is !== 'optional') return type;
    this.#report.error('expression_type', node, ix, OPTIONAL, '.orValue(…)');
    return type.item;
  }

  #map(node: TreeNode): Type {
    const fields = new Map<string, Field>();
    for (let ix = 1; ix < node.length; ix += 2) {
      const type = this.#stored(node, node[ix + 1] as Tree, (ix - 1) / 2);
      fields.set(node[ix] as string, { type, optional: false });
    }
    return record(fields);
  }

  #text(node: TreeNode): Type {
    let tainted = false;
    node.slice(1).forEach((part, ix) => {
      if (typeof part === 'string') return;
      const type = this.#textPart(node, part as Tree, ix);
      tainted ||= type.tainted;
    });
    return text(tainted);
  }

  #textPart(node: TreeNode, part: Tree, ix: number): Type {
    const type = this.typeOf(part);
    const shown = type.is === 'optional' ? type.item : type;
    if (shown.is === 'list' || shown.is === 'map' || shown.is === 'record') {
      const message = `A text cannot hold ${article(shown)}.`;
      this.#report.error('expression_type', node, ix, message, suggested(this.#report, node, ix, 'json'));
    } else if (shown.is === 'null') {
      this.#report.error('expression_type', node, ix, 'A text cannot hold null.');
    } else if (type.is === 'optional' || shown.nullable) {
      const message = 'This may be null or absent, which a text cannot hold.';
      this.#report.warn('maybe_missing', node, ix, message, type.is === 'optional' ? '.orValue("…")' : undefined);
    }
    return shown;
  }

  #conditional(node: TreeNode): Type {
    const [, condition, then, otherwise] = node as [string, Tree, Tree, Tree];
    this.#bool(node, this.typeOf(condition), 0);
    const one = this.#assuming(factsOf(condition, true), () => this.typeOf(then));
    const other = this.#assuming(factsOf(condition, false), () => this.typeOf(otherwise));
    return merge(one, other);
  }

  #assuming<T>(facts: Facts, work: () => T): T {
    const before = this.#facts;
    this.#facts = joined(before, facts);
    const done = work();
    this.#facts = before;
    return done;
  }

  /** An operand that is decided otherwise makes the errors of the others vanish, so each may rely on all others. */
  #chain(node: TreeNode): Type {
    const [op, ...parts] = node as [string, ...Tree[]];
    const facts = parts.map((part) => factsOf(part, op === '&&'));
    parts.forEach((part, ix) => {
      const others = facts.filter((_, other) => other !== ix).reduce(joined, NO_FACTS);
      this.#bool(
        node,
        this.#assuming(others, () => this.typeOf(part)),
        ix,
      );
    });
    return plain('bool');
  }

  #bool(node: TreeNode, type: Type, ix: number): void {
    if (type.is === 'any' || (type.is === 'bool' && !type.nullable)) return;
    if (type.is === 'bool')
      this.#report.warn('maybe_missing', node, ix, 'This may be null, which is neither true nor false.');
    else if (type.is === 'optional') this.#report.error('expression_type', node, ix, OPTIONAL, '.orValue(false)');
    else this.#report.error('expression_type', node, ix, `This is ${article(type)}, not true or false.`);
  }

  #operator(node: TreeNode): Type {
    const [op, name] = node;
    const trees = node.slice(op === 'c' ? 2 : 1) as Tree[];
    const operands = { node, trees, types: trees.map((part) => this.typeOf(part)), report: this.#report };
    switch (op) {
      case 'c':
        return typeOfCall(name as string, operands);
      case '!':
        this.#bool(node, operands.types[0] as Type, 0);
        return plain('bool');
      case '==':
      case '!=':
        return typeOfEquality(operands, this.#facts);
      case 'in':
        return typeOfMembership(operands);
      case '+':
        return sumOf(operands);
      case '-':
      case '*':
        return typeOfProduct(op, operands);
      case 'neg':
        return negated(operands);
      case '/':
      case '/i':
      case '%':
        return ratio(operands);
      default:
        return typeOfComparison(op, operands);
    }
  }

  #macro(node: TreeNode): Type {
    const [op, range, name, ...bodies] = node as [string, Tree, string, ...Tree[]];
    const items = this.#range(node, this.typeOf(range));
    const facts = this.#facts;
    this.#local = { name, type: items };
    this.#facts = without(facts, [name]);
    const [first, second] = bodies as [Tree, Tree?];
    const type = this.typeOf(first);
    if (op !== 'map' || second !== undefined) this.#bool(node, type, 1);
    const made = second === undefined ? type : this.#assuming(factsOf(first, true), () => this.typeOf(second));
    this.#local = undefined;
    this.#facts = facts;
    if (op === 'filter') return list(refined(items, name, factsOf(first, true)));
    return op === 'map' ? list(made) : plain('bool');
  }

  /** What a macro goes over: the items of a list, the keys of a map. */
  #range(node: TreeNode, type: Type): Type {
    if (type.nullable && type.is !== 'null') this.#report.warn('maybe_missing', node, 0, 'This may be null.');
    if (type.is === 'list') return type.item;
    if (type.is === 'map') return text(type.tainted);
    if (type.is === 'record') return type.open ? text(type.tainted) : text(false, [...type.fields.keys()]);
    if (type.is !== 'any') {
      this.#report.error('expression_type', node, 0, `\`${node[0]}\` goes over lists and maps, not ${article(type)}.`);
    }
    return any(type.tainted);
  }
}

/** Items of which is known what a filter asked for. */
function refined(item: Type, name: string, facts: Facts): Type {
  if (item.is !== 'record') return facts.nonNull.has(JSON.stringify([name])) ? nonNull(item) : item;
  const fields = [...item.fields].map(([field, { type, optional: mayLack }]): [string, Field] => {
    const key = JSON.stringify([name, field]);
    return [
      field,
      { type: facts.nonNull.has(key) ? nonNull(type) : type, optional: mayLack && !facts.present.has(key) },
    ];
  });
  return record(new Map(fields), item.open);
}
