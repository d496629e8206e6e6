/** Statements may take this part of the time while somebody waits for the next one. */
const SHARE = 1 / 4;

interface Span {
  beganAt: number;
  endedAt: number;
}

const NEVER: Span = { beganAt: -Infinity, endedAt: -Infinity };

/**
 * How soon the next statement may begin, so that more rows share one when many are waited for: a statement costs Postgres five times
 * what a row in it does. Looks at the last two, so that one statement right after another is not held up.
 */
export class StatementPace {
  readonly #maxPauseMs: number;
  #last: [Span, Span] = [NEVER, NEVER];

  /** @param maxPauseMs the longest pause after a statement, whatever the last two took. */
  constructor(maxPauseMs: number) {
    this.#maxPauseMs = maxPauseMs;
  }

  /** A statement that began and ended then, milliseconds of one clock. */
  took(beganAt: number, endedAt: number): void {
    this.#last = [this.#last[1], { beganAt, endedAt }];
  }

  /** When the last two statements will have been a quarter of the time since the first of them began, or have been. */
  nextAt(): number {
    const [first, second] = this.#last;
    if (first === NEVER) return -Infinity;
    const spentMs = first.endedAt - first.beganAt + (second.endedAt - second.beganAt);
    return Math.min(first.beganAt + spentMs / SHARE, second.endedAt + this.#maxPauseMs);
  }
}
