import type { FilterVocabulary } from '../parts/filter-completion.js';
import { readFilter } from '../parts/filter-terms.js';

/** What the text of the filter bar asks for. */
export interface RunFilterTerms {
  status?: ('created' | 'running' | 'completed' | 'failed' | 'cancelled')[];
  isWaiting?: boolean;
  blueprint?: string;
  actor?: string;
  trigger?: string;
  sinceMs?: number;
  name?: string;
}

const UNITS: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: 86_400_000 };
const STATES = ['created', 'running', 'completed', 'failed', 'cancelled'] as const;

/** Keys that the filter knows, for its help. */
export const RUN_FILTER_KEYS = 'status: blueprint: by: trigger: started:>24h';

/** What its terms can be completed with. */
export const RUN_FILTER_WORDS: FilterVocabulary = {
  status: ['open', 'waiting', ...STATES],
  blueprint: 'run.blueprint',
  by: 'run.actor',
  trigger: 'run.trigger',
  started: ['>1h', '>24h', '>7d'],
};

function statusTerm(value: string): RunFilterTerms | undefined {
  if (value === 'open') return { status: ['created', 'running'] };
  if (value === 'waiting') return { isWaiting: true };
  const known = STATES.find((state) => state === value);
  return known === undefined ? undefined : { status: [known] };
}

function sinceTerm(value: string): RunFilterTerms | undefined {
  const [, amount = '', unit = ''] = /^>?(\d{1,4})([mhd])$/.exec(value) ?? [];
  return amount === '' ? undefined : { sinceMs: Number(amount) * (UNITS[unit] ?? 0) };
}

function termOf(key: string, value: string): RunFilterTerms | undefined {
  if (key === 'status') return statusTerm(value);
  if (key === 'started') return sinceTerm(value);
  if (key === 'blueprint') return { blueprint: value };
  if (key === 'by') return { actor: value };
  return key === 'trigger' ? { trigger: value } : undefined;
}

/** Reads `key:value` terms; what is no term is looked for in names. `problem` names the first term that says nothing. */
export function parseRunFilter(text: string): { terms: RunFilterTerms; problem: string | null } {
  const { terms, words, problem } = readFilter(text, termOf);
  return { terms: words.length === 0 ? terms : { ...terms, name: words.join(' ') }, problem };
}
