import { EVENT_OUTCOMES, type EventSearch } from '../../domain/event-console.js';
import type { FilterVocabulary } from '../parts/filter-completion.js';
import { readFilter } from '../parts/filter-terms.js';

/** Keys that the filter knows, for its help. */
export const EVENT_FILTER_KEYS = 'name:checkmk.* became:started by: run: chain: is:important';

/** What its terms can be completed with. */
export const EVENT_FILTER_WORDS: FilterVocabulary = {
  name: 'event.name',
  became: EVENT_OUTCOMES,
  by: 'event.actor',
  run: null,
  chain: null,
  is: ['important'],
};

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d{1,3})?)?Z$/;

function timeTerm(key: 'from' | 'to', value: string): EventSearch | undefined {
  if (!TIME.test(value) || Number.isNaN(Date.parse(value))) return undefined;
  return { [key]: new Date(value).toISOString() };
}

function termOf(key: string, value: string): EventSearch | undefined {
  switch (key) {
    case 'name':
      return /^[a-z0-9_.*]+$/.test(value) ? { name: value } : undefined;
    case 'became': {
      const became = EVENT_OUTCOMES.find((one) => one === value);
      return became === undefined ? undefined : { became };
    }
    case 'by':
      return { actor: value };
    case 'run':
      return UUID.test(value) ? { run: value } : undefined;
    case 'chain':
      return { correlation: value };
    case 'is':
      return value === 'important' ? { important: true } : undefined;
    case 'from':
    case 'to':
      return timeTerm(key, value);
    default:
      return undefined;
  }
}

/** Reads `key:value` terms; what is no term is looked for in names. `problem` names the first term that says nothing. */
export function parseEventFilter(text: string): { search: EventSearch; problem: string | null } {
  const { terms, words, problem } = readFilter(text, termOf);
  return { search: words.length === 0 ? terms : { ...terms, words: words.slice(0, 8) }, problem };
}
