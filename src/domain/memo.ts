/** Keeps what was worked out for up to `most` keys; with one more it begins anew. For what costs more to make than to keep. */
export class Memo<K, V> {
  readonly #most: number;
  readonly #known = new Map<K, { value: V }>();

  constructor(most: number) {
    this.#most = most;
  }

  /** The value of a key, made when it is not known. What `make` throws is not kept. */
  get(key: K, make: () => V): V {
    const known = this.#known.get(key);
    if (known !== undefined) return known.value;
    const value = make();
    if (this.#known.size >= this.#most) this.#known.clear();
    this.#known.set(key, { value });
    return value;
  }
}
