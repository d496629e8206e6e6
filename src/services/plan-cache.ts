import type { BlueprintStore } from '../catalog/blueprint-store.js';
import { planDigest } from '../domain/plan-digest.js';
import type { Plan } from '../domain/plan.js';

/** A version's plan, whose digest was computed again. */
export interface KnownPlan {
  plan: Plan;
  version: number;
  digest: string;
  /** Whether the stored plan is what its digest says. */
  intact: boolean;
}

const MAX_KEPT = 200;

/** Plans of blueprint versions. Versions never change, so what was read once is good for ever. */
export class PlanCache {
  readonly #blueprints: Pick<BlueprintStore, 'version'>;
  readonly #kept = new Map<string, KnownPlan>();

  constructor(blueprints: Pick<BlueprintStore, 'version'>) {
    this.#blueprints = blueprints;
  }

  /**
   * The plan of a version, or undefined when there is none. A plan that is not intact is read anew each time.
   * @param within the stores of the transaction that asks: a second connection for it could wait for the first for ever.
   */
  async get(
    blueprintId: string,
    version: number,
    within: Pick<BlueprintStore, 'version'> = this.#blueprints,
  ): Promise<KnownPlan | undefined> {
    const key = `${blueprintId}@${version}`;
    const kept = this.#kept.get(key);
    if (kept !== undefined) return kept;
    const row = await within.version(blueprintId, version);
    if (row === undefined) return undefined;
    const intact = row.plan.digest === row.digest && planDigest(row.plan) === row.digest;
    const known = { plan: row.plan, version, digest: row.digest, intact };
    if (intact) this.#keep(key, known);
    return known;
  }

  #keep(key: string, known: KnownPlan): void {
    const oldest = this.#kept.size >= MAX_KEPT ? this.#kept.keys().next().value : undefined;
    if (oldest !== undefined) this.#kept.delete(oldest);
    this.#kept.set(key, known);
  }
}
