import type { Tree, TreeNode } from '../../domain/expression/tree.js';
import { nearestName } from '../suggestion.js';
import type { ExpressionReport } from './operands.js';
import { pathKey, pathOf, type Facts } from './facts.js';
import { article } from './fits.js';
import { any, isNumber, nonNull, nullable, optional, plain, type Field, type RecordType, type Type } from './type.js';

/** The types of fields and items, and what is wrong with reading them. */
export class AccessTyper {
  readonly #report: ExpressionReport;

  constructor(report: ExpressionReport) {
    this.#report = report;
  }

  /**
   * @param node `.`, `.?`, `[]`, `[?]` or `has`.
   * @param index the type of a computed key; undefined for a written one.
   */
  typeOf(node: TreeNode, container: Type, index: Type | undefined, facts: Facts): Type {
    const [op, target] = node as [string, Tree];
    const isOptional = op === '.?' || op === '[?]' || container.is === 'optional';
    const inner = container.is === 'optional' ? container.item : container;
    if (inner.is === 'null') {
      if (!isOptional) this.#report.error('expression_type', node, 'key', 'null has no members.');
      return isOptional ? optional(any()) : any();
    }
    if (inner.nullable && !isOptional) {
      this.#report.warn('maybe_missing', node, 'key', 'What this reads from may be null.', this.#optionalForm(node));
    }
    const field = index === undefined ? this.#member(node, inner) : this.#item(node, inner, index);
    if (op === 'has') return plain('bool');
    if (isOptional) return optional(field.type);
    const { type } = field;
    // What is known matters only where something may be missing.
    if (!field.optional && !type.nullable) return type;
    const key = pathKey(node);
    if (field.optional && !(key !== undefined && facts.present.has(key))) this.#warnOfAbsence(node, target);
    return key !== undefined && facts.nonNull.has(key) ? nonNull(type) : type;
  }

  #optionalForm(node: TreeNode): string | undefined {
    return node[0] === '.' ? `.?${String(node[2])}` : undefined;
  }

  #warnOfAbsence(node: TreeNode, target: Tree): void {
    const path = pathOf(target);
    if (path?.[0] === 'steps' && path.length === 2 && node[2] === 'outputs') {
      const message = `\`${path[1] as string}\` may have no outputs here: it may be skipped, or fail and be handled.`;
      this.#report.warn('maybe_skipped', node, 'key', message, '.?outputs.?….orValue(…), or test its `status`');
    } else {
      const message = `\`${String(node[2])}\` may be absent.`;
      this.#report.warn('maybe_missing', node, 'key', message, this.#optionalForm(node));
    }
  }

  #member(node: TreeNode, inner: Type): Field {
    const name = node[2] as string;
    const found = (type: Type): Field => ({ type, optional: false });
    switch (inner.is) {
      case 'record':
        return inner.fields.get(name) ?? this.#unknownField(node, name, inner);
      case 'map':
        return found(inner.item);
      case 'any':
        return found(any(inner.tainted));
      default:
        this.#report.error('expression_type', node, 'key', `${article(inner)} has no members.`.replace(/^a/, 'A'));
        return found(any(inner.tainted));
    }
  }

  #unknownField(node: TreeNode, name: string, { fields, open, tainted }: RecordType): Field {
    const target = pathOf(node[1] as Tree);
    // An input that is not declared is told where names are looked up.
    if (target?.length === 1 && target[0] === 'inputs') return { type: any(true), optional: false };
    const isStep = target?.[0] === 'steps' && target.length === 2;
    const outputs = isStep ? fields.get('outputs')?.type : undefined;
    const inOutputs = outputs?.is === 'record' && outputs.fields.has(name) ? `outputs.${name}` : undefined;
    const suggestion = inOutputs ?? nearestName(name, fields.keys());
    const message = `There is no field \`${name}\`${describe(target)}.`;
    if (open) this.#report.warn('path_unknown', node, 'key', `${message.slice(0, -1)} that is known of.`, suggestion);
    else this.#report.error('path_unknown', node, 'key', message, suggestion);
    return { type: any(tainted), optional: false };
  }

  /** A member whose key is computed. */
  #item(node: TreeNode, inner: Type, index: Type): Field {
    const tainted = inner.tainted;
    const refuse = (message: string): Field => {
      this.#report.error('expression_type', node, 1, message);
      return { type: any(tainted), optional: false };
    };
    if (index.nullable) this.#report.warn('maybe_missing', node, 1, 'This may be null.');
    switch (inner.is) {
      case 'list':
        if (index.is !== 'any' && !isNumber(index))
          return refuse(`The index of a list is an int, not ${article(index)}.`);
        return { type: inner.item, optional: false };
      case 'map':
      case 'record':
        if (index.is !== 'any' && index.is !== 'text')
          return refuse(`The key of a map is a text, not ${article(index)}.`);
        return { type: inner.is === 'map' ? inner.item : nullable(any(tainted)), optional: false };
      case 'any':
        return { type: any(tainted), optional: false };
      default:
        return refuse(`${article(inner)} has no members.`.replace(/^a/, 'A'));
    }
  }
}

function describe(path: readonly string[] | undefined): string {
  return path === undefined ? '' : ` in \`${path.join('.')}\``;
}
