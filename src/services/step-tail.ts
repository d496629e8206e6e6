import type { StepTail, TailLine, TailStore } from '../catalog/tail-store.js';

export interface LiveTailParts {
  store: Pick<TailStore, 'write' | 'drop'>;
  stepId: string;
  runId: string;
  attempt: number;
  /** Told of the first write that failed; others are tried again without a word. */
  onError: (error: unknown) => void;
}

/** Few enough that a write every second is nothing, and more than a screen. */
const MOST_LINES = 200;
const MOST_CHARACTERS = 48 * 1024;
/** A longer line is shortened; it is whole in the log. */
const MOST_LINE = 2_000;
/** Short attempts never write: their log is there at once. */
const FIRST_MS = 500;
const EVERY_MS = 1_000;

/** Shows the newest lines of an attempt while it runs, as well as it can: nothing waits for it, and it may miss lines. */
export class LiveTail {
  readonly #parts: LiveTailParts;
  #lines: TailLine[] = [];
  #size = 0;
  #counted = 0;
  #timer: NodeJS.Timeout | undefined;
  #writing: Promise<void> = Promise.resolve();
  #hasWritten = false;
  #hasFailed = false;
  #isClosed = false;

  constructor(parts: LiveTailParts) {
    this.#parts = parts;
  }

  add(lines: readonly TailLine[]): void {
    if (this.#isClosed) return;
    for (const { text, ...line } of lines) {
      const shown = text.length > MOST_LINE ? `${text.slice(0, MOST_LINE)}…` : text;
      this.#lines.push({ ...line, text: storable(shown) });
      this.#size += shown.length;
    }
    this.#counted += lines.length;
    while (this.#lines.length > MOST_LINES || (this.#size > MOST_CHARACTERS && this.#lines.length > 1)) {
      this.#size -= this.#lines.shift()?.text.length ?? 0;
    }
    this.#later(this.#hasWritten ? EVERY_MS : FIRST_MS);
  }

  /** The log is there now, or never will be. Never fails. */
  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    await this.#writing;
    const { store, stepId, attempt } = this.#parts;
    // Left over where the catalog is away: it is not shown for a step that ended, and forgotten after a day.
    if (this.#hasWritten) await store.drop(stepId, attempt).catch(() => undefined);
  }

  #later(ms: number): void {
    this.#timer ??= setTimeout(() => {
      this.#writing = this.#write().finally(() => {
        this.#timer = undefined;
      });
    }, ms).unref();
  }

  async #write(): Promise<void> {
    const { store, stepId, runId, attempt, onError } = this.#parts;
    const written = this.#counted;
    const tail: StepTail = { attempt, counted: written, lines: [...this.#lines] };
    this.#hasWritten = true;
    try {
      await store.write(stepId, runId, tail);
    } catch (error) {
      if (!this.#hasFailed) onError(error);
      this.#hasFailed = true;
    }
    if (this.#counted > written && !this.#isClosed) {
      this.#timer = undefined;
      this.#later(EVERY_MS);
    }
  }
}

/** Postgres takes neither NUL nor halves of characters. */
function storable(text: string): string {
  return text.replace(/\0|\p{Surrogate}/gu, '\uFFFD');
}
