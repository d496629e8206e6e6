/** Lets one consumer wait for producers that do not wait for it. */
export class Signal {
  #isSet = false;
  #wake: (() => void) | undefined;

  /** Wakes the consumer, or lets its next wait end at once. */
  set(): void {
    this.#isSet = true;
    this.#wake?.();
  }

  /** Resolves after the next `set`, or at once when there was one since the last wait. */
  async wait(): Promise<void> {
    if (!this.#isSet) await new Promise<void>((resolve) => (this.#wake = resolve));
    this.#wake = undefined;
    this.#isSet = false;
  }
}
