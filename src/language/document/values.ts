import { isJsonObject, type Json, type JsonObject } from '../../domain/json.js';
import { readsOfTree } from '../../domain/expression/reads.js';
import type { Tree, TreeNode } from '../../domain/expression/tree.js';
import type { Val } from '../../domain/plan.js';
import { parseExpression } from '../expression/parse.js';
import { findOutsideQuotes, splitTemplate } from '../expression/template.js';
import { pointerToken } from '../source.js';
import { checkReference, type Names, type NameScope, type Spot } from './names.js';

/** Placeholders of one document, at most (language §9). */
const MAX_PLACEHOLDERS = 1_000;

/** Turns values with templates into those of a plan. */
export class Values {
  readonly #names: Names;

  constructor(names: Names) {
    this.#names = names;
  }

  /** A value field: templates at any depth. */
  value(json: Json, pointer: string, scope: NameScope): Val {
    if (typeof json === 'string') return this.#text(json, pointer, scope);
    if (Array.isArray(json)) return json.map((item, ix) => this.value(item, `${pointer}/${ix}`, scope));
    if (!isJsonObject(json)) return json;
    if (isSecretReference(json)) {
      const message = 'A secret can only be given to an input of an action that takes one.';
      this.#names.report.add('secret_context_forbidden', pointer, message);
      return null;
    }
    return this.#map(json, pointer, (member, key) => this.value(member, `${pointer}/${pointerToken(key)}`, scope));
  }

  #map(json: JsonObject, pointer: string, valueOf: (member: Json, key: string) => Val): Val {
    const entries = Object.entries(json).map(([key, member]): [string, Val] => [key, valueOf(member, key)]);
    const map = Object.fromEntries(entries);
    if (!Object.hasOwn(json, '$')) return map;
    return { $: this.#placed(['m', ...entries.flatMap(([key, member]) => [key, treeOf(member)])], pointer) };
  }

  /** Remembers where an operation was written that no expression holds. */
  #placed(node: TreeNode, pointer: string): TreeNode {
    this.#names.places.add({ pointer, offset: 0 }, '', [{ node, start: 0, end: 0, at: 0, parts: [] }]);
    return node;
  }

  #text(text: string, pointer: string, scope: NameScope): Val {
    if (!text.includes('{{')) {
      this.#warnOfExpression(text, pointer);
      return text;
    }
    const { report } = this.#names;
    const split = splitTemplate(text);
    if ('code' in split) {
      report.add(split.code, pointer, 'The placeholder is not closed.', { offset: split.offset });
      return text;
    }
    const [first] = split.parts;
    const parts = split.parts.map((part) =>
      'text' in part ? part.text : this.#placeholder(part.expression, { pointer, offset: part.offset }, scope),
    );
    if (parts.length === 1 && first !== undefined) return { $: parts[0] as Tree };
    const spans = split.parts.map((part) => {
      const start = 'text' in part ? 0 : part.offset;
      return { start, end: 'text' in part ? 0 : start + part.expression.length };
    });
    const node: TreeNode = ['t', ...parts];
    this.#names.places.add({ pointer, offset: 0 }, text, [{ node, start: 0, end: 0, at: 0, parts: spans }]);
    return { $: node };
  }

  #warnOfExpression(text: string, pointer: string): void {
    const match = /^(inputs|steps)\.(\w+)(\.\w+)*$/.exec(text);
    if (match === null) return;
    const known = match[1] === 'inputs' ? this.#names.inputs : this.#names.steps;
    if (!known.has(match[2] as string)) return;
    const suggestion = `'{{${text}}}'`;
    this.#names.report.add('looks_like_expression', pointer, 'This is a text, not an expression.', { suggestion });
  }

  #placeholder(source: string, spot: Spot, scope: NameScope): Tree {
    this.#names.placeholders += 1;
    if (this.#names.placeholders === MAX_PLACEHOLDERS + 1) {
      const message = `A document has at most ${MAX_PLACEHOLDERS} placeholders.`;
      this.#names.report.add('limit_tags', spot.pointer, message, { offset: spot.offset });
    }
    return this.#expression(source, spot, scope);
  }

  /** A condition: an expression field that must be true or false. */
  condition(json: Json, pointer: string, scope: NameScope): Tree {
    const tree = this.expression(json, pointer, scope);
    // An expression with an error of its own is null as well.
    const isText = typeof json === 'string' && !/^\s*(\{\{)?\s*null\s*(\}\})?\s*$/.test(json);
    if (typeof tree === 'boolean' || (isText && (tree === null || Array.isArray(tree)))) return tree;
    this.#names.report.add('expression_type', pointer, 'A condition is true or false.');
    return tree;
  }

  /** An expression field: bare, or one whole placeholder; other values than texts are themselves. */
  expression(json: Json, pointer: string, scope: NameScope): Tree {
    if (typeof json !== 'string') return treeOf(this.value(json, pointer, scope));
    const start = json.length - json.trimStart().length;
    const offset = findOutsideQuotes(json, '{{', start);
    if (offset === undefined) return this.#expression(json, { pointer, offset: 0 }, scope);
    const split = splitTemplate(json.trimEnd());
    if ('code' in split) {
      const message = 'The placeholder is not closed.';
      this.#names.report.add(split.code, pointer, message, { offset: split.offset });
      return null;
    }
    const parts = split.parts.filter((part) => !('text' in part) || part.text.trim() !== '');
    const [only] = parts;
    if (parts.length === 1 && only !== undefined && 'expression' in only)
      return this.#placeholder(only.expression, { pointer, offset: only.offset }, scope);
    const message = 'This field is one expression, not a text with placeholders.';
    this.#names.report.add('expression_mixed', pointer, message, { offset, suggestion: 'write it without {{ }}' });
    return null;
  }

  #expression(source: string, spot: Spot, scope: NameScope): Tree {
    const { report, steps, places } = this.#names;
    const dashed = dashedStep(source, steps);
    if (dashed !== undefined) {
      const message = `\`${dashed.text}\` is a subtraction.`;
      const { suggestion } = dashed;
      report.add('identifier_dash', spot.pointer, message, { offset: spot.offset + dashed.offset, suggestion });
      return null;
    }
    const parsed = parseExpression(source);
    for (const { code, offset, message, suggestion } of parsed.problems)
      report.add(code, spot.pointer, message, { offset: spot.offset + offset, suggestion });
    for (const reference of parsed.references) checkReference(this.#names, reference, scope, spot);
    if (parsed.tree === undefined) return null;
    places.add(spot, source, parsed.spans);
    this.#names.reads.push(...readsOfTree(parsed.tree));
    return parsed.tree;
  }
}

function dashedStep(
  source: string,
  steps: ReadonlyMap<string, unknown>,
): { text: string; offset: number; suggestion: string } | undefined {
  const match = source.includes('-') ? /\bsteps\.([A-Za-z]\w*(?:-\w+)+)/.exec(source) : null;
  if (match === null) return undefined;
  const id = match[1] as string;
  return steps.has(id) ? { text: match[0], offset: match.index + 6, suggestion: `steps["${id}"]` } : undefined;
}

/** Whether a value is written as a reference to a secret: `{secret: path}`. */
export function isSecretReference(json: Json | undefined): json is { secret: string } {
  return isJsonObject(json) && typeof json['secret'] === 'string' && Object.keys(json).length === 1;
}

/** An expression as a value of a plan; a literal is itself. */
export function expressionVal(tree: Tree): Val {
  return typeof tree === 'object' && tree !== null ? { $: tree } : tree;
}

/** A value of a plan as one tree. */
function treeOf(val: Val): Tree {
  if (typeof val !== 'object' || val === null) return val;
  if (Array.isArray(val)) return ['l', ...val.map(treeOf)] as TreeNode;
  if (Object.hasOwn(val, '$')) return (val as { $: Tree }).$;
  return ['m', ...Object.entries(val).flatMap(([key, member]) => [key, treeOf(member as Val)])] as TreeNode;
}
