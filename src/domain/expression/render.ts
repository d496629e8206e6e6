import type { Json, JsonObject } from '../json.js';
import type { Val } from '../plan.js';
import { evaluateJson, type EvalScope } from './evaluate.js';
import { requireRenderable } from './rendered-text.js';
import type { Tree } from './tree.js';

function renderDynamic(tree: Tree, scope: EvalScope): Json {
  const value = evaluateJson(tree, scope);
  if (typeof value === 'string') requireRenderable(value);
  return value;
}

/**
 * A value with its templates evaluated, at any depth; what comes out is never looked at again. Literal parts are shared
 * with the plan, evaluated parts with the scope: the result is to be read only.
 * @throws EvaluationError as `evaluateJson`; `render_too_large` for a text of more than 64 KiB.
 */
export function render(val: Val, scope: EvalScope): Json {
  if (typeof val !== 'object' || val === null) return val;
  if (Array.isArray(val)) {
    const items = val.map((item: Val) => render(item, scope));
    return items.some((item, ix) => item !== val[ix]) ? items : (val as Json[]);
  }
  if (Object.hasOwn(val, '$')) return renderDynamic((val as { $: Tree }).$, scope);
  return renderRecord(val as Record<string, Val>, scope);
}

/** A map of values with its templates evaluated, in the map's own order. */
export function renderRecord(record: Readonly<Record<string, Val>>, scope: EvalScope): JsonObject {
  const entries = Object.entries(record).map(([key, val]): [string, Json] => [key, render(val, scope)]);
  // `fromEntries` defines members, so that a key such as `__proto__` stays data.
  return entries.some(([key, value]) => value !== record[key]) ? Object.fromEntries(entries) : (record as JsonObject);
}
