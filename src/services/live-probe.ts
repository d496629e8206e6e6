import { canonicalJson, type Json } from '../domain/json.js';
import type { Probe } from './live-topics.js';

export interface SharedProbeOptions<T> {
  /** Looks once. A rejection counts as nothing seen. */
  look: () => Promise<T>;
  /** What of it counts as a change. */
  facts: (seen: T) => Json;
  /** Between the end of a look and the next one. Milliseconds. */
  pauseMs: number;
  /** Nothing will change any more. */
  isFinal?: (seen: T) => boolean;
  /** Called when nobody watches any more. */
  onIdle?: () => void;
}

/** Looks at something again and again as long as somebody watches; one look serves all watchers. */
export class SharedProbe<T> implements Probe {
  readonly #options: SharedProbeOptions<T>;
  readonly #watchers = new Set<() => void>();
  #timer: NodeJS.Timeout | undefined;
  #facts: string | undefined;
  #isLooking = false;

  constructor(options: SharedProbeOptions<T>) {
    this.#options = options;
  }

  watch(onChange: () => void): () => void {
    // Each call is a watcher of its own, even with the same function.
    const watcher = (): void => onChange();
    this.#watchers.add(watcher);
    if (this.#watchers.size === 1) this.#later(0);
    return () => {
      if (!this.#watchers.delete(watcher) || this.#watchers.size > 0) return;
      clearTimeout(this.#timer);
      this.#facts = undefined;
      this.#options.onIdle?.();
    };
  }

  #later(ms: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#look(), ms);
    this.#timer.unref();
  }

  async #look(): Promise<void> {
    // A look of earlier watchers may still be under way.
    if (this.#isLooking) {
      this.#later(this.#options.pauseMs);
      return;
    }
    this.#isLooking = true;
    const seen = await this.#options.look().catch(() => undefined);
    this.#isLooking = false;
    if (this.#watchers.size === 0) return;
    if (seen !== undefined) {
      const facts = canonicalJson(this.#options.facts(seen));
      const isChange = this.#facts !== undefined && this.#facts !== facts;
      this.#facts = facts;
      if (isChange) for (const watcher of [...this.#watchers]) watcher();
      if (this.#options.isFinal?.(seen) === true) return;
    }
    this.#later(this.#options.pauseMs);
  }
}
