import type { EventFacts } from '../../domain/event-console.js';
import type { Json, JsonObject } from '../../domain/json.js';
import type { Html } from '../html.js';
import { jsonValue } from '../parts/json-value.js';
import type { Parts } from '../parts/parts.js';
import type { Status } from '../status.js';
import { template } from '../template.js';
import { checksOf, verdictLook, verdictSentence } from './words.js';

type Shown = EventFacts['verdicts'][number] & {
  /** Instead of what the verdict is called of an event that has come. */
  look?: Status;
  /** What became of it when the event came. */
  then?: string;
  /** Where a run with the inputs of the event is launched. */
  launch?: string | null;
};

const listTemplate = template<Record<string, unknown>>(import.meta.url, './verdicts.eta');

/** Verdicts one below the other: what became of each blueprint, why, and the values that decided it. */
export function verdictList(verdicts: readonly Shown[], ui: Parts): Html {
  const shown = verdicts.map((one) => ({
    look: verdictLook(one.verdict, one.detail),
    ...one,
    // Of a duplicate, the run that stands in its way.
    run_id: one.run_id ?? standingRun(one.detail),
    sentence: verdictSentence(one.verdict, one.detail),
    checks: checksOf(one.detail),
  }));
  return listTemplate({ verdicts: shown, valueOf: (value: Json): Html => jsonValue(value) }, ui);
}

function standingRun(detail: JsonObject | null): string | null {
  const run = detail?.['duplicate_of'];
  return typeof run === 'string' ? run : null;
}
