import { XynFault } from '../domain/fault.js';

interface Waiting {
  enter: () => void;
  timer: NodeJS.Timeout;
}

/** Lets a few in at a time, in the order in which they came. */
export class Turnstile {
  readonly #places: number;
  readonly #waitMs: number;
  readonly #waiting = new Set<Waiting>();
  #inside = 0;

  /**
   * @param places how many may be inside at once, at least 1.
   * @param waitMs how long one may wait.
   */
  constructor(places: number, waitMs: number) {
    this.#places = Math.max(1, places);
    this.#waitMs = waitMs;
  }

  /**
   * Runs `work` when its turn comes.
   * @throws XynFault `db_unavailable` when the turn did not come in time; nothing was done then.
   */
  async pass<T>(work: () => Promise<T>): Promise<T> {
    if (this.#inside < this.#places) this.#inside += 1;
    else await this.#turn();
    try {
      return await work();
    } finally {
      this.#leave();
    }
  }

  #turn(): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiting.delete(waiting);
        reject(new XynFault('db_unavailable', 'Too much is written at once. Try again.'));
      }, this.#waitMs);
      const waiting = { enter: resolve, timer };
      this.#waiting.add(waiting);
    });
  }

  /** The place goes straight to the one who waited longest. */
  #leave(): void {
    const [next] = this.#waiting;
    if (next === undefined) {
      this.#inside -= 1;
      return;
    }
    this.#waiting.delete(next);
    clearTimeout(next.timer);
    next.enter();
  }
}
