import type { Json, JsonObject } from '../../domain/json.js';
import { MOST_INLINE } from '../parts/json-value.js';
import type { DecisionAction } from './actions.js';

/** An action as somebody read it: path, hash of what binds it, and what it was given where that is not too long. */
export type SeenAction = readonly [path: string, hash: string, input?: JsonObject];

/** What changed in one action since somebody read it. */
export interface ActionChange {
  path: string;
  what: string;
  /** Absent fields have no member. */
  fields: { name: string; was?: Json; now?: Json }[];
}

/** Characters of all inputs that a form carries along; without them only the actions that changed are named. */
const MOST_INPUTS = 30_000;

/** What the form carries of what its page shows. */
export function seenActions(actions: readonly DecisionAction[]): string {
  const whole = JSON.stringify(actions.map(({ path, hash, input }) => [path, hash, input]));
  return whole.length <= MOST_INPUTS ? whole : JSON.stringify(actions.map(({ path, hash }) => [path, hash]));
}

function changedFields(was: JsonObject, now: JsonObject): ActionChange['fields'] {
  const names = [...new Set([...Object.keys(was), ...Object.keys(now)])];
  return names
    .filter((name) => JSON.stringify(was[name]) !== JSON.stringify(now[name]))
    .map((name) => ({
      name,
      ...(was[name] === undefined ? {} : { was: was[name] }),
      ...(now[name] === undefined ? {} : { now: now[name] }),
    }));
}

/** What differs between what was read and what a gate asks for now. */
export function planChanges(seen: readonly SeenAction[], actions: readonly DecisionAction[]): ActionChange[] {
  const before = new Map(seen.map((one) => [one[0], one]));
  const now = new Set(actions.map(({ path }) => path));
  const gone = seen
    .filter(([path]) => !now.has(path))
    .map(([path, , input]) => ({ path, what: 'no longer runs', fields: changedFields(input ?? {}, {}) }));
  const other = actions.flatMap(({ path, hash, input }): ActionChange[] => {
    const was = before.get(path);
    if (was?.[1] === hash) return [];
    if (was === undefined) return [{ path, what: 'was not there', fields: changedFields({}, input) }];
    return [
      { path, what: 'runs with other arguments', fields: was[2] === undefined ? [] : changedFields(was[2], input) },
    ];
  });
  return [...gone, ...other];
}

/** A value as lines of text: text as it is, anything nested as indented JSON; absent: none. */
export function linesOf(value: Json | undefined): string {
  if (value === undefined) return '';
  return typeof value === 'string' ? value : JSON.stringify(value, null, 2);
}

/** Whether a change is read line by line; what fits on one line stands in a table, side by side. */
export function hasLines({ was, now }: ActionChange['fields'][number]): boolean {
  return [was, now].some(
    (one) =>
      (typeof one === 'string' && one.includes('\n')) ||
      (typeof one === 'object' && one !== null && JSON.stringify(one).length > MOST_INLINE),
  );
}
