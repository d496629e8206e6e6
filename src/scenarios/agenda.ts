/**
 * Which of the things that fall on one instant comes first (language §11): what the world does, then decisions, results of
 * calls, timers.
 */
export const RANK = { driver: 0, cancel: 1, decision: 2, call: 3, timer: 4 } as const;
export type Rank = (typeof RANK)[keyof typeof RANK];

interface Entry {
  atMs: number;
  rank: Rank;
  order: number;
  work: () => void;
}

/** Chooses one of so many: 0 … count − 1. */
export type Choose = (count: number) => number;

/** What is still to happen, by time, rank and order of entry. */
export class Agenda {
  readonly #entries: Entry[] = [];
  readonly #choose: Choose;
  #order = 0;

  /** @param choose which of several results of calls at one instant comes first; default: the one that was entered first. */
  constructor(choose: Choose = () => 0) {
    this.#choose = choose;
  }

  add(atMs: number, rank: Rank, work: () => void): void {
    this.#order += 1;
    const entry = { atMs, rank, order: this.#order, work };
    let low = 0;
    let high = this.#entries.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (isBefore(this.#entries[middle] as Entry, entry)) low = middle + 1;
      else high = middle;
    }
    this.#entries.splice(low, 0, entry);
  }

  /** Time and rank of what comes next. */
  get next(): { atMs: number; rank: Rank } | undefined {
    return this.#entries[0];
  }

  /** Takes what comes next. */
  take(): Entry | undefined {
    const [first] = this.#entries;
    if (first?.rank !== RANK.call) return this.#entries.shift();
    const end = this.#entries.findIndex(({ atMs, rank }) => atMs !== first.atMs || rank !== first.rank);
    const [taken] = this.#entries.splice(this.#choose(end === -1 ? this.#entries.length : end), 1);
    return taken;
  }
}

function isBefore(a: Entry, b: Entry): boolean {
  if (a.atMs !== b.atMs) return a.atMs < b.atMs;
  return a.rank === b.rank ? a.order < b.order : a.rank < b.rank;
}
