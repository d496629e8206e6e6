import type { EventToday } from '../../domain/event-console.js';
import type { Json, JsonObject } from '../../domain/json.js';
import { href, type Html } from '../html.js';
import type { Parts } from '../parts/parts.js';
import { statusOf } from '../status.js';
import { template } from '../template.js';
import { verdictList } from './verdicts.js';
import { verdictLook } from './words.js';

/** Addresses longer than this are cut somewhere on their way. */
const MOST_ADDRESS = 4_000;

const todayTemplate = template<Record<string, unknown>>(import.meta.url, './today.eta');

/** A value as a field of the launcher takes it. */
function fieldText(value: Json): string {
  if (Array.isArray(value) && value.every((one) => typeof one === 'string')) return value.join('\n');
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

function launchAddress(blueprintId: string, inputs: JsonObject): string {
  const fields = Object.entries(inputs).map(([name, value]) => [`input.${name}`, fieldText(value)] as const);
  const whole = href('/ui/runs/new', { blueprint: blueprintId, ...Object.fromEntries(fields) });
  return whole.length <= MOST_ADDRESS ? whole : href('/ui/runs/new', { blueprint: blueprintId });
}

/** What an event would do if it came today, beside what it did. */
export function eventToday({ event, then, verdicts }: EventToday, ui: Parts): Html {
  const before = new Map(
    then.map((one) => [one.blueprint_id, verdictLook(one.verdict, one.detail).word.toLowerCase()]),
  );
  const list = verdicts.map((one) => {
    const was = before.get(one.blueprint_id) ?? 'it did not listen';
    const launch = one.inputs === null ? null : launchAddress(one.blueprint_id, one.inputs);
    const shown = { ...one, then: was, launch };
    return one.verdict === 'started' ? { ...shown, look: statusOf('done', 'Would start a run') } : shown;
  });
  const gone = then.filter(({ blueprint_id: id }) => !verdicts.some((one) => one.blueprint_id === id));
  const starts = verdicts.filter(({ verdict }) => verdict === 'started').length;
  return todayTemplate({ event, count: list.length, starts, gone, list: verdictList(list, ui) }, ui);
}
