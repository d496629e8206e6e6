import { ActionFailure, type Target } from '../domain/action.js';

/** The machines that actions may name (design §9). */
export class Inventory {
  readonly #targets: ReadonlyMap<string, Target>;

  constructor(targets: readonly Target[] = []) {
    this.#targets = new Map(targets.map((target) => [target.name, target]));
  }

  /** Every target. */
  all(): Target[] {
    return [...this.#targets.values()];
  }

  /** @throws ActionFailure `target_unknown`. */
  get(targetName: string): Target {
    const target = this.#targets.get(targetName);
    if (target !== undefined) return target;
    const message = `The inventory (XYN_TARGETS_FILE) has no target named ${JSON.stringify(targetName.slice(0, 128))}.`;
    throw new ActionFailure({ code: 'target_unknown', message, retryable: false });
  }
}
