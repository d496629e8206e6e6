import { scalarText } from './conversions.js';
import { chargeText, type Cost } from './cost.js';
import { describeTree } from './describe.js';
import { EvaluationError } from './evaluation-error.js';
import { utf8Length } from './text.js';
import type { Tree } from './tree.js';
import { Optional, requireInline, typeName, type Value } from './value.js';

/** A rendered text may have this many bytes in UTF-8 (language §7.3). */
const MAX_RENDERED_BYTES = 65_536;

/** Throws `render_too_large` for a text of more than 64 KiB. */
export function requireRenderable(text: string): void {
  // No text has more bytes than three per unit, so most are not counted.
  if (text.length * 3 <= MAX_RENDERED_BYTES || utf8Length(text) <= MAX_RENDERED_BYTES) return;
  throw new EvaluationError('render_too_large', undefined, 'the rendered text is larger than 64 KiB');
}

/** Joins the parts of a text template (language §7.3). */
export class TextBuilder {
  private joined = '';
  private readonly cost: Cost;

  constructor(cost: Cost) {
    this.cost = cost;
  }

  /**
   * Adds a part's value. Throws `input_missing` for null and an empty optional, `type_mismatch` for lists and maps.
   * @param tree where the value comes from, for the message.
   */
  add(tree: Tree, value: Value): void {
    const shown = value instanceof Optional ? value.value : value;
    const text = scalarText(shown);
    if (text === undefined) throw unprintable(tree, shown);
    chargeText(this.cost, text.length);
    this.joined += text;
  }

  /** The whole text. Throws `render_too_large`. */
  text(): string {
    requireRenderable(this.joined);
    return this.joined;
  }
}

function unprintable(tree: Tree, value: Value | undefined): EvaluationError {
  requireInline(value);
  const what = describeTree(tree);
  if (value === null || value === undefined) {
    return new EvaluationError(
      'input_missing',
      undefined,
      `${what} is missing; a text needs a value (write x.orValue("…"))`,
    );
  }
  const hint = `${what} is a ${typeName(value)}; a text takes scalars (write json(x))`;
  return new EvaluationError('type_mismatch', undefined, hint);
}
