import type { KnownValueStore } from '../catalog/known-value-store.js';
import type { KnownValueField } from '../domain/known-values.js';

/** As many as a list of completions shows. */
const MOST_VALUES = 12;

/** What filters can be completed with. */
export class KnownValues {
  readonly #store: Pick<KnownValueStore, 'beginningWith'>;

  constructor(store: Pick<KnownValueStore, 'beginningWith'>) {
    this.#store = store;
  }

  /** Values of a field that begin so, at most twelve. None when the catalog does not answer: a list without them is still a list. */
  beginningWith(field: KnownValueField, prefix: string): Promise<string[]> {
    return this.#store.beginningWith(field, prefix, MOST_VALUES).catch(() => []);
  }
}
