import { evaluateBool, evaluateJson, type EvalScope } from '../domain/expression/evaluate.js';
import { EvaluationError } from '../domain/expression/evaluation-error.js';
import { readsOfTree } from '../domain/expression/reads.js';
import type { Tree, TreeNode } from '../domain/expression/tree.js';
import { treeText } from '../domain/expression/tree-text.js';
import type { Json, JsonObject } from '../domain/json.js';

/** A filter says little with more: what is beyond is left out of the record. */
const MOST_CHECKS = 16;
const MOST_VALUES = 6;
/** Characters of a condition, and of a value as JSON. */
const MOST_TEXT = 300;
const MOST_VALUE = 160;

/**
 * Why a filter is not true: each condition of its `&&` chain with its answer and the values that it read, as they were
 * when it was decided. Bounded, so that it can be kept with every verdict.
 * @param scopeOf a fresh scope for each evaluation: costs are counted down.
 */
export function filterChecks(filter: Tree, scopeOf: () => EvalScope): Json[] {
  const conditions = Array.isArray(filter) && filter[0] === '&&' ? (filter.slice(1) as Tree[]) : [filter];
  let isDecided = false;
  return conditions.slice(0, MOST_CHECKS).map((tree): JsonObject => {
    const text = cut(treeText(tree), MOST_TEXT);
    if (isDecided) return { text, is: 'not_reached' };
    const is = answerOf(tree, scopeOf());
    if (is !== true) isDecided = true;
    return { text, is, values: valuesOf(tree, scopeOf) };
  });
}

function answerOf(tree: Tree, scope: EvalScope): boolean | 'error' {
  try {
    return evaluateBool(tree, scope);
  } catch (error) {
    if (error instanceof EvaluationError) return 'error';
    throw error;
  }
}

/** The values at the paths that a condition reads; null with `is_missing` where there is none. */
function valuesOf(tree: Tree, scopeOf: () => EvalScope): JsonObject[] {
  return readsOfTree(tree)
    .slice(0, MOST_VALUES)
    .map(([variable = '', ...keys]) => {
      const path = keys.reduce<TreeNode>((target, key) => ['.', target, key], ['v', variable]);
      const name = cut(treeText(path), MOST_TEXT);
      try {
        return { path: name, value: short(evaluateJson(path, scopeOf())) };
      } catch (error) {
        if (error instanceof EvaluationError) return { path: name, value: null, is_missing: true };
        throw error;
      }
    });
}

/** A scalar as it is, anything longer as the beginning of its JSON text. */
function short(value: Json): Json {
  const text = JSON.stringify(value);
  if (text.length <= MOST_VALUE) return value;
  return cut(typeof value === 'string' ? value : text, MOST_VALUE);
}

function cut(text: string, most: number): string {
  if (text.length <= most) return text;
  const whole = text.slice(0, most);
  // Half a character could not be stored.
  return `${/[\ud800-\udbff]$/.test(whole) ? whole.slice(0, -1) : whole}…`;
}
