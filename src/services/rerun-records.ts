import type { RerunStep } from '../catalog/rerun-store.js';

/**
 * The records of a run by where they stand in its plan. Of a block that was tried several times only the last attempt
 * counts, since what it came to is what the run went on with.
 */
export class RerunRecords {
  readonly #steps: ReadonlyMap<string, RerunStep>;
  /** Addresses of lists that have a record. */
  readonly #lists = new Set<string>();
  /** Items with a record, by the path of their loop. */
  readonly #items = new Map<string, Set<number>>();
  /** Number of the last attempt, by the path of the block. */
  readonly #attempts = new Map<string, number>();

  constructor(steps: readonly RerunStep[]) {
    this.#steps = new Map(steps.map((step) => [step.path, step]));
    for (const { path } of steps) {
      this.#lists.add(path.slice(0, Math.max(0, path.lastIndexOf('.'))));
      for (const { index, 1: item } of path.matchAll(/\[(\d+)\]/g)) {
        const loop = path.slice(0, index);
        this.#items.set(loop, (this.#items.get(loop) ?? new Set()).add(Number(item)));
      }
      for (const { index, 1: attempt } of path.matchAll(/#(\d+)/g)) {
        const block = path.slice(0, index);
        this.#attempts.set(block, Math.max(this.#attempts.get(block) ?? 1, Number(attempt)));
      }
    }
  }

  at(path: string): RerunStep | undefined {
    return this.#steps.get(path);
  }

  hasList(address: string): boolean {
    return this.#lists.has(address);
  }

  items(loop: string): number[] {
    return [...(this.#items.get(loop) ?? [])].sort((a, b) => a - b);
  }

  /** The address of the list of a block's last attempt. */
  attemptOf(block: string): string {
    const attempt = this.#attempts.get(block);
    return attempt === undefined ? block : `${block}#${attempt}`;
  }
}
