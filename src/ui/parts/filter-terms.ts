/** What the text of a filter bar asks for. */
export interface ReadFilter<T> {
  terms: T;
  /** What is looked for in names. */
  words: string[];
  /** The first word that says nothing; null: none. */
  problem: string | null;
}

/**
 * Reads the words of a filter: `key:value` by `termOf`, which gives undefined for what is no term, and free ones. A key that
 * comes twice has its last value.
 */
export function readFilter<T extends object>(
  text: string,
  termOf: (key: string, value: string) => T | undefined,
): ReadFilter<Partial<T>> {
  let terms: Partial<T> = {};
  const words: string[] = [];
  let problem: string | null = null;
  for (const word of wordsOf(text)) {
    const [, key, value = ''] = /^([a-z]+):(.*)$/.exec(word) ?? [];
    if (key === undefined) words.push(word);
    else {
      const term = value === '' ? undefined : termOf(key, value);
      if (term === undefined) problem ??= word;
      else terms = { ...terms, ...term };
    }
  }
  return { terms, words, problem };
}

/** The filter with one term replaced; without a value the term is taken out. */
export function withTerm(text: string, key: string, value: string | null): string {
  const rest = wordsOf(text).filter((word) => !word.startsWith(`${key}:`));
  return [...(value === null ? [] : [`${key}:${value}`]), ...rest].join(' ');
}

function wordsOf(text: string): string[] {
  return text.split(/\s+/).filter(Boolean);
}

/** What a filter bar's text asks for, by key; a key that comes twice has its last value. */
export interface FilterTerms<K extends string> {
  terms: { [key in K]?: string };
  /** The first word that says nothing; null: none. */
  problem: string | null;
}

/** Reads `key:value` words. For filters that look nothing up by free text: a word without a key is a problem. */
export function readTerms<K extends string>(text: string, read: Record<K, (value: string) => boolean>): FilterTerms<K> {
  const terms: { [key in K]?: string } = {};
  let problem: string | null = null;
  for (const word of wordsOf(text)) {
    const at = word.indexOf(':');
    const key = word.slice(0, Math.max(0, at));
    const value = word.slice(at + 1);
    if (value !== '' && Object.hasOwn(read, key) && read[key as K](value)) terms[key as K] = value;
    else problem ??= word;
  }
  return { terms, problem };
}
