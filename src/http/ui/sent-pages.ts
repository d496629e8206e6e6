import type { LiveTopic } from '../../services/live-feed.js';
import type { FragmentState } from '../../ui/parts/fragment.js';

/** What a page was when it was sent: what its stream compares with, and what it follows. */
export interface SentPage {
  topics: readonly LiveTopic[];
  state: FragmentState;
}

/** A stream comes within a second of its page. One page of a list is about 80 kB. */
const MOST_KEPT = 40;

/**
 * The pages that were sent last, so that a stream need not draw its page again to know what its reader sees. Nothing of it
 * is ever sent; a page that is not kept any more is drawn.
 */
export class SentPages {
  readonly #kept = new Map<string, SentPage>();

  /** @param name of the state, which is made from all that the page shows. */
  keep(address: string, name: string, page: SentPage): void {
    const key = keyOf(address, name);
    this.#kept.delete(key);
    this.#kept.set(key, page);
    const oldest = this.#kept.keys().next().value;
    if (this.#kept.size > MOST_KEPT && oldest !== undefined) this.#kept.delete(oldest);
  }

  find(address: string, name: string): SentPage | undefined {
    return this.#kept.get(keyOf(address, name));
  }
}

function keyOf(address: string, name: string): string {
  return `${name} ${address}`;
}
