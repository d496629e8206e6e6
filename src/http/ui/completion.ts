import { completions, openTerm, type FilterVocabulary } from '../../ui/parts/filter-completion.js';
import type { UiCall } from './page.js';

/** How the text of a filter can go on. The catalog is asked only while a term is typed whose values it knows. */
export async function completionsOf(
  { services }: Pick<UiCall, 'services'>,
  text: string,
  vocabulary: FilterVocabulary,
): Promise<string[]> {
  const { key, typed } = openTerm(text);
  const known = key !== null && Object.hasOwn(vocabulary, key) ? vocabulary[key] : null;
  const values = typeof known === 'string' ? await services.knownValues.beginningWith(known, typed) : known;
  return completions(text, vocabulary, values ?? []);
}
