import type { BigIntStats } from 'node:fs';

/** How long a comparison is believed of a file that was not touched since. Milliseconds. */
const TRUSTED_MS = 600_000;
const MAX_FILES = 1_000;

/** Remembers which files were compared with their digest, so that parts of a large one do not cost a reading of all. */
export class VerifiedFiles {
  readonly #known = new Map<string, { until: number; check: Promise<void> }>();
  readonly #clock: () => number;

  constructor(clock: () => number = Date.now) {
    this.#clock = clock;
  }

  /**
   * Runs `check`, unless the same file in the same state passed it lately or is passing it now. A write to the file, as
   * far as its times and size tell, makes it another state; what failed is checked again.
   */
  async unlessKnown(stats: BigIntStats, check: () => Promise<void>): Promise<void> {
    const { dev, ino, size, mtimeNs, ctimeNs } = stats;
    const state = [dev, ino, size, mtimeNs, ctimeNs].join('/');
    const known = this.#known.get(state);
    if (known !== undefined && this.#clock() < known.until) return known.check;
    const fresh = { until: this.#clock() + TRUSTED_MS, check: check() };
    this.#known.delete(state);
    this.#known.set(state, fresh);
    for (const oldest of this.#known.keys()) {
      if (this.#known.size <= MAX_FILES) break;
      this.#known.delete(oldest);
    }
    try {
      await fresh.check;
    } catch (error) {
      if (this.#known.get(state) === fresh) this.#known.delete(state);
      throw error;
    }
  }
}
