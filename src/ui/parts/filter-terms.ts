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
  for (const word of text.split(/\s+/).filter(Boolean)) {
    const at = word.indexOf(':');
    const key = word.slice(0, Math.max(0, at));
    const value = word.slice(at + 1);
    if (value !== '' && Object.hasOwn(read, key) && read[key as K](value)) terms[key as K] = value;
    else problem ??= word;
  }
  return { terms, problem };
}
