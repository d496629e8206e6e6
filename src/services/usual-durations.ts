import type { OverviewStore, UsualDuration } from '../catalog/overview-store.js';

/** A usual duration moves slowly: so old may what lists and the launcher say be. */
const MAX_AGE_MS = 30_000;
/** More blueprints than that are not remembered. */
const MOST_KNOWN = 1_000;

/** How long runs of blueprints usually take, read again when it is older than 30 s. */
export class UsualDurations {
  readonly #store: Pick<OverviewStore, 'usualDurations'>;
  readonly #clock: () => number;
  readonly #known = new Map<string, { at: number; usual: UsualDuration | undefined }>();

  constructor(store: Pick<OverviewStore, 'usualDurations'>, clock: () => number) {
    this.#store = store;
    this.#clock = clock;
  }

  /** Those of the blueprints that have completed enough runs. @throws XynFault `db_unavailable` */
  async of(blueprintIds: readonly string[]): Promise<UsualDuration[]> {
    const now = this.#clock();
    const stale = blueprintIds.filter((id) => now - (this.#known.get(id)?.at ?? -Infinity) >= MAX_AGE_MS);
    if (stale.length > 0) {
      const read = new Map((await this.#store.usualDurations(stale)).map((one) => [one.blueprint_id, one]));
      if (this.#known.size + stale.length > MOST_KNOWN) this.#known.clear();
      for (const id of stale) this.#known.set(id, { at: now, usual: read.get(id) });
    }
    return blueprintIds.flatMap((id) => this.#known.get(id)?.usual ?? []);
  }
}
