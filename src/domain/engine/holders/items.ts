import { isArtifactReference, type ArtifactReference } from '../../artifact-reference.js';
import { EvaluationError, expressionError } from '../../expression/evaluation-error.js';
import { isJsonObject, jsonLength, sortedKeys, type Json, type JsonObject } from '../../json.js';
import type { Val } from '../../plan.js';
import type { ItemPage } from '../messages.js';

/**
 * What a loop goes over (language §3.2), as a list; a count has none.
 * @throws EvaluationError `wrong_type`, `number_range`
 */
export function itemsOf(value: Json): { count: number; list?: Json[] } {
  if (Array.isArray(value)) return { count: value.length, list: value };
  if (isJsonObject(value)) {
    const list = sortedKeys(value).map((key): JsonObject => ({ key, value: value[key] as Json }));
    return { count: list.length, list };
  }
  if (typeof value !== 'number') throw expressionError('wrong_type', '`in` takes a list, a map or a whole number');
  if (!Number.isInteger(value) || value < 0) {
    throw expressionError('number_range', '`in` takes a whole number that is not negative');
  }
  return { count: value };
}

/** A page has at most so many items, and characters. */
const PAGE_ITEMS = 100;
const PAGE_SIZE = 64 * 1024;
/** An item that is larger may be alone on its page; one over this would be too much for a run's state. */
const MAX_ITEM_SIZE = 256 * 1024;

/**
 * The items of a value from index `from` on, as many as a run's state takes at once: at least one where there is one.
 * @throws EvaluationError as `itemsOf`, and `render_too_large` for an item over 256 KiB.
 */
export function pageOf(value: Json, from: number): ItemPage {
  const { count, list } = itemsOf(value);
  if (list === undefined) throw expressionError('wrong_type', '`in` takes a list or a map');
  const items: Json[] = [];
  let size = 0;
  for (const item of list.slice(from, from + PAGE_ITEMS)) {
    const length = jsonLength(item, MAX_ITEM_SIZE);
    if (length > MAX_ITEM_SIZE) {
      throw new EvaluationError(
        'render_too_large',
        undefined,
        `item ${from + items.length} of the loop is over 256 KiB`,
      );
    }
    if (items.length > 0 && size + length > PAGE_SIZE) break;
    items.push(item);
    size += length;
  }
  return { count, items };
}

/** The reference that stands for items which are too large for the state. */
export function offloadedItems(value: Json): ArtifactReference | undefined {
  return isJsonObject(value) && isArtifactReference(value) ? value : undefined;
}

/**
 * Whether a value is a plain path into values that never change: then it is read again at each item instead of being copied
 * into the state. Only lists are: a map would have to be sorted again each time.
 */
export function isPath(val: Val): boolean {
  if (!isJsonObject(val as Json) || !Object.hasOwn(val as object, '$')) return false;
  let tree: unknown = (val as { $: unknown }).$;
  while (Array.isArray(tree) && tree[0] === '.') tree = tree[1];
  return Array.isArray(tree) && tree[0] === 'v';
}
