/**
 * Where a step that may run locally runs: `cut` is a remote one that ends the chain, and `later` one that waits until that
 * has ended.
 */
export type Place = 'local' | 'remote' | 'cut' | 'later';

/** Local steps of one workflow task: a worker that dies repeats them all, so there are not too many. */
const MAX_LOCAL_STEPS = 50;
const MAX_LOCAL_MS = 5_000;

/**
 * Counts local steps since the last remote one, which every so often has to be one: only then does the server hear of the
 * others (decision 0013). While that one runs the steps beside it wait, since one after the other going remote would leave no
 * moment without a remote one.
 */
export class LocalChain<T> {
  #steps = 0;
  #open = 0;
  #ms = 0;
  #isCutting = false;
  #waiting: T[] = [];

  /**
   * Where the next step runs. While a remote one runs it is no local one: the server would not hear of either before the
   * local one has ended.
   * @param running activities that run now, local ones too.
   */
  place(running: number): Place {
    if (this.#isCutting) return 'later';
    if (running > this.#open) return 'remote';
    if (this.#steps >= MAX_LOCAL_STEPS || this.#ms >= MAX_LOCAL_MS) {
      this.#isCutting = true;
      return 'cut';
    }
    this.#steps += 1;
    this.#open += 1;
    return 'local';
  }

  /** How many steps wait. */
  get waiting(): number {
    return this.#waiting.length;
  }

  wait(step: T): void {
    this.#waiting.push(step);
  }

  localEnded(ms: number): void {
    this.#open -= 1;
    this.#ms += ms;
  }

  /** A remote step has begun. */
  cut(): void {
    this.#steps = 0;
    this.#ms = 0;
  }

  /** The remote step that ended the chain has ended. @returns the steps that waited for it, in their order. */
  cutEnded(): T[] {
    this.#isCutting = false;
    return this.#waiting.splice(0);
  }
}
